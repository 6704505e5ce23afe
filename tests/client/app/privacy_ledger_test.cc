// A site's own account of its privacy: written first, once a task, and closed when in doubt.
#include "app/privacy_ledger.h"

#include <catch2/catch.hpp>

#include "privacy/calibrate.h"
#include "sim/sim_disk.h"

namespace fed::app {
namespace {

const fs::path kFile = "/state/privacy.ledger";

privacy::PlanRequest noise(double multiplier = 2) {
  privacy::PlanRequest request;
  request.noise_multiplier = multiplier;
  request.delta = 1e-5;
  return request;
}

double epsilon_of(std::uint64_t tasks, double noise = 2, double delta = 1e-5) {
  return privacy::epsilon_for(noise, delta, 1, tasks).value().epsilon;
}

struct Site {
  sim::SimDisk disk{{.seed = 1}};
  config::PrivacyAgreementSpec limit;

  Site() { make_durable_folder(disk, "/state", Durability::power).value(); }
  PrivacyLedger ledger() { return PrivacyLedger(disk, kFile, limit); }
  std::string text() {
    const Bytes bytes = read_file(disk, kFile, 1 << 20).value();
    return {bytes.begin(), bytes.end()};
  }
  void write(const std::string& text) {
    replace_file(disk, kFile, view(text), Durability::power).value();
  }
};

TEST_CASE("privacy ledger: tasks add up over jobs and restarts, each once") {
  Site site;
  {
    PrivacyLedger ledger = site.ledger();
    ledger.spend("a", 1, noise()).value();
    ledger.spend("a", 2, noise()).value();
    ledger.spend("a", 2, noise()).value();  // trained again after a crash
    CHECK(ledger.epsilon().value() == Approx(epsilon_of(2)));
  }
  PrivacyLedger ledger = site.ledger();
  ledger.spend("a", 1, noise()).value();
  ledger.spend("b", 1, noise()).value();
  CHECK(ledger.epsilon().value() == Approx(epsilon_of(3)));
  CHECK(site.text() == "a 1 2\na 2 2\nb 1 2\n");
}

TEST_CASE("privacy ledger: other noise, other cost, to the last digit of the noise") {
  Site site;
  const double odd = 1.1 + 1e-13;
  site.ledger().spend("a", 1, noise(odd)).value();
  CHECK(site.ledger().epsilon().value() == epsilon_of(1, odd));
}

TEST_CASE("privacy ledger: a limit that is reached refuses with the figures, for good") {
  Site site;
  site.limit.epsilon_max = (epsilon_of(2) + epsilon_of(3)) / 2;
  PrivacyLedger ledger = site.ledger();
  ledger.spend("a", 1, noise()).value();
  ledger.spend("b", 1, noise()).value();
  const Status third = ledger.spend("a", 2, noise());
  REQUIRE_FALSE(third.has_value());
  CHECK(third.error().code == ErrorCode::unsupported);
  CHECK_THAT(third.error().detail, Catch::Contains("jobs.privacy.epsilon_max"));
  CHECK_FALSE(site.ledger().spend("c", 1, noise()).has_value());
  CHECK(site.ledger().spend("b", 1, noise()).has_value());  // it has been paid for
  CHECK(site.text() == "a 1 2\nb 1 2\n");
  // Less noise costs more: it may not fit where more noise would.
  site.limit.epsilon_max = epsilon_of(3) * 1.0001;
  CHECK_FALSE(site.ledger().spend("c", 1, noise(0.5)).has_value());
  CHECK(site.ledger().spend("c", 1, noise(2)).has_value());
}

TEST_CASE("privacy ledger: what cannot be read or written lets nothing be trained") {
  Site site;
  site.ledger().spend("a", 1, noise()).value();
  const std::string sound = site.text();
  for (const std::string& damaged :
       {std::string("a one 2\n"), std::string("a 1\n"), std::string("a 1 2"),
        std::string("a 1 much\n"), std::string("a 1 -2\n"), sound + "b 2"}) {
    CAPTURE(damaged);
    site.write(damaged);
    CHECK_FALSE(site.ledger().spend("b", 1, noise()).has_value());
    CHECK_FALSE(site.ledger().epsilon().has_value());
  }
  site.write(sound);
  PrivacyLedger ledger = site.ledger();
  ledger.spend("a", 1, noise()).value();
  const auto next = site.disk.operations() + 1;
  site.disk.set_faults({.fail_at = {next, next + 1, next + 2}});
  CHECK_FALSE(ledger.spend("b", 7, noise()).has_value());
  site.disk.set_faults({});
  CHECK(site.text() == sound);
  CHECK(ledger.epsilon().value() == Approx(epsilon_of(1)));
  ledger.spend("b", 7, noise()).value();
  CHECK(ledger.epsilon().value() == Approx(epsilon_of(2)));
}

TEST_CASE("privacy ledger: one that cannot be looked at is not taken for an empty one") {
  Site site;
  site.ledger().spend("a", 1, noise()).value();
  const std::string sound = site.text();
  PrivacyLedger ledger = site.ledger();
  site.disk.set_faults({.fail_at = {site.disk.operations() + 1}});
  CHECK_FALSE(ledger.spend("b", 1, noise()).has_value());
  CHECK(site.text() == sound);
  ledger.spend("b", 1, noise()).value();  // the disk is well again
  CHECK(ledger.epsilon().value() == Approx(epsilon_of(2)));
}

TEST_CASE("privacy ledger: what was entered survives a power cut at any operation") {
  for (std::uint64_t at = 1;; ++at) {
    CAPTURE(at);
    Site site;
    site.ledger().spend("a", 1, noise()).value();
    site.disk.set_faults({.crash_at = site.disk.operations() + at});
    PrivacyLedger ledger = site.ledger();
    const bool entered = ledger.spend("a", 2, noise()).has_value();
    const bool crashed = site.disk.stopped();
    site.disk.restart(sim::Crash::power);
    const double epsilon = site.ledger().epsilon().value();
    CHECK(epsilon >= epsilon_of(entered ? 2 : 1) * 0.999999);
    if (!crashed) break;
  }
}

}  // namespace
}  // namespace fed::app
