// One client's attempt at a secure sum, against messages that were made before, so that nothing but
// the client is measured: secagg::Client from the terms to the shares that it reveals. Nobody drops
// out, which is the most that a client has to do and to receive.
#pragma once

#include "secure_peers.h"

namespace fed::bench {

// CPU seconds of each answer.
struct AttemptCost {
  double advertise = 0, share = 0, mask = 0, sign = 0, unmask = 0;
  double total() const { return advertise + share + mask + sign + unmask; }
};

// Bytes of what a client sends and receives: the encoded messages (wire::encode) and the packed
// input, without the record layer, the offer and the receipt, which every upload has.
struct SecureTraffic {
  std::size_t up = 0, down = 0;
  std::size_t total() const { return up + down; }
};

// Used from one thread.
class SecureAttempt {
 public:
  // Of the first client of `world`, which outlives this.
  explicit SecureAttempt(const secagg::World& world);

  // Every run gives the same answers, which are kept.
  AttemptCost run();
  // Of the last run.
  SecureTraffic traffic() const;

  const secagg::Parameters& parameters() const { return roster_.parameters; }
  // How many masks the client makes: its own, and one for each neighbour.
  std::size_t masks() const { return 1 + delivery_.shares.size(); }

 private:
  void deal(const std::vector<Peer>& peers, const crypto::Hash& context,
            const secagg::Graph& graph);
  void survive(const crypto::Hash& context);

  const secagg::World& world_;
  const secagg::Words input_;
  secagg::Roster roster_;
  secagg::ShareDelivery delivery_;
  secagg::SurvivorSet set_;
  std::vector<secagg::SurvivorSignature> signatures_;

  struct Answers {
    secagg::SignedKeys keys;
    secagg::ShareMessage shares;
    Bytes masked;
    crypto::Signature signature{};
    secagg::Revelation revelation;
  } answers_;
};

}  // namespace fed::bench
