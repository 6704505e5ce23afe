// A client's side of one attempt at one round of secure aggregation: five answers to five messages.
//
//   advertise  terms              -> its signed keys
//   share      roster             -> shares of its two secrets, encrypted for each neighbour
//   mask       shares for it      -> its masked input
//   sign       survivors          -> its signature of that list
//   unmask     their signatures   -> one share about each neighbour
//
// The protocol is Bonawitz and others (2017), figure 4, over the graph of Bell and others (2020).
// The server is not trusted. Whatever looks wrong is refused with a reason (refusal.h), and a
// refusal ends the attempt: the secrets are wiped, and every later call is refused as well. A call
// out of turn is such a refusal, so nothing is ever answered twice.
//
// The state is in memory only and is meant to be: a client that restarts in the middle has dropped
// out of this attempt, and nobody can make it answer a second time with the same secrets. The
// server learns the sum over the survivors and nothing else about an input, as long as fewer
// clients are corrupted than the parameters allow for. Two attempts with the same input and
// different survivors reveal the difference of the two sums: who calls this decides whether to take
// part in a second one.
#pragma once

#include <map>
#include <optional>

#include "secagg/checks.h"
#include "secagg/words.h"

namespace fed::secagg {

// Whether this client has already answered to these terms (their hash). The caller remembers.
using AnsweredBefore = std::function<bool(const crypto::Hash& terms)>;

// What a client is given; the referred key outlives it.
struct ClientSetup {
  ClientId id;
  Demands demands;
  const crypto::Ed25519KeyPair& identity;
  IdentityLookup identity_of;  // also knows `id`
  crypto::RandomSource random;
  AnsweredBefore answered_before;
};

// Not thread-safe. Move-only; a moved-from client may only be destroyed.
class Client {
 public:
  explicit Client(ClientSetup setup);
  Client(Client&&) = default;

  // The caller then remembers hash_of(terms) before the answer leaves.
  Answer<SignedKeys> advertise(const Terms& terms);
  Answer<ShareMessage> share(const Roster& roster);
  // `input` has the width and length of the terms (a broken invariant otherwise) and is masked in
  // place. The answer is packed (packing.h).
  Answer<Bytes> mask(const ShareDelivery& delivery, Words input);
  Answer<crypto::Signature> sign(const SurvivorSet& set);
  // The shares leave; nothing secret is left.
  Answer<Revelation> unmask(const std::vector<SurvivorSignature>& signatures);

  // The next call that is not out of turn.
  enum class Phase { advertise, share, mask, sign, unmask, done, refused };
  Phase phase() const { return phase_; }
  // Whether there is anything left to wipe. Never after the end, of either kind.
  bool holds_secrets() const { return secrets_.has_value() || !held_.empty(); }

 private:
  struct Secrets {
    crypto::Scalar mask_scalar, self_scalar;
    crypto::X25519KeyPair mask_key, share_key;
    std::map<Member, crypto::Wiped<32>> shared;  // with each neighbour, by the share keys
  };
  struct Held {  // what a neighbour dealt to this client
    Member dealer;
    crypto::Wiped<64> shares;
  };

  template <class T, class Step>
  Answer<T> turn(Phase phase, Phase next, Step step);
  Refusal out_of_turn(Phase asked) const;
  void forget();

  Answer<SignedKeys> make_keys(const Terms& terms);
  Answer<ShareMessage> deal(const Roster& roster);
  Answer<Bytes> hide(const ShareDelivery& delivery, Words input);
  Answer<Revelation> reveal(const std::vector<SurvivorSignature>& signatures);
  const ClientId& id_of(Member member) const { return roster_.entries[member].id; }

  ClientSetup setup_;
  Phase phase_ = Phase::advertise;
  std::optional<Secrets> secrets_;
  std::vector<Held> held_;

  Terms terms_;
  crypto::Hash terms_hash_{};
  SignedKeys own_;
  Roster roster_;
  std::vector<crypto::VerifyKey> identities_;
  crypto::Hash context_{};
  std::optional<Graph> graph_;
  Member self_ = 0;
  std::vector<Member> sharers_;
  SurvivorSet set_;
};

}  // namespace fed::secagg
