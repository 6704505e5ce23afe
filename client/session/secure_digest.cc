#include "session/secure_digest.h"

namespace fed::session {
namespace {

using secagg::Transcript;

Transcript about(std::string_view what, const wire::SecureName& name) {
  Transcript transcript(what);
  transcript.add(name.job)
      .add_number(static_cast<std::uint64_t>(name.task))
      .add_number(static_cast<std::uint64_t>(name.attempt));
  return transcript;
}

void add(Transcript& transcript, const std::vector<secagg::Member>& members) {
  transcript.add(as_bytes(std::span(members)));
}

}  // namespace

crypto::Hash digest(const wire::SecureTerms& message) {
  return about("heard: terms", message.name).add(secagg::hash_of(message.terms)).finish();
}

crypto::Hash digest(const wire::SecureRoster& message) {
  Transcript transcript = about("heard: roster", message.name);
  transcript.add_number(message.roster.parameters.neighbours)
      .add_number(message.roster.parameters.threshold)
      .add_number(message.roster.entries.size());
  for (const secagg::SignedKeys& keys : message.roster.entries) {
    transcript.add(keys.id)
        .add(keys.mask_key)
        .add(keys.share_key)
        .add(keys.self_commitment)
        .add(keys.signature);
  }
  transcript.add_number(message.identities.size());
  for (const auto& identity : message.identities) transcript.add(identity);
  return transcript.finish();
}

crypto::Hash digest(const wire::SecureDelivery& message) {
  Transcript transcript = about("heard: delivery", message.name);
  add(transcript, message.delivery.sharers);
  transcript.add_number(message.delivery.shares.size());
  for (const secagg::ReceivedShares& shares : message.delivery.shares) {
    transcript.add_number(shares.dealer).add(shares.sealed);
  }
  return transcript.finish();
}

crypto::Hash digest(const wire::SecureSurvivors& message) {
  Transcript transcript = about("heard: survivors", message.name);
  add(transcript, message.set.survivors);
  add(transcript, message.set.dropped);
  return transcript.finish();
}

crypto::Hash digest(const wire::SecureSignatures& message) {
  Transcript transcript = about("heard: signatures", message.name);
  transcript.add_number(message.signatures.size());
  for (const secagg::SurvivorSignature& one : message.signatures) {
    transcript.add_number(one.signer).add(one.signature);
  }
  return transcript.finish();
}

}  // namespace fed::session
