// How long a client's tasks take.
#include "app/attendance.h"

#include <catch2/catch.hpp>

namespace fed::app {
namespace {

Instant at(double s) { return Instant() + from_seconds(s); }

TEST_CASE("a task takes from its assignment to its receipt") {
  Attendance attendance;
  CHECK_FALSE(attendance.at_work(1));
  CHECK_FALSE(attendance.seconds_per_task(1).has_value());
  attendance.assigned(1, 7, at(10));
  CHECK(attendance.at_work(1));
  CHECK_FALSE(attendance.at_work(2));
  attendance.ended(1, 7, true, at(70));
  CHECK_FALSE(attendance.at_work(1));
  CHECK(attendance.seconds_per_task(1) == 60.0);
}

TEST_CASE("recent tasks count more") {
  Attendance attendance;
  double now = 0;
  for (const double took : {100.0, 100.0, 20.0, 20.0}) {
    attendance.assigned(1, static_cast<std::int64_t>(now), at(now));
    attendance.ended(1, static_cast<std::int64_t>(now), true, at(now + took));
    now += took;
  }
  CHECK(*attendance.seconds_per_task(1) == Approx(40));
}

TEST_CASE("only whole tasks that count are a measure") {
  Attendance attendance;
  attendance.assigned(1, 7, at(0));
  SECTION("refused, cancelled or failed") { attendance.ended(1, 7, false, at(10)); }
  SECTION("interrupted by a lost link or a rest") {
    attendance.interrupted(1);
    CHECK(attendance.at_work(1));  // its update may be in the outbox
    attendance.assigned(1, 7, at(1000));
    attendance.ended(1, 7, true, at(1010));
  }
  SECTION("of somebody unknown") {
    attendance.ended(2, 7, true, at(10));
    attendance.interrupted(2);
    attendance.removed(1);
  }
  CHECK_FALSE(attendance.seconds_per_task(1).has_value());
}

TEST_CASE("what was measured lasts over a lost link, and goes with the client") {
  Attendance attendance;
  attendance.assigned(1, 7, at(0));
  attendance.ended(1, 7, true, at(10));
  attendance.assigned(1, 8, at(20));
  attendance.interrupted(1);
  CHECK(attendance.seconds_per_task(1) == 10.0);
  attendance.assigned(1, 8, at(500));
  attendance.ended(1, 8, true, at(600));
  CHECK(attendance.seconds_per_task(1) == 10.0);
  attendance.removed(1);
  CHECK_FALSE(attendance.seconds_per_task(1).has_value());
}

TEST_CASE("the receipt of an older task ends nothing") {
  Attendance attendance;
  attendance.assigned(1, 7, at(0));
  attendance.ended(1, 6, true, at(10));
  CHECK(attendance.at_work(1));
  attendance.assigned(1, 7, at(20));  // the same once more: it has been at it since the beginning
  attendance.ended(1, 7, true, at(30));
  CHECK(attendance.seconds_per_task(1) == 30.0);
}

}  // namespace
}  // namespace fed::app
