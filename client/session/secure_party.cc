#include "session/secure_party.h"

#include <set>

#include "base/log.h"
#include "session/secure_digest.h"

namespace fed::session {
namespace {

using secagg::Refusal;
using secagg::RefusalReason;

// Itself, its peers, and who is about to become one.
secagg::IdentityLookup lookup_of(const PartySetup& setup,
                                 std::shared_ptr<const Strangers> strangers) {
  return [id = setup.id, own = setup.identity.verify_key(), peers = &setup.peers,
          strangers](std::string_view name) -> std::optional<crypto::VerifyKey> {
    if (name == id) return own;
    if (const auto known = peers->lookup(name)) return known;
    const auto found = strangers->find(name);
    if (found == strangers->end()) return std::nullopt;
    return found->second;
  };
}

secagg::ClientSetup client_setup(const PartySetup& setup,
                                 std::shared_ptr<const Strangers> strangers) {
  // By the time this is asked, job and round of the terms are those of the demands.
  const auto before = [answered = &setup.answered, name = setup.name,
                       round = setup.demands.round](const crypto::Hash&) {
    return !answered->is_new(name.job, round, static_cast<std::uint64_t>(name.attempt));
  };
  return {setup.id,     setup.demands, setup.identity, lookup_of(setup, std::move(strangers)),
          setup.random, before};
}

Refusal other_attempt() {
  return {RefusalReason::other_job, "this message is about another attempt than its name says"};
}

// The names of this machine's files stay here.
Refusal not_recorded(const Error& error) {
  log::error("no part in secure sums: {}", error.detail);
  return {RefusalReason::not_recorded,
          "what this site remembers of its peers or of earlier sums cannot be used; its own log "
          "says why"};
}

// What weigh() says, in the reasons of the protocol.
Refusal not_met(const Error& error) {
  switch (error.code) {
    case ErrorCode::unauthentic:
    case ErrorCode::not_found:
    case ErrorCode::invalid:
      return {RefusalReason::unknown_peer, error.detail};
    default:
      return not_recorded(error);
  }
}

}  // namespace

SecureParty::SecureParty(PartySetup setup)
    : name_(setup.name),
      round_(setup.demands.round),
      id_(setup.id),
      own_key_(setup.identity.verify_key()),
      peers_(&setup.peers),
      answered_(&setup.answered),
      strangers_(std::make_shared<Strangers>()) {
  FED_CHECK(setup.demands.job == name_.job);
  client_ = std::make_unique<secagg::Client>(client_setup(setup, strangers_));
}

Refusal SecureParty::end(Refusal refusal) {
  client_.reset();
  told_ = wire::SecureRefused{name_, secagg::name(refusal.reason), refusal.detail};
  refusal_ = refusal;
  return refusal;
}

template <class Message, class Asked, class Make>
Answer<Message> SecureParty::give(std::optional<Given<Message>>& given, const Asked& asked,
                                  Make make) {
  if (refusal_) return *refusal_;
  const crypto::Hash to = digest(asked);
  if (given && given->to == to) return given->answer;
  Answer<Message> answer = asked.name == name_ ? make() : Answer<Message>(other_attempt());
  if (!answer) return end(answer.error());
  given = Given<Message>{to, *answer};
  return answer;
}

Answer<wire::SecureKeys> SecureParty::on(const wire::SecureTerms& message) {
  return give(keys_, message, [&] { return make_keys(message); });
}

Answer<wire::SecureKeys> SecureParty::make_keys(const wire::SecureTerms& message) {
  if (message.terms.job != name_.job || message.terms.attempt != name_.attempt) {
    return other_attempt();
  }
  FED_ASSIGN(keys, client_->advertise(message.terms));
  const auto kept = answered_->remember(name_.job, round_, message.terms.attempt);
  if (!kept) return not_recorded(kept.error());
  return wire::SecureKeys{name_, std::move(keys)};
}

Answer<wire::SecureShares> SecureParty::on(const wire::SecureRoster& message, std::int64_t at) {
  return give(shares_, message, [&] { return make_shares(message, at); });
}

Answer<wire::SecureShares> SecureParty::make_shares(const wire::SecureRoster& message,
                                                    std::int64_t at) {
  // Out of turn, the client says so, and nobody is looked at.
  if (client_->phase() == secagg::Client::Phase::share) FED_TRY(weigh(message, at));
  FED_ASSIGN(shares, client_->share(message.roster));
  const auto entered = peers_->enter(*strangers_, at);
  if (!entered) return not_recorded(entered.error());
  strangers_->clear();
  return wire::SecureShares{name_, std::move(shares)};
}

Answer<void> SecureParty::check_identities(const wire::SecureRoster& message) const {
  const auto& entries = message.roster.entries;
  if (message.identities.size() != entries.size() || entries.size() > secagg::kClientsMax) {
    return Refusal{RefusalReason::malformed, "the roster does not name one identity a client"};
  }
  std::set<crypto::VerifyKey> seen;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].id == id_ && message.identities[i] != own_key_) {
      return Refusal{
          RefusalReason::own_keys_altered,
          "the server names another identity key for this client (" + id_ + ") than its own"};
    }
    if (!seen.insert(message.identities[i]).second) {
      return Refusal{RefusalReason::duplicate_peer,
                     entries[i].id + " has the identity key of another client in the roster"};
    }
  }
  return {};
}

Answer<void> SecureParty::weigh(const wire::SecureRoster& message, std::int64_t at) {
  FED_TRY(check_identities(message));
  const auto& entries = message.roster.entries;
  std::vector<Introduction> offered;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].id != id_) offered.emplace_back(entries[i].id, message.identities[i]);
  }
  auto strangers = peers_->weigh(offered, at);
  if (!strangers) return not_met(strangers.error());
  *strangers_ = std::move(*strangers);
  return {};
}

bool SecureParty::has_masked(const wire::SecureDelivery& message) const {
  return !refusal_ && masked_ == digest(message);
}

Answer<Bytes> SecureParty::mask(const wire::SecureDelivery& message, secagg::Words input) {
  if (refusal_) return *refusal_;
  FED_CHECK(!has_masked(message));
  if (message.name != name_) return end(other_attempt());
  Answer<Bytes> packed = client_->mask(message.delivery, std::move(input));
  if (!packed) return end(packed.error());
  masked_ = digest(message);
  return packed;
}

Answer<wire::SecureSignature> SecureParty::on(const wire::SecureSurvivors& message) {
  return give(signature_, message, [&]() -> Answer<wire::SecureSignature> {
    FED_ASSIGN(signature, client_->sign(message.set));
    return wire::SecureSignature{name_, signature};
  });
}

Answer<wire::SecureReveal> SecureParty::on(const wire::SecureSignatures& message) {
  return give(reveal_, message, [&]() -> Answer<wire::SecureReveal> {
    FED_ASSIGN(shares, client_->unmask(message.signatures));
    return wire::SecureReveal{name_, std::move(shares)};
  });
}

}  // namespace fed::session
