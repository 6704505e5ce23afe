// A site's own account of its privacy: written first, once a task, and closed when in doubt.
#include "app/privacy_ledger.h"

#include <catch2/catch.hpp>

#include "base/log.h"
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

TEST_CASE("privacy ledger: for its own people a damaged one has a name, and a new one is said") {
  Site site;
  std::vector<std::string> said;
  log::redirect([&](log::Level, std::string_view line) { said.emplace_back(line); });
  PrivacyLedger ledger = site.ledger();
  CHECK(ledger.overview()->entries == 0);
  CHECK(said.empty());
  ledger.spend("a", 1, noise()).value();
  ledger.spend("a", 2, noise()).value();
  REQUIRE(said.size() == 1);
  CHECK(said[0] == "/state/privacy.ledger: there was no privacy ledger, so a new one is begun");
  site.ledger().spend("a", 3, noise()).value();
  CHECK(said.size() == 1);
  site.write("a 1 2\nrubbish\n");
  const auto found = site.ledger().overview();
  REQUIRE_FALSE(found.has_value());
  CHECK_THAT(found.error().detail, Catch::Contains("/state/privacy.ledger is no privacy ledger"));
  CHECK_THAT(site.ledger().spend("a", 4, noise()).error().detail, !Catch::Contains("/state"));
  log::redirect(nullptr);
}

TEST_CASE("privacy ledger: it is spent when no task with as much noise fits any more") {
  Site site;
  site.limit.epsilon_max = epsilon_of(3) * 1.0001;
  PrivacyLedger ledger = site.ledger();
  CHECK_FALSE(ledger.overview()->is_spent);
  for (const std::int64_t task : {1, 2}) ledger.spend("a", task, noise()).value();
  CHECK_FALSE(ledger.overview()->is_spent);
  ledger.spend("a", 3, noise()).value();
  CHECK(ledger.overview()->is_spent);
  CHECK(ledger.check_room(noise()).error().code == ErrorCode::unsupported);
  CHECK(ledger.check_room(noise(200)).has_value());
  CHECK(ledger.entries().value() == 3);
  CHECK(site.ledger().overview()->epsilon == Approx(epsilon_of(3)));
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

TEST_CASE("privacy ledger: what the server has accepted is not done again, as one gone back asks") {
  Site site;
  {
    PrivacyLedger ledger = site.ledger();
    ledger.spend("a", 1, noise()).value();
    ledger.spend("a", 3, noise()).value();
    ledger.spend("a", 3, noise()).value();  // asked again before there was an answer
    ledger.acknowledge("a", 3).value();
    ledger.acknowledge("a", 1).value();  // said once more
    ledger.acknowledge("open", 7).value();
  }
  CHECK(site.text() == "a 1 2\na 3 2\na 3 accepted\n");
  PrivacyLedger ledger = site.ledger();
  for (const std::int64_t task : {1, 2, 3}) {
    const Status again = ledger.spend("a", task, noise());
    REQUIRE_FALSE(again.has_value());
    CHECK(again.error().code == ErrorCode::unsupported);
    CHECK_THAT(again.error().detail, Catch::Contains("restored from a backup"));
    CHECK_FALSE(ledger.check("a", task, noise()).has_value());
  }
  CHECK(ledger.spend("a", 4, noise()).has_value());
  CHECK(ledger.spend("b", 1, noise()).has_value());
  CHECK(ledger.entries().value() == 4);
}

TEST_CASE(
    "privacy ledger: an acceptance that cannot be written holds, and is written before more") {
  Site site;
  PrivacyLedger ledger = site.ledger();
  ledger.spend("a", 1, noise()).value();
  ledger.spend("a", 2, noise()).value();
  const std::string before = site.text();
  for (const int failing : {1, 2}) {
    CAPTURE(failing);
    const auto next = site.disk.operations() + 1;
    site.disk.set_faults({.fail_at = {next, next + 1, next + 2}});
    if (failing == 1) CHECK_FALSE(ledger.acknowledge("a", 1).has_value());
    if (failing == 2) CHECK_FALSE(ledger.check("a", 2, noise()).has_value());
    site.disk.set_faults({});
    CHECK(site.text() == before);
  }
  CHECK_FALSE(ledger.spend("a", 1, noise()).has_value());
  CHECK(site.text() == before + "a 1 accepted\n");
  ledger.spend("a", 3, noise()).value();
  CHECK(site.text() == before + "a 1 accepted\na 3 2\n");
}

TEST_CASE("privacy ledger: one gone back has again what the server counts, with an alarm") {
  Site site;
  site.ledger().spend("a", 1, noise()).value();
  const std::vector<std::int64_t> counted{1, 3, 4};
  {
    PrivacyLedger ledger = site.ledger();
    ledger.make_good("a", counted, noise()).value();
    CHECK(ledger.epsilon().value() == Approx(epsilon_of(3)));
    ledger.make_good("a", counted, noise()).value();
    CHECK(ledger.lost().value() == 2);
  }
  CHECK(site.text() == "a 1 2\na 3 lost\na 3 2\na 4 lost\na 4 2\na 4 accepted\n");
  PrivacyLedger ledger = site.ledger();
  CHECK(ledger.lost().value() == 2);
  CHECK(ledger.entries().value() == 3);
  ledger.make_good("a", counted, noise()).value();
  CHECK(ledger.entries().value() == 3);
  CHECK_FALSE(ledger.check("a", 4, noise()).has_value());
  CHECK(ledger.check("a", 5, noise()).has_value());
  // Nothing is lost where the server counts less, or nothing.
  ledger.make_good("a", {}, noise()).value();
  ledger.make_good("a", {counted.data(), 1}, noise()).value();
  CHECK(ledger.entries().value() == 3);
}

TEST_CASE("privacy ledger: what was lost is spent above any limit, or nothing is trained") {
  Site site;
  site.limit.epsilon_max = (epsilon_of(2) + epsilon_of(3)) / 2;
  PrivacyLedger ledger = site.ledger();
  const std::vector<std::int64_t> counted{1, 2, 3};
  const auto next = site.disk.operations() + 1;
  site.disk.set_faults({.fail_at = {next, next + 1, next + 2, next + 3}});
  CHECK_FALSE(ledger.make_good("a", counted, noise()).has_value());
  site.disk.set_faults({});
  CHECK(ledger.entries().value() == 0);
  ledger.make_good("a", counted, noise()).value();
  CHECK(ledger.entries().value() == 3);
  CHECK_FALSE(ledger.check("b", 1, noise()).has_value());
  site.write("damaged\n");
  CHECK_FALSE(site.ledger().make_good("a", counted, noise()).has_value());
}

TEST_CASE("privacy ledger: a job's own budget pays for as many tasks as the server works out") {
  for (const double multiplier : {0.7, 1.1, 2.0, 5.3}) {
    for (const std::uint64_t rounds : {1U, 2U, 3U, 7U, 23U}) {
      CAPTURE(multiplier, rounds);
      Site site;
      PrivacyLedger ledger = site.ledger();
      ledger.spend("other", 1, noise(0.5)).value();  // is not the job's
      privacy::PlanRequest request = noise(multiplier);
      request.epsilon = epsilon_of(rounds, multiplier);  // exactly
      const auto cost = privacy::round_cost(request, multiplier).value();
      const auto paid = privacy::rounds_within({*request.epsilon, request.delta}, cost).value();
      REQUIRE(paid == rounds);
      for (std::uint64_t task = 1; task <= rounds; ++task) {
        CHECK(ledger.spend("a", static_cast<std::int64_t>(task), request).has_value());
      }
      const Status more = ledger.spend("a", static_cast<std::int64_t>(rounds + 1), request);
      REQUIRE_FALSE(more.has_value());
      CHECK(more.error().code == ErrorCode::unsupported);
      CHECK_THAT(more.error().detail, Catch::Contains("the job's privacy budget is spent"));
      CHECK(ledger.spend("a", static_cast<std::int64_t>(rounds), request).has_value());  // paid for
      CHECK(ledger.spend("b", 1, request).has_value());
    }
  }
}

}  // namespace
}  // namespace fed::app
