#include "wire/decode_secure.h"

#include <limits>

namespace fed::wire {
namespace {

template <std::uint16_t N>
std::array<std::uint8_t, N> array_of(const flatbuffers::Array<std::uint8_t, N>* from) {
  std::array<std::uint8_t, N> value;
  std::copy_n(from->data(), N, value.begin());
  return value;
}

SecureName read_name(const fb::SecureName& m, Checker& c) {
  SecureName name{c.job(m.job()), c.count(m.task(), "task"), m.attempt()};
  c.require(name.attempt >= 1 && name.attempt <= std::numeric_limits<std::uint32_t>::max(),
            "attempt");
  return name;
}

// Nothing is copied of one that is too long: a message may refer to the same text many times.
secagg::ClientId read_id(const flatbuffers::String& from, const char* field, Checker& c) {
  const bool fits = from.size() >= 1 && from.size() <= secagg::kClientIdBytesMax;
  c.require(fits, field);
  return fits ? from.str() : secagg::ClientId();
}

secagg::SignedKeys read_keys(secagg::ClientId id, const fb::ClientKeys& m) {
  return {std::move(id), array_of(m.mask_key()), array_of(m.share_key()),
          array_of(m.self_commitment()), array_of(m.signature())};
}

template <class To, class From, class Convert>
std::vector<To> read_list(const flatbuffers::Vector<From>* from, const char* field, Checker& c,
                          Convert convert) {
  std::vector<To> list;
  if (from == nullptr) return list;
  const bool fits = from->size() <= secagg::kClientsMax;
  c.require(fits, field);
  if (!fits) return list;
  list.reserve(from->size());
  for (const auto item : *from) list.push_back(convert(item));
  return list;
}

std::vector<secagg::Member> read_members(const flatbuffers::Vector<std::uint32_t>* from,
                                         const char* field, Checker& c) {
  return read_list<secagg::Member>(from, field, c, [](std::uint32_t member) { return member; });
}

// What clients send about members, `member` of each item, is in ascending order.
template <class Item>
void require_order(const std::vector<Item>& items, secagg::Member Item::*member, Checker& c) {
  std::vector<secagg::Member> members;
  for (const Item& item : items) members.push_back(item.*member);
  c.require(secagg::well_formed(members, secagg::kClientsMax), "shares");
}

secagg::Threat read_threat(const fb::SecureTerms& m, Checker& c) {
  c.require(m.adversary() >= fb::Adversary::MIN, "adversary");
  const auto adversary = c.tag<secagg::Adversary>(m.adversary(), fb::Adversary::MAX, "adversary");
  c.require(m.corrupted_permille() <= 999, "corrupted_permille");
  c.require(m.dropped_permille() <= 999, "dropped_permille");
  return {adversary, m.corrupted_permille(), m.dropped_permille()};
}

}  // namespace

Message read(const fb::SecureTerms& m, Checker& c) {
  SecureTerms message{read_name(*m.name(), c), {}};
  secagg::Terms& terms = message.terms;
  terms.job = message.name.job;
  terms.round = m.round();
  terms.attempt = static_cast<std::uint32_t>(message.name.attempt);
  terms.model = array_of(m.model()->bytes());
  terms.settings = array_of(m.settings()->bytes());
  terms.threat = read_threat(m, c);
  terms.clients = m.clients();
  c.require(terms.clients >= secagg::kClientsMin && terms.clients <= secagg::kClientsMax,
            "clients");
  terms.modulus_bits = m.modulus_bits();
  c.require(terms.modulus_bits >= 1 && terms.modulus_bits <= secagg::kModulusBitsMax,
            "modulus_bits");
  terms.length = m.length();
  c.require(terms.length >= 1 && terms.length <= secagg::kVectorLengthMax, "length");
  return message;
}

Message read(const fb::SecureKeys& m, Checker& c) {
  return SecureKeys{read_name(*m.name(), c), read_keys(read_id(*m.id(), "id", c), *m.keys())};
}

Message read(const fb::SecureRoster& m, Checker& c) {
  SecureRoster message{read_name(*m.name(), c), {{m.neighbours(), m.threshold()}, {}}, {}};
  const auto entries = m.ids()->size();
  const bool fits = entries <= secagg::kClientsMax;
  c.require(fits, "ids");
  c.require(m.keys()->size() == entries, "keys");
  c.require(m.identities()->size() == entries, "identities");
  if (!fits || m.keys()->size() != entries || m.identities()->size() != entries) return message;
  message.roster.entries.reserve(entries);
  message.identities.reserve(entries);
  for (flatbuffers::uoffset_t i = 0; i < entries; ++i) {
    message.roster.entries.push_back(
        read_keys(read_id(*m.ids()->Get(i), "ids", c), *m.keys()->Get(i)));
    message.identities.push_back(array_of(m.identities()->Get(i)->bytes()));
  }
  return message;
}

Message read(const fb::SecureShares& m, Checker& c) {
  SecureShares message{read_name(*m.name(), c), {}};
  message.shares = read_list<secagg::DealtShares>(m.shares(), "shares", c, [](const auto* item) {
    return secagg::DealtShares{item->holder(), array_of(item->sealed()),
                               array_of(item->mask_commitment()),
                               array_of(item->self_commitment())};
  });
  require_order(message.shares, &secagg::DealtShares::holder, c);
  return message;
}

// The order of what a server sends is the receiver's to check: it refuses the attempt, with a
// reason, where an error here would end the session.
Message read(const fb::SecureDelivery& m, Checker& c) {
  SecureDelivery message{read_name(*m.name(), c), {}};
  message.delivery.sharers = read_members(m.sharers(), "sharers", c);
  message.delivery.shares =
      read_list<secagg::ReceivedShares>(m.shares(), "shares", c, [](const auto* item) {
        return secagg::ReceivedShares{item->dealer(), array_of(item->sealed())};
      });
  return message;
}

Message read(const fb::SecureSurvivors& m, Checker& c) {
  SecureSurvivors message{read_name(*m.name(), c), {}};
  message.set.survivors = read_members(m.survivors(), "survivors", c);
  message.set.dropped = read_members(m.dropped(), "dropped", c);
  return message;
}

Message read(const fb::SecureSignature& m, Checker& c) {
  return SecureSignature{read_name(*m.name(), c), array_of(m.signature()->bytes())};
}

Message read(const fb::SecureSignatures& m, Checker& c) {
  SecureSignatures message{read_name(*m.name(), c), {}};
  message.signatures =
      read_list<secagg::SurvivorSignature>(m.signatures(), "signatures", c, [](const auto* item) {
        return secagg::SurvivorSignature{item->signer(), array_of(item->signature())};
      });
  return message;
}

Message read(const fb::SecureReveal& m, Checker& c) {
  SecureReveal message{read_name(*m.name(), c), {}};
  message.shares = read_list<secagg::RevealedShare>(m.shares(), "shares", c, [](const auto* item) {
    return secagg::RevealedShare{item->about(), array_of(item->share())};
  });
  require_order(message.shares, &secagg::RevealedShare::about, c);
  return message;
}

Message read(const fb::SecureRefused& m, Checker& c) {
  SecureRefused message{read_name(*m.name(), c), c.text(m.reason(), "reason", 64),
                        c.text(m.detail(), "detail")};
  const auto allowed = [](char character) {
    return (character >= 'a' && character <= 'z') || character == '_';
  };
  c.require(
      !message.reason.empty() && std::all_of(message.reason.begin(), message.reason.end(), allowed),
      "reason");
  return message;
}

Message read(const fb::SecureAbandoned& m, Checker& c) {
  return SecureAbandoned{read_name(*m.name(), c), c.text(m.detail(), "detail")};
}

}  // namespace fed::wire
