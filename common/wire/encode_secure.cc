#include "wire/encoding.h"

namespace fed::wire {
namespace {

flatbuffers::Offset<fb::SecureName> put(Builder& to, const SecureName& name) {
  const auto job = wire::put(to, name.job);
  return fb::CreateSecureName(to, job, name.task, name.attempt);
}

fb::ClientKeys keys_of(const secagg::SignedKeys& keys) {
  return {keys.mask_key, keys.share_key, keys.self_commitment, keys.signature};
}

// A vector of structs, each made by `convert` from an item of `list`.
template <class List, class Convert>
auto put_structs(Builder& to, const List& list, Convert convert) {
  std::vector<decltype(convert(list.front()))> structs;
  structs.reserve(list.size());
  for (const auto& item : list) structs.push_back(convert(item));
  return to.CreateVectorOfStructs(structs);
}

}  // namespace

Encoded body_of(Builder& to, const SecureTerms& m) {
  const auto name = put(to, m.name);
  const secagg::Threat& threat = m.terms.threat;
  const fb::Bytes32 model(m.terms.model), settings(m.terms.settings);
  return encoded(fb::Body::SecureTerms,
                 fb::CreateSecureTerms(to, name, m.terms.round, &model, &settings,
                                       static_cast<fb::Adversary>(threat.adversary),
                                       threat.corrupted_permille, threat.dropped_permille,
                                       m.terms.clients, m.terms.modulus_bits, m.terms.length));
}
Encoded body_of(Builder& to, const SecureKeys& m) {
  const auto name = put(to, m.name);
  const auto id = to.CreateString(m.keys.id);
  const fb::ClientKeys keys = keys_of(m.keys);
  return encoded(fb::Body::SecureKeys, fb::CreateSecureKeys(to, name, id, &keys));
}
Encoded body_of(Builder& to, const SecureRoster& m) {
  const auto name = put(to, m.name);
  std::vector<flatbuffers::Offset<flatbuffers::String>> list;
  for (const secagg::SignedKeys& entry : m.roster.entries) {
    list.push_back(to.CreateString(entry.id));
  }
  const auto ids = to.CreateVector(list);
  const auto keys = put_structs(to, m.roster.entries, keys_of);
  const auto identities =
      put_structs(to, m.identities, [](const auto& key) { return fb::Bytes32(key); });
  const secagg::Parameters& parameters = m.roster.parameters;
  return encoded(fb::Body::SecureRoster,
                 fb::CreateSecureRoster(to, name, parameters.neighbours, parameters.threshold, ids,
                                        keys, identities));
}
Encoded body_of(Builder& to, const SecureShares& m) {
  const auto name = put(to, m.name);
  const auto shares = put_structs(to, m.shares, [](const secagg::DealtShares& dealt) {
    return fb::DealtShares(dealt.holder, dealt.sealed, dealt.mask_commitment,
                           dealt.self_commitment);
  });
  return encoded(fb::Body::SecureShares, fb::CreateSecureShares(to, name, shares));
}
Encoded body_of(Builder& to, const SecureDelivery& m) {
  const auto name = put(to, m.name);
  const auto sharers = to.CreateVector(m.delivery.sharers);
  const auto shares =
      put_structs(to, m.delivery.shares, [](const secagg::ReceivedShares& received) {
        return fb::ReceivedShares(received.dealer, received.sealed);
      });
  return encoded(fb::Body::SecureDelivery, fb::CreateSecureDelivery(to, name, sharers, shares));
}
Encoded body_of(Builder& to, const SecureSurvivors& m) {
  const auto name = put(to, m.name);
  const auto survivors = to.CreateVector(m.set.survivors);
  const auto dropped = to.CreateVector(m.set.dropped);
  return encoded(fb::Body::SecureSurvivors,
                 fb::CreateSecureSurvivors(to, name, survivors, dropped));
}
Encoded body_of(Builder& to, const SecureSignature& m) {
  const auto name = put(to, m.name);
  const fb::Bytes64 signature(m.signature);
  return encoded(fb::Body::SecureSignature, fb::CreateSecureSignature(to, name, &signature));
}
Encoded body_of(Builder& to, const SecureSignatures& m) {
  const auto name = put(to, m.name);
  const auto signatures =
      put_structs(to, m.signatures, [](const secagg::SurvivorSignature& signature) {
        return fb::SurvivorSignature(signature.signer, signature.signature);
      });
  return encoded(fb::Body::SecureSignatures, fb::CreateSecureSignatures(to, name, signatures));
}
Encoded body_of(Builder& to, const SecureReveal& m) {
  const auto name = put(to, m.name);
  const auto shares = put_structs(to, m.shares, [](const secagg::RevealedShare& revealed) {
    return fb::RevealedShare(revealed.about, revealed.share);
  });
  return encoded(fb::Body::SecureReveal, fb::CreateSecureReveal(to, name, shares));
}
Encoded body_of(Builder& to, const SecureRefused& m) {
  const auto name = put(to, m.name);
  const auto reason = put(to, m.reason);
  const auto detail = put(to, m.detail);
  return encoded(fb::Body::SecureRefused, fb::CreateSecureRefused(to, name, reason, detail));
}
Encoded body_of(Builder& to, const SecureAbandoned& m) {
  const auto name = put(to, m.name);
  const auto detail = put(to, m.detail);
  return encoded(fb::Body::SecureAbandoned, fb::CreateSecureAbandoned(to, name, detail));
}

}  // namespace fed::wire
