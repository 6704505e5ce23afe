#include "round/pace.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <initializer_list>

#include "harness.h"

namespace fed::round {
namespace {

Policy bounds(double least, double most, double deviations) {
  return {.collect_min = from_seconds(least),
          .collect_max = from_seconds(most),
          .deviations = deviations};
}

Pace seen(std::initializer_list<double> lengths) {
  Pace pace;
  for (const double length : lengths) pace.add(from_seconds(length), false);
  return pace;
}

double deadline(const Pace& pace, const Policy& policy) { return seconds(pace.deadline(policy)); }

TEST_CASE("the deadline is the mean of the rounds seen plus so many deviations") {
  // 2, 4, 4, 4, 5, 5, 7, 9: mean 5, deviation (of all, not of a sample) 2.
  const Pace pace = seen({2, 4, 4, 4, 5, 5, 7, 9});
  CHECK(seconds(*pace.mean()) == Approx(5));
  CHECK(deadline(pace, bounds(0, 100, 3)) == Approx(11));
  CHECK(deadline(pace, bounds(0, 100, 0.5)) == Approx(6));
}

TEST_CASE("the operator's bounds hold, and a second at least") {
  const Pace pace = seen({2, 4, 4, 4, 5, 5, 7, 9});
  CHECK(deadline(pace, bounds(0, 8, 3)) == Approx(8));
  CHECK(deadline(pace, bounds(30, 100, 3)) == Approx(30));
  CHECK(deadline(seen({0, 0, 0}), bounds(0, 100, 3)) == Approx(1));
  CHECK(deadline(seen({0.01, 0.01, 0.01}), bounds(0, 0.5, 3)) == Approx(0.5));  // the latest wins
  CHECK(deadline(pace, bounds(0, 8, 1e300)) == Approx(8));                      // no overflow
}

TEST_CASE("without the job's wish, or before three rounds, it is the latest") {
  CHECK(deadline(seen({1, 1, 1, 1}), bounds(0, 50, 0)) == Approx(50));
  CHECK(deadline(seen({}), bounds(0, 50, 3)) == Approx(50));
  CHECK(deadline(seen({1, 1}), bounds(0, 50, 3)) == Approx(50));
  CHECK(deadline(seen({1, 1, 1}), bounds(0, 50, 3)) == Approx(1));
  CHECK_FALSE(seen({}).mean());
}

TEST_CASE("the eight rounds seen last count") {
  const Pace pace = seen({1000, 1000, 3, 3, 3, 3, 3, 3, 3, 3});
  CHECK(deadline(pace, bounds(0, 5000, 4)) == Approx(3));
}

TEST_CASE("a deadline that is too short doubles until rounds end by themselves") {
  // Rounds had taken 4 s and take 60 s from now on.
  Pace pace = seen({4, 4, 4, 4, 4, 4, 4, 4});
  const Policy policy = bounds(0, 1000, 2);
  int cut = 0;
  for (; deadline(pace, policy) < 60; ++cut) {
    REQUIRE(cut < 12);
    pace.add(pace.deadline(policy), true);
  }
  CHECK(cut >= 2);
  for (int round = 0; round < 8; ++round) {
    CHECK(deadline(pace, policy) >= 60);
    pace.add(from_seconds(60), false);
  }
  CHECK(deadline(pace, policy) == Approx(60));
}

TEST_CASE("an engine's deadlines follow its rounds") {
  Bench bench({.rounds = 99, .cohort = 2, .min = 1, .goal = 2, .collect = 100});
  bench.config.policy.deviations = 2;
  bench.engine = Engine(bench.config, bench.now);
  bench.arrive(1, 2);
  for (const double took : {6, 10, 8}) {  // mean 8, deviation sqrt(8/3)
    CHECK(bench.engine.next_wakeup() == bench.now + from_seconds(100));
    bench.now += from_seconds(took);
    bench.deliver(1);
    bench.deliver(2);
    bench.commit();
  }
  const double expected = 8 + 2 * std::sqrt(8.0 / 3);
  const double left = seconds(*bench.engine.next_wakeup() - bench.now);
  CHECK(left == Approx(expected));
  bench.deliver(1);
  CHECK_THAT(bench.wait(expected + 1e-6), Catch::StartsWith("close 4 [1]; cancel 2"));
}

}  // namespace
}  // namespace fed::round
