// This client's part in one attempt at a secure sum, in the messages of the wire.
//
// secagg::Client answers five messages, once each. Around it this class does what needs the site's
// memory and what a link that breaks needs:
//   - Terms are answered only if their attempt comes after all that were answered before, also by
//     an earlier process, and only after that is on the disk (answered.h).
//   - A roster is answered only if all that are in it are who this site takes them for (peers.h).
//     Strangers that may be taken on first use are entered once all else about the roster is right,
//     their signatures with these keys as well.
//   - The server says its message again to a client that was away. The very same message gets the
//     very same answer, from memory, and never a second one; any other message of a step that was
//     answered is refused as secagg::Client does.
// A refusal ends the attempt for this client: all secrets are wiped and every later message gets
// the same refusal. The update is not touched: another attempt is another SecureParty.
//
// What it keeps to say again has left this machine already, and is no secret any more.
#pragma once

#include <memory>
#include <optional>

#include "secagg/client.h"
#include "session/answered.h"
#include "session/peers.h"
#include "wire/secure_messages.h"

namespace fed::session {

template <class T>
using Answer = secagg::Answer<T>;

// What a party is made of. `demands` is what this client knows itself of the round: `demands.job`
// is the name's. The references outlive the party.
struct PartySetup {
  wire::SecureName name;
  secagg::Demands demands;
  secagg::ClientId id;  // this client's name at the server
  const crypto::Ed25519KeyPair& identity;
  Peers& peers;
  Answered& answered;
  crypto::RandomSource random;
};

// Not thread-safe. Move-only.
class SecureParty {
 public:
  explicit SecureParty(PartySetup setup);

  // Each is refused, beside secagg's own reasons, as other_job if it is about another attempt than
  // this one, and as not_recorded where the disk does not take what must be on it first.
  Answer<wire::SecureKeys> on(const wire::SecureTerms& message);
  // `at`: now, in seconds since 1970, for the site's roster. Also unknown_peer (a key that is not
  // the known one, or a stranger at a site that pins), own_keys_altered (another identity for this
  // client), duplicate_peer (one identity twice).
  Answer<wire::SecureShares> on(const wire::SecureRoster& message, std::int64_t at);
  // The masked input, packed: the caller keeps it in a file and offers it. `input` has the width
  // and length of the demands. Not for a delivery that has_masked.
  Answer<Bytes> mask(const wire::SecureDelivery& message, secagg::Words input);
  Answer<wire::SecureSignature> on(const wire::SecureSurvivors& message);
  Answer<wire::SecureReveal> on(const wire::SecureSignatures& message);

  // Whether this very delivery was answered: its masked input is offered again, from its file.
  bool has_masked(const wire::SecureDelivery& message) const;

  const wire::SecureName& name() const { return name_; }
  // Why this client takes no further part, for the server; none while it does.
  const std::optional<wire::SecureRefused>& refusal() const { return told_; }
  // Whether the shares were revealed: nothing more to come.
  bool is_done() const { return reveal_.has_value(); }
  bool holds_secrets() const { return client_ && client_->holds_secrets(); }

 private:
  template <class Message>
  struct Given {
    crypto::Hash to;  // digest of the message
    Message answer;
  };
  template <class Message, class Asked, class Make>
  Answer<Message> give(std::optional<Given<Message>>& given, const Asked& asked, Make make);
  secagg::Refusal end(secagg::Refusal refusal);

  Answer<wire::SecureKeys> make_keys(const wire::SecureTerms& message);
  Answer<wire::SecureShares> make_shares(const wire::SecureRoster& message, std::int64_t at);
  Answer<void> check_identities(const wire::SecureRoster& message) const;
  Answer<void> weigh(const wire::SecureRoster& message, std::int64_t at);

  wire::SecureName name_;
  std::uint64_t round_;
  secagg::ClientId id_;
  crypto::VerifyKey own_key_;
  Peers* peers_;
  Answered* answered_;
  // In the roster that is being answered. Not a plain member, since the client asks for them and
  // the party may move.
  std::shared_ptr<Strangers> strangers_;
  std::unique_ptr<secagg::Client> client_;  // none after a refusal

  std::optional<secagg::Refusal> refusal_;
  std::optional<wire::SecureRefused> told_;
  std::optional<Given<wire::SecureKeys>> keys_;
  std::optional<Given<wire::SecureShares>> shares_;
  std::optional<crypto::Hash> masked_;  // digest of the delivery
  std::optional<Given<wire::SecureSignature>> signature_;
  std::optional<Given<wire::SecureReveal>> reveal_;
};

}  // namespace fed::session
