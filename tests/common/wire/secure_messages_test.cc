#include "wire/secure_messages.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "samples.h"

namespace fed::wire {
namespace {

// The field that decode complains about; empty if it does not.
std::string refused_field(const Message& message) {
  const auto back = decode(encode(message));
  if (back) return {};
  CHECK(back.error().code == ErrorCode::malformed);
  const std::string before = std::string(name(message)) + " message: bad value of ";
  CHECK(back.error().detail.starts_with(before));
  return back.error().detail.substr(std::min(before.size(), back.error().detail.size()));
}

template <class M>
M sample() {
  for (const Message& message : secure_samples()) {
    if (const M* found = std::get_if<M>(&message)) return *found;
  }
  FAIL("no sample of this message");
  return {};
}

template <class M>
M there_and_back(const M& message) {
  return std::get<M>(decode(encode(message)).value());
}

TEST_CASE("every message of secure aggregation has a sample and carries its name") {
  CHECK(secure_samples().size() == 11);
  for (const Message& message : secure_samples()) {
    const auto back = decode(encode(message)).value();
    std::visit(
        [](const auto& m) {
          if constexpr (requires { m.name.attempt; }) {
            CHECK(m.name == SecureName{"job", 3, 2});
          } else {
            FAIL("another message");
          }
        },
        back);
  }
}

TEST_CASE("terms come back whole, with the name's job and attempt") {
  const auto sent = sample<SecureTerms>();
  CHECK(there_and_back(sent).terms == sent.terms);
  auto other = sent;
  other.terms.job = "another";
  other.terms.attempt = 9;
  other.terms.threat.adversary = secagg::Adversary::curious;
  const auto back = there_and_back(other);
  CHECK(back.terms.job == "job");
  CHECK(back.terms.attempt == 2);
  CHECK(back.terms.threat.adversary == secagg::Adversary::curious);
}

// The hash of what came is what every signature and every key depends on.
TEST_CASE("hashes over what came are those over what went") {
  const auto terms = sample<SecureTerms>().terms;
  CHECK(secagg::hash_of(there_and_back(sample<SecureTerms>()).terms) == secagg::hash_of(terms));
  const auto roster = sample<SecureRoster>();
  const auto back = there_and_back(roster);
  CHECK(back.roster.entries == roster.roster.entries);
  CHECK(back.roster.parameters == roster.roster.parameters);
  CHECK(back.identities == roster.identities);
  const auto survivors = sample<SecureSurvivors>();
  CHECK(secagg::statement(there_and_back(survivors).set, {}) ==
        secagg::statement(survivors.set, {}));
}

TEST_CASE("keys, shares and signatures keep every byte in its place") {
  CHECK(there_and_back(sample<SecureKeys>()).keys == sample_keys("alice"));
  const auto dealt = there_and_back(sample<SecureShares>()).shares;
  REQUIRE(dealt.size() == 2);
  CHECK(dealt[1].holder == 99'999);
  CHECK(dealt[1].sealed == all<80>(4));
  CHECK(dealt[1].mask_commitment == all<32>(5));
  CHECK(dealt[1].self_commitment == all<32>(6));
  const auto delivery = there_and_back(sample<SecureDelivery>()).delivery;
  CHECK(delivery.sharers == std::vector<secagg::Member>{0, 1, 5});
  REQUIRE(delivery.shares.size() == 2);
  CHECK(delivery.shares[1].dealer == 5);
  CHECK(delivery.shares[1].sealed == all<80>(2));
  CHECK(there_and_back(sample<SecureSignature>()).signature == all<64>(9));
  const auto signatures = there_and_back(sample<SecureSignatures>()).signatures;
  REQUIRE(signatures.size() == 2);
  CHECK(signatures[1].signer == 5);
  CHECK(signatures[1].signature == all<64>(2));
  const auto revealed = there_and_back(sample<SecureReveal>()).shares;
  REQUIRE(revealed.size() == 2);
  CHECK(revealed[1].about == 5);
  CHECK(revealed[1].share == all<32>(2));
  CHECK(there_and_back(sample<SecureRefused>()).reason == "too_few_sharers");
  CHECK(there_and_back(sample<SecureAbandoned>()).detail == "only 2 clients sent keys");
}

TEST_CASE("a message of secure aggregation without a proper name is refused") {
  for (const Message& good : secure_samples()) {
    const auto refused_with = [&good](auto change) {
      Message message = good;
      std::visit(
          [&change](auto& m) {
            if constexpr (requires { m.name.attempt; }) change(m.name);
          },
          message);
      return refused_field(message);
    };
    CHECK(refused_with([](SecureName&) {}) == "");
    CHECK(refused_with([](SecureName& name) { name.job = "../etc"; }) == "job");
    CHECK(refused_with([](SecureName& name) { name.task = -1; }) == "task");
    CHECK(refused_with([](SecureName& name) { name.attempt = 0; }) == "attempt");
    CHECK(refused_with([](SecureName& name) { name.attempt = -1; }) == "attempt");
    CHECK(refused_with([](SecureName& name) { name.attempt = std::int64_t{1} << 32; }) ==
          "attempt");
  }
}

TEST_CASE("terms out of their ranges are refused") {
  const auto refused_with = [](auto change) {
    auto message = sample<SecureTerms>();
    change(message.terms);
    return refused_field(message);
  };
  using Terms = secagg::Terms;
  const auto adversary = [&](int value) {
    return refused_with(
        [value](Terms& terms) { terms.threat.adversary = static_cast<secagg::Adversary>(value); });
  };
  CHECK(adversary(0) == "adversary");
  CHECK(adversary(3) == "adversary");
  CHECK(refused_with([](Terms& t) { t.threat.corrupted_permille = 1000; }) == "corrupted_permille");
  CHECK(refused_with([](Terms& t) { t.threat.dropped_permille = 1000; }) == "dropped_permille");
  CHECK(refused_with([](Terms& t) { t.clients = 2; }) == "clients");
  CHECK(refused_with([](Terms& t) { t.clients = secagg::kClientsMax + 1; }) == "clients");
  CHECK(refused_with([](Terms& t) { t.modulus_bits = 0; }) == "modulus_bits");
  CHECK(refused_with([](Terms& t) { t.modulus_bits = 65; }) == "modulus_bits");
  CHECK(refused_with([](Terms& t) { t.length = 0; }) == "length");
  CHECK(refused_with([](Terms& t) { t.length = secagg::kVectorLengthMax + 1; }) == "length");
  CHECK(refused_with([](Terms& t) {
          t.modulus_bits = 64;
          t.length = secagg::kVectorLengthMax;
          t.clients = secagg::kClientsMax;
          t.threat = {secagg::Adversary::curious, 999, 0};
        }) == "");
}

TEST_CASE("a client's id has 1 to 255 bytes") {
  CHECK(refused_field(SecureKeys{{"job", 3, 2}, sample_keys("")}) == "id");
  CHECK(refused_field(SecureKeys{{"job", 3, 2}, sample_keys(std::string(256, 'a'))}) == "id");
  CHECK(refused_field(SecureKeys{{"job", 3, 2}, sample_keys(std::string(255, 'a'))}) == "");
  auto roster = sample<SecureRoster>();
  roster.roster.entries[1].id.clear();
  CHECK(refused_field(roster) == "ids");
  roster.roster.entries[1].id.assign(256, 'a');
  CHECK(refused_field(roster) == "ids");
}

TEST_CASE("a roster has one identity for each entry") {
  auto roster = sample<SecureRoster>();
  roster.identities.pop_back();
  CHECK(refused_field(roster) == "identities");
  roster.identities.resize(3);
  CHECK(refused_field(roster) == "identities");
}

// The writer cannot break these rules, so the length of a vector is altered in what it wrote.
Bytes with_length(const Message& message, std::uint8_t first_byte, std::uint8_t from,
                  std::uint8_t to) {
  Bytes bytes = encode(message);
  const Bytes wanted = {from, 0, 0, 0, first_byte, first_byte};
  const auto found = std::search(bytes.begin(), bytes.end(), wanted.begin(), wanted.end());
  REQUIRE(found != bytes.end());
  *found = to;
  return bytes;
}

TEST_CASE("vectors whose lengths do not fit are refused") {
  const auto field_of = [](const Bytes& bytes) {
    const std::string detail = decode(bytes).error().detail;
    return detail.substr(detail.rfind(' ') + 1);
  };
  CHECK(field_of(with_length(sample<SecureRoster>(), 1, 2, 1)) == "keys");
  CHECK(field_of(with_length(sample<SecureRoster>(), 7, 2, 1)) == "identities");
  const Message offer = sample_messages()[6];
  CHECK(field_of(with_length(offer, 7, 32, 31)) == "model");
  CHECK(field_of(with_length(offer, 7, 32, 0)) == "model");
}

TEST_CASE("a client's lists of shares are in order") {
  auto shares = sample<SecureShares>();
  shares.shares[1].holder = 1;
  CHECK(refused_field(shares) == "shares");
  shares.shares[1].holder = secagg::kClientsMax;
  CHECK(refused_field(shares) == "shares");
  auto reveal = sample<SecureReveal>();
  std::swap(reveal.shares[0], reveal.shares[1]);
  CHECK(refused_field(reveal) == "shares");
}

// The client's own check gives the attempt up with a reason; an error here would end its session.
TEST_CASE("the order of a server's lists is left to the receiver") {
  auto survivors = sample<SecureSurvivors>();
  survivors.set.survivors = {5, 1};
  CHECK(there_and_back(survivors).set.survivors == std::vector<secagg::Member>{5, 1});
}

TEST_CASE("a refusal's reason is a word") {
  auto refused = sample<SecureRefused>();
  for (const std::string& reason :
       {std::string(), std::string("Two words"), std::string(65, 'a')}) {
    refused.reason = reason;
    CHECK(refused_field(refused) == "reason");
  }
}

TEST_CASE("lists beyond the largest cohort are refused") {
  auto survivors = sample<SecureSurvivors>();
  survivors.set.survivors.resize(secagg::kClientsMax + 1);
  CHECK(refused_field(survivors) == "survivors");
  survivors = sample<SecureSurvivors>();
  survivors.set.dropped.resize(secagg::kClientsMax + 1);
  CHECK(refused_field(survivors) == "dropped");
  auto delivery = sample<SecureDelivery>();
  delivery.delivery.sharers.resize(secagg::kClientsMax + 1);
  CHECK(refused_field(delivery) == "sharers");
}

TEST_CASE("messages of large cohorts fit their limits") {
  // Of as many neighbours as sparse graphs have, from a client.
  SecureShares shares{{"job", 3, 2}, {}};
  for (secagg::Member i = 0; i < 398; ++i) shares.shares.push_back({i, {}, {}, {}});
  CHECK(encode(shares).size() < kFromClientBytesMax);
  // From the server to 10,000 clients.
  SecureRoster roster{{"job", 3, 2}, {{120, 60}, {}}, {}};
  SecureSignatures signatures{{"job", 3, 2}, {}};
  for (secagg::Member i = 0; i < 10'000; ++i) {
    roster.roster.entries.push_back(sample_keys("client-" + std::to_string(i)));
    roster.identities.push_back(all<32>(1));
    signatures.signatures.push_back({i, {}});
  }
  CHECK(encode(roster).size() < kFromServerBytesMax);
  CHECK(there_and_back(roster).roster.entries == roster.roster.entries);
  CHECK(encode(signatures).size() < kFromServerBytesMax);
  CHECK(there_and_back(signatures).signatures.size() == 10'000);
}

}  // namespace
}  // namespace fed::wire
