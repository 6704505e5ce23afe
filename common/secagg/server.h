// The server's side of one attempt at one round: collects five kinds of messages, phase by phase,
// and ends with the exact sum of the survivors' inputs, or with the reason why there is none.
//
//   keys          -> close_keys()        -> the roster, for everybody in it
//   shares        -> close_shares()      -> delivery(member), for everybody who dealt
//   input         -> close_inputs()      -> the survivor set, for the survivors
//   signature     -> close_signatures()  -> all signatures, for the survivors
//   reveal        -> finish()            -> the sum
//
// Who does not answer in a phase before it is closed has dropped out; when to close is the caller's
// business. A message is checked as a whole and then counted, or refused without a trace: a wrong
// signature, garbage or a second message costs its sender its own part and nobody else anything.
// What no protocol of this kind can see is whether the values inside of a masked input are
// sensible.
//
// Of the masked inputs only their senders are named here: they are vectors, and who keeps them adds
// them up (packing.h) and hands in the sum. What is kept for each pair of neighbours is 144 bytes
// of shares and commitments.
//
// A holder that returns a wrong share is found out by the dealer's commitment, and only that share
// is lost. A dealer that shared something else than it committed to cannot be repaired once its
// masks are in the sum (its neighbours never reveal both of its secrets): the attempt is abandoned
// with its name, and the next one goes without it.
#pragma once

#include <optional>

#include "secagg/messages.h"
#include "secagg/refusal.h"
#include "secagg/unmasking.h"
#include "secagg/words.h"

namespace fed::secagg {

// What the operator asks for, beyond what the parameters need anyway.
struct ServerLimits {
  std::uint32_t clients_min = kClientsMin;    // keys, before a roster is made
  std::uint32_t survivors_min = kClientsMin;  // inputs in a sum
};

// Not thread-safe. After an Abandoned, only destruction is of use. Errors of the calls that take
// a message: closed (of another phase), not_found (a stranger, or who dropped out before),
// already_exists (a second one), unauthentic (signature), malformed, invalid.
class Server {
 public:
  // check(terms) holds.
  Server(Terms terms, ServerLimits limits, IdentityLookup identity_of);

  Status keys(const SignedKeys& keys);
  Attempt<Roster> close_keys();

  Status shares(Member from, const ShareMessage& message);
  Attempt<void> close_shares();
  // For a member that dealt shares.
  ShareDelivery delivery(Member to) const;

  // The member's masked input is here, as check_packed accepts it.
  Status input(Member from);
  Attempt<SurvivorSet> close_inputs();

  Status signature(Member from, const crypto::Signature& signature);
  Attempt<std::vector<SurvivorSignature>> close_signatures();

  // How many shares of the message were of use: others are wrong, or needed no more.
  Result<std::size_t> reveal(Member from, const Revelation& revelation);
  // Whether finish() has all it needs, so that nobody has to be waited for.
  bool complete() const;
  // Removes the masks from `sum`, that of the survivors' inputs modulo 2^b, sharing the work among
  // the threads of `parallel`.
  Attempt<Words> finish(Words sum, const Parallel& parallel = one_by_one) const;

  const Graph& graph() const { return *graph_; }
  const crypto::Hash& context() const { return context_; }

 private:
  enum class Phase { keys, shares, inputs, signatures, reveal };

  Status expect(Phase phase, Member from, const std::vector<bool>& allowed,
                const std::vector<bool>& seen) const;
  Status check_keys(const SignedKeys& keys) const;
  const DealtShares* dealt(Member dealer, Member holder) const;
  bool wanted(Member holder, const RevealedShare& share) const;

  Terms terms_;
  ServerLimits limits_;
  IdentityLookup identity_of_;
  Phase phase_ = Phase::keys;
  crypto::Hash terms_hash_, context_{};
  Roster roster_;
  std::optional<Graph> graph_;
  std::vector<ShareMessage> dealt_;  // of each member
  std::vector<bool> everybody_, sharers_, survivors_, signers_, revealers_;
  SurvivorSet set_;
  std::vector<SurvivorSignature> signatures_;
  std::vector<std::vector<Share>> revealed_;  // about each member, at most t
};

}  // namespace fed::secagg
