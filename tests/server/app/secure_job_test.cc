// A job with secure aggregation at moments that only a test can make: what comes together with an
// input, and a record that says more than the journal.
#include <catch2/catch.hpp>

#include "app/job.h"
#include "base/checksum.h"
#include "base/log.h"
#include "job_bench.h"
#include "secagg/client.h"

namespace fed::app {
namespace {

using test::JobBench;

constexpr const char* kSecure = R"({
  "name": "a", "model": {"type": "linear", "inputs": 2},
  "rounds": {"max": 2, "cohort": 4, "contributions": {"min": 3, "goal": 4}, "seconds": {"max": 600, "select": 1}},
  "secure_aggregation": {"phase_s": 300}})";

const std::vector<std::int64_t> kSites{1, 2, 3, 4};
constexpr std::int64_t kTask = 1;

crypto::Ed25519KeyPair identity_of(std::int64_t site) {
  const auto seed = crypto::sha256(view("site-" + std::to_string(site)));
  return crypto::Ed25519KeyPair(crypto::SecretKey(seed, crypto::Memory::plain));
}

struct World : JobBench {
  World() : JobBench(kSecure) {
    for (const std::int64_t site : kSites) {
      keys.emplace(site, identity_of(site));
      identities[site] = keys.at(site).verify_key();
    }
    begin();
  }

  // Everybody is there with an update, and a sum begins.
  void begin() {
    start();
    arrive();
    for (const std::int64_t site : kSites) client(site).says(offer());
    pass(2);
  }

  void arrive() {
    for (const std::int64_t site : kSites) connect(site);
    for (const std::int64_t site : kSites) {
      client(site).says(wire::JobAnswer{"a", true, 10, ""});
    }
    pass(2);
  }

  // Of an update of the first round, which stays where it is.
  wire::Offer offer() {
    wire::Offer offer;
    offer.job = "a";
    offer.task = kTask;
    offer.examples = 1;
    offer.bytes = job().plan().update_bytes(round::TaskKind::training);
    return offer;
  }

  template <class M>
  M last(std::int64_t site) {
    const auto heard = client(site).heard<M>();
    REQUIRE_FALSE(heard.empty());
    return heard.back();
  }

  void give_keys_and_shares() {
    parts.clear();
    for (const std::int64_t site : kSites) {
      const auto asked = last<wire::SecureTerms>(site);
      const auto part = parts.try_emplace(site, setup(site, asked.terms)).first;
      client(site).says(wire::SecureKeys{asked.name, part->second.advertise(asked.terms).value()});
    }
    pass(1);
    for (const std::int64_t site : kSites) {
      const auto asked = last<wire::SecureRoster>(site);
      client(site).says(wire::SecureShares{asked.name, parts.at(site).share(asked.roster).value()});
    }
    pass(1);
  }

  void give_input(std::int64_t site) {
    const auto asked = last<wire::SecureDelivery>(site);
    wire::Offer input = offer();
    const Bytes masked = parts.at(site).mask(asked.delivery, words()).value();
    input.attempt = asked.name.attempt;
    input.checksum = checksum(masked);
    client(site).says(input);
    pass(1);
    client(site).sends(last<wire::Admit>(site).upload, 0, masked);
    pass(1);
  }

  // The update of every site, as integers.
  secagg::Words words() {
    const std::vector<float> coordinates{0.5F, 0.25F, -0.5F};
    const crypto::Hash rounding = crypto::sha256(view("rounding"));
    const auto measures = coding::measures_of(job().plan().spec, std::nullopt);
    return job()
        .plan()
        .codec(0)
        .encode(coordinates, 1, measures, crypto::KeyView(rounding))
        .value();
  }

  void sign_and_reveal() {
    for (const std::int64_t site : kSites) {
      const auto asked = last<wire::SecureSurvivors>(site);
      client(site).says(wire::SecureSignature{asked.name, parts.at(site).sign(asked.set).value()});
    }
    pass(1);
    for (const std::int64_t site : kSites) {
      const auto asked = last<wire::SecureSignatures>(site);
      client(site).says(
          wire::SecureReveal{asked.name, parts.at(site).unmask(asked.signatures).value()});
    }
    pass(1);
  }

  secagg::ClientSetup setup(std::int64_t site, const secagg::Terms& terms) {
    secagg::Demands demands;
    demands.job = terms.job;
    demands.round = terms.round;
    demands.model = terms.model;
    demands.settings = terms.settings;
    demands.modulus_bits = terms.modulus_bits;
    demands.length = terms.length;
    demands.threat = terms.threat;
    const auto known = [this](std::string_view id) -> std::optional<crypto::VerifyKey> {
      for (const std::int64_t each : kSites) {
        if (id == "site-" + std::to_string(each)) return identities.at(each);
      }
      return std::nullopt;
    };
    return {"site-" + std::to_string(site),
            demands,
            keys.at(site),
            known,
            crypto::random_bytes,
            [](const crypto::Hash&) { return false; }};
  }

  std::size_t survivors_told_to(std::int64_t site) {
    return last<wire::SecureSurvivors>(site).set.survivors.size();
  }

  std::map<std::int64_t, crypto::Ed25519KeyPair> keys;
  std::map<std::int64_t, secagg::Client> parts;
};

TEST_CASE("a secure job: its version is made of the sum of four") {
  World world;
  world.give_keys_and_shares();
  for (const std::int64_t site : kSites) world.give_input(site);
  world.sign_and_reveal();
  CHECK(world.job().version() == 1);
}

TEST_CASE("a secure job: who says no more is in the log, with whether its update is in") {
  World world;
  std::string said;
  log::redirect([&](log::Level, std::string_view line) { said += std::string(line) + "\n"; });
  SECTION("its update is not in") {
    world.give_keys_and_shares();
    world.job().removed(1);
    CHECK_THAT(said, Catch::Contains("site-1 is left out of sum 1: it was revoked"));
  }
  SECTION("its update is in") {
    world.give_keys_and_shares();
    for (const std::int64_t site : kSites) world.give_input(site);
    world.job().removed(1);
    CHECK_THAT(said, Catch::Contains("site-1 has its update in, but does not help to make, sum 1"));
    CHECK_THAT(said, !Catch::Contains("left out"));
  }
  log::redirect({});
}

TEST_CASE("a secure job: an input that is not on record yet counts before its client is gone") {
  const bool revoked = GENERATE(true, false);
  CAPTURE(revoked);
  World world;
  world.give_keys_and_shares();
  world.hold_uploads();
  world.give_input(1);
  world.deliver();
  REQUIRE(world.journal().uncommitted("a")->empty());
  if (revoked) {
    world.job().removed(1);
  } else {
    world.job().received(1, wire::TaskRefused{"a", kTask, "its data are gone", true});
  }
  for (const std::int64_t site : {2, 3, 4}) world.give_input(site);
  CHECK(world.survivors_told_to(2) == 4);
  CHECK(world.journal().uncommitted("a")->size() == 4);
}

TEST_CASE("a secure job: who has given its task back is not waited for, nor left out for another") {
  World world;
  world.give_keys_and_shares();
  for (const std::int64_t site : {2, 3, 4}) world.give_input(site);
  world.client(1).says(wire::TaskRefused{"a", kTask + 1, "that is none of its tasks", false});
  world.pass(1);
  CHECK(world.client(2).heard<wire::SecureSurvivors>().empty());
  world.client(1).says(wire::TaskRefused{"a", kTask, "its data are gone", false});
  world.pass(1);
  CHECK(world.survivors_told_to(2) == 3);
}

TEST_CASE("a secure job: after a restart no sum goes on whose inputs were discarded") {
  // The journal has forgotten all inputs, or one; the record of the sum has them all.
  const std::size_t forgotten = GENERATE(4U, 1U);
  CAPTURE(forgotten);
  World world;
  world.give_keys_and_shares();
  for (const std::int64_t site : kSites) world.give_input(site);
  REQUIRE(world.survivors_told_to(2) == 4);
  for (std::size_t i = 0; i < forgotten; ++i) {
    const int why = static_cast<int>(round::Reason::attempt_abandoned);
    world.journal().discard_contribution("a", {kTask, kSites[i]}, why).value();
    world.staging().remove({"a", kTask, kSites[i]}).value();
  }
  world.restart();
  world.start();
  CHECK(world.journal().uncommitted("a")->empty());
  CHECK(world.staging().list()->empty());
  for (const store::ContributionRow& row : world.journal().contributions("a", 1).value()) {
    CHECK(row.outcome == "discarded");
    CHECK(row.reason == static_cast<int>(round::Reason::attempt_abandoned));
  }

  world.begin();
  for (const std::int64_t site : kSites) {
    CHECK(world.client(site).heard<wire::SecureSurvivors>().empty());
    CHECK(world.last<wire::SecureTerms>(site).name.attempt == 2);
  }
  world.give_keys_and_shares();
  for (const std::int64_t site : kSites) world.give_input(site);
  world.sign_and_reveal();
  CHECK(world.job().version() == 1);
}

TEST_CASE("a secure job: after a restart a sum goes on whose inputs are all there") {
  World world;
  world.give_keys_and_shares();
  for (const std::int64_t site : kSites) world.give_input(site);
  world.restart();
  world.start();
  CHECK(world.journal().uncommitted("a")->size() == 4);
  world.arrive();
  for (const std::int64_t site : kSites) {
    CHECK(world.client(site).heard<wire::SecureTerms>().empty());
    world.client(site).says(world.offer());
  }
  world.pass(1);
  world.sign_and_reveal();
  CHECK(world.job().version() == 1);
}

}  // namespace
}  // namespace fed::app
