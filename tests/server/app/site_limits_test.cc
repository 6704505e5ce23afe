// What follows from a site's limits for asking its client.
#include "app/site_limits.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <ctime>

namespace fed::app {
namespace {

Instant at(double s) { return Instant() + from_seconds(s); }

SiteLimits open_for(double s) { return {{true, s, 0, 0, "20:00-06:00"}, at(0)}; }

constexpr double kAnyRound = 1e9;

TEST_CASE("a client without hours and rates may be asked") {
  const SiteLimits site{{}, at(0)};
  CHECK_FALSE(why_not(site, {100.0, 1000, 1000}, 1, at(1e6)).has_value());
  CHECK_FALSE(latest_start(site, {100.0, 0, 0}).has_value());
  CHECK(limits_text(site.said).empty());
}

TEST_CASE("outside its hours a client is not asked") {
  const SiteLimits site{{false, 600, 0, 0, "20:00-06:00"}, at(0)};
  CHECK(why_not(site, {}, kAnyRound, at(10)) == "outside its site's hours");
  CHECK_FALSE(latest_start(site, {}).has_value());
}

TEST_CASE("a window must be long enough for a task as they were lately") {
  const SiteLimits site = open_for(3600);
  const TaskCost cost{600.0, 0, 0};
  CHECK_FALSE(why_not(site, cost, kAnyRound, at(0)).has_value());
  CHECK_FALSE(why_not(site, cost, kAnyRound, at(3000)).has_value());
  CHECK(why_not(site, cost, kAnyRound, at(3001)) ==
        "its site's hours end in 10 min; its tasks take 10 min");
  CHECK(latest_start(site, cost) == at(3000));
  CHECK_FALSE(why_not(site, {}, kAnyRound, at(3599)).has_value());  // nothing is known of it yet
}

TEST_CASE("rates say how long a task takes at least") {
  wire::Availability said{true, 0, 2, 8, ""};
  CHECK(least_seconds(said, {std::nullopt, 1'000'000, 1'000'000}) == Approx(1 + 4));
  CHECK(least_seconds(said, {7.0, 1'000'000, 1'000'000}) == 7);
  said.download_mbit_s = 0;
  CHECK(least_seconds(said, {std::nullopt, 1'000'000, 1'000'000}) == Approx(4));

  const SiteLimits site{said, at(0)};
  CHECK_FALSE(why_not(site, {std::nullopt, 1'000'000, 1'000'000}, 5, at(0)).has_value());
  CHECK(why_not(site, {std::nullopt, 76'000'000, 76'000'000}, 60, at(0)) ==
        "the rates of its site (2 Mbit/s up) need 5 min for the model and the update, more than "
        "the 60 s that a round lasts at most");
  // What its tasks took is no reason to leave it out for good: it may be faster the next time.
  CHECK_FALSE(why_not(site, {500.0, 0, 0}, 60, at(0)).has_value());
}

TEST_CASE("an announcement of any length is within the clock") {
  const SiteLimits site = open_for(1e300);
  REQUIRE(site.changes_at().has_value());
  CHECK(*site.changes_at() > at(7 * 86400));
  CHECK_FALSE(why_not(site, {100.0, 0, 0}, kAnyRound, at(0)).has_value());
}

TEST_CASE("limits in words") {
  CHECK(limits_text({true, 0, 2, 0, "always"}) == "2 Mbit/s up");
  CHECK(limits_text({true, 60, 0.5, 10, "20:00-06:00"}) ==
        "0.5 Mbit/s up, 10 Mbit/s down, hours 20:00-06:00");
}

TEST_CASE("a rest in words, by the clock of this machine") {
  const char* before = std::getenv("TZ");
  const std::string zone = before == nullptr ? "" : before;
  ::setenv("TZ", "UTC0", 1);
  ::tzset();
  const SiteLimits site{{false, 7200, 0, 0, ""}, at(100)};
  CHECK(rest_text(site, at(100), 1'700'000'000) == "resting until 00:13");  // 22:13:20 on a Tuesday
  CHECK(rest_text(site, at(3700), 1'700'003'600) == "resting until 00:13");
  CHECK(rest_text(site, at(9999), 1'700'000'000) == "resting until 22:13");  // overdue
  CHECK(rest_text({{false, 3 * 86400.0, 0, 0, ""}, at(100)}, at(100), 1'700'000'000) ==
        "resting until Fri 22:13");
  CHECK(rest_text({{false, 0, 0, 0, ""}, at(100)}, at(100), 1'700'000'000) == "resting");
  zone.empty() ? ::unsetenv("TZ") : ::setenv("TZ", zone.c_str(), 1);
  ::tzset();
}

}  // namespace
}  // namespace fed::app
