#include "secure_cohort.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "secagg/packing.h"

namespace fed::test {
namespace {

constexpr unsigned kBits = 24;
constexpr std::uint64_t kLength = 9;

bool same(const wire::SecureKeys& a, const wire::SecureKeys& b) {
  return a.name == b.name && a.keys == b.keys;
}
bool same(const wire::SecureShares& a, const wire::SecureShares& b) {
  return a.name == b.name &&
         std::equal(a.shares.begin(), a.shares.end(), b.shares.begin(), b.shares.end(),
                    [](const secagg::DealtShares& x, const secagg::DealtShares& y) {
                      return x.holder == y.holder && x.sealed == y.sealed &&
                             x.mask_commitment == y.mask_commitment &&
                             x.self_commitment == y.self_commitment;
                    });
}
bool same(const wire::SecureSignature& a, const wire::SecureSignature& b) {
  return a.name == b.name && a.signature == b.signature;
}
bool same(const wire::SecureReveal& a, const wire::SecureReveal& b) {
  return a.name == b.name &&
         std::equal(a.shares.begin(), a.shares.end(), b.shares.begin(), b.shares.end(),
                    [](const secagg::RevealedShare& x, const secagg::RevealedShare& y) {
                      return x.about == y.about && x.share == y.share;
                    });
}

template <class Ask>
auto twice(Ask ask) {
  auto first = ask().value();
  const auto second = ask().value();
  REQUIRE(same(first, second));
  return first;
}

}  // namespace

crypto::RandomSource random_of(const std::string& name) {
  return [name, number = std::uint64_t{0}](ByteSpan into) mutable {
    while (!into.empty()) {
      const auto block = secagg::Transcript("test random").add(name).add_number(number++).finish();
      const std::size_t size = std::min(block.size(), into.size());
      std::copy_n(block.begin(), size, into.begin());
      into = into.subspan(size);
    }
  };
}

crypto::Ed25519KeyPair identity_of(const std::string& name) {
  const auto seed = secagg::Transcript("test identity").add(name).finish();
  return crypto::Ed25519KeyPair(crypto::SecretKey(seed, crypto::Memory::plain));
}

CohortSite::CohortSite(std::string name, session::Trust how)
    : id(std::move(name)), trust(how), identity(identity_of(id)), random(random_of(id)) {
  restart();
}

void CohortSite::restart() {
  peers =
      std::make_unique<session::Peers>(session::Peers::open(disk, "/state/roster", trust).value());
  answered = std::make_unique<session::Answered>(
      session::Answered::open(disk, "/state/secure.answered").value());
}

session::SecureParty CohortSite::party(const wire::SecureName& name,
                                       const secagg::Demands& demands) {
  return session::SecureParty({name, demands, id, identity, *peers, *answered, random});
}

Cohort::Cohort(std::size_t clients, std::uint32_t clients_min)
    : masked(secagg::zero_words(kBits, kLength)) {
  terms.job = "job";
  terms.round = 7;
  terms.attempt = 2;
  terms.model = crypto::sha256(view("model"));
  terms.settings = crypto::sha256(view("settings"));
  terms.threat = {secagg::Adversary::semi_malicious, 50, 300};
  terms.clients = static_cast<std::uint32_t>(clients);
  terms.modulus_bits = kBits;
  terms.length = kLength;
  demands.job = terms.job;
  demands.round = terms.round;
  demands.model = terms.model;
  demands.settings = terms.settings;
  demands.modulus_bits = terms.modulus_bits;
  demands.length = terms.length;
  demands.threat = terms.threat;
  demands.clients_min = clients_min;
  name = {"job", 31, 2};
  for (std::size_t i = 0; i < clients; ++i) {
    sites.push_back(std::make_unique<CohortSite>("site-" + std::to_string(i)));
    parties.push_back(sites.back()->party(name, demands));
  }
  const auto known = [this](std::string_view id) -> std::optional<crypto::VerifyKey> {
    for (const auto& site : sites) {
      if (site->id == id) return site->identity.verify_key();
    }
    return std::nullopt;
  };
  server = std::make_unique<secagg::Server>(terms, secagg::ServerLimits{}, known);
}

void Cohort::advertise() {
  for (auto& party : parties) {
    const auto answer = twice([&] { return party.on(wire::SecureTerms{name, terms}); });
    server->keys(answer.keys).value();
  }
  roster = {name, server->close_keys().value(), {}};
  for (const auto& site : sites) roster.identities.push_back(site->identity.verify_key());
}

void Cohort::share() {
  for (std::uint32_t i = 0; i < parties.size(); ++i) {
    const auto answer = twice([&] { return parties[i].on(roster, kNow); });
    server->shares(i, answer.shares).value();
  }
  server->close_shares().value();
}

wire::SecureDelivery Cohort::delivery(std::size_t client) const {
  return {name, server->delivery(static_cast<secagg::Member>(client))};
}

std::vector<std::uint32_t> Cohort::input(std::size_t client) const {
  std::vector<std::uint32_t> values(kLength);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<std::uint32_t>((client + 1) * 1000003 * (i + 3)) & ((1u << kBits) - 1);
  }
  return values;
}

void Cohort::mask(const std::set<std::size_t>& absent) {
  for (std::uint32_t i = 0; i < parties.size(); ++i) {
    if (absent.contains(i)) continue;
    const auto message = delivery(i);
    REQUIRE_FALSE(parties[i].has_masked(message));
    const Bytes packed = parties[i].mask(message, input(i)).value();
    REQUIRE(parties[i].has_masked(message));
    secagg::check_packed(packed, kBits, kLength).value();
    server->input(i).value();
    secagg::add_packed(packed, kBits, masked);
  }
  survivors = {name, server->close_inputs().value()};
}

void Cohort::sign() {
  for (const secagg::Member i : survivors.set.survivors) {
    const auto answer = twice([&] { return parties[i].on(survivors); });
    server->signature(i, answer.signature).value();
  }
  signatures = {name, server->close_signatures().value()};
}

void Cohort::unmask() {
  for (const secagg::Member i : survivors.set.survivors) {
    const auto answer = twice([&] { return parties[i].on(signatures); });
    server->reveal(i, answer.shares).value();
  }
}

std::vector<std::uint64_t> Cohort::finish() {
  const secagg::Words words = server->finish(masked).value();
  std::vector<std::uint64_t> sum;
  for (const std::uint32_t word : std::get<std::vector<std::uint32_t>>(words)) {
    sum.push_back(word & ((1u << kBits) - 1));
  }
  return sum;
}

void Cohort::impersonate(std::size_t client, const crypto::Ed25519KeyPair& identity) {
  secagg::SignedKeys& keys = roster.roster.entries[client];
  keys.mask_key[0] ^= 1;
  keys.signature = identity.sign(statement(keys, hash_of(terms)));
  roster.identities[client] = identity.verify_key();
}

}  // namespace fed::test
