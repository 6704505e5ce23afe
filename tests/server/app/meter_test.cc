#include "app/meter.h"

#include <catch2/catch.hpp>

#include "app/activity.h"
#include "app/units.h"

namespace fed::app {
namespace {

const Instant kStart{};
Instant at(double seconds) { return kStart + from_seconds(seconds); }

TEST_CASE("a meter tells nothing before it has seen something") {
  Meter meter;
  CHECK_FALSE(meter.per_second(at(1)));
  meter.observe(at(0), 100);
  CHECK_FALSE(meter.per_second(at(5)));
  meter.observe(at(0.1), 200);
  CHECK_FALSE(meter.per_second(at(0.2)));  // too short a time
  CHECK(*meter.per_second(at(1)) == Approx(100));
}

TEST_CASE("a meter follows a steady growth, however often it is told") {
  const double step = GENERATE(0.001, 0.1, 0.5, 0.7, 3.0);
  Meter meter;
  double time = 0;
  for (; time < 60; time += step) {
    meter.observe(at(time), static_cast<std::uint64_t>(1000 * time));
  }
  CHECK(*meter.per_second(at(time - step)) == Approx(1000).epsilon(0.05));
}

TEST_CASE("what stands still falls to 0 within the window, and what begins is seen in it") {
  Meter meter;
  for (int i = 0; i <= 40; ++i) meter.observe(at(0.5 * i), static_cast<std::uint64_t>(500 * i));
  CHECK(*meter.per_second(at(20)) == Approx(1000).epsilon(0.06));
  CHECK(*meter.per_second(at(25)) == Approx(500).epsilon(0.06));
  CHECK(*meter.per_second(at(30.1)) == 0);
  CHECK(*meter.per_second(at(1e6)) == 0);
  meter.observe(at(100), 20000);
  CHECK(*meter.per_second(at(100)) == 0);
  meter.observe(at(105), 30000);
  CHECK(*meter.per_second(at(105)) == Approx(1000));
}

TEST_CASE("a meter whose number falls begins anew") {
  Meter meter;
  meter.observe(at(0), 1'000'000);
  meter.observe(at(1), 2'000'000);
  meter.observe(at(2), 10);
  CHECK_FALSE(meter.per_second(at(3)));
  meter.observe(at(4), 30);
  CHECK(*meter.per_second(at(4)) == Approx(10));
}

wire::Progress progress(std::int64_t task, wire::Phase phase, std::uint64_t done,
                        std::uint64_t total) {
  return {"job", task, phase, done, total};
}

TEST_CASE(
    "an estimate covers the present phase, and those after it as long as they took last time") {
  Activity activity;
  CHECK_FALSE(activity.finish_s(0, 100, 10, at(0)));
  // Task 1: 4 s of download, 20 s of training, 8 s of upload.
  activity.progressed(progress(1, wire::Phase::downloading, 0, 400), at(0));
  activity.progressed(progress(1, wire::Phase::downloading, 200, 400), at(2));
  CHECK(*activity.per_second(at(2)) == Approx(100));
  CHECK_FALSE(activity.finish_s(200, 400, 100, at(2)));  // how long will it train?
  activity.progressed(progress(1, wire::Phase::training, 0, 60), at(4));
  CHECK_FALSE(activity.per_second(at(4)));
  activity.progressed(progress(1, wire::Phase::training, 30, 60), at(14));
  activity.progressed(progress(1, wire::Phase::uploading, 0, 800), at(24));
  CHECK(*activity.finish_s(400, 800, 100, at(28)) == Approx(4));
  activity.answered(7, at(30));  // another task's
  activity.answered(1, at(32));
  CHECK_FALSE(activity.per_second(at(32)));
  CHECK_FALSE(activity.finish_s(800, 800, 100, at(32)));

  activity.progressed(progress(2, wire::Phase::downloading, 0, 400), at(40));
  CHECK(*activity.finish_s(100, 400, 100, at(41)) == Approx(3 + 20 + 8));
  CHECK(*activity.finish_s(100, 400, std::nullopt, at(41)) == Approx(3 + 20 + 8));  // as last time
  CHECK_FALSE(activity.finish_s(100, 400, 0, at(41)));  // at a standstill there is none
  activity.progressed(progress(2, wire::Phase::training, 0, 60), at(44));
  CHECK(*activity.finish_s(0, 60, std::nullopt, at(44)) == Approx(20 + 8));
  CHECK(*activity.finish_s(0, 60, std::nullopt, at(100)) == Approx(8));  // any moment now
}

TEST_CASE("an update that comes with its offer takes no time to upload") {
  Activity activity;
  activity.progressed(progress(1, wire::Phase::downloading, 0, 4), at(0));
  activity.progressed(progress(1, wire::Phase::training, 0, 60), at(1));
  activity.answered(1, at(11));
  activity.progressed(progress(2, wire::Phase::downloading, 0, 4), at(20));
  CHECK(*activity.finish_s(2, 4, 1, at(20)) == Approx(2 + 10));
}

TEST_CASE("what was interrupted is no measure of time") {
  Activity activity;
  activity.progressed(progress(1, wire::Phase::training, 0, 60), at(0));
  SECTION("by the end of the connection") { activity.interrupted(); }
  SECTION("by another task") {}
  activity.progressed(progress(2, wire::Phase::uploading, 0, 60), at(1000));
  activity.answered(2, at(1001));
  activity.progressed(progress(3, wire::Phase::training, 0, 60), at(2000));
  CHECK_FALSE(activity.finish_s(0, 60, std::nullopt, at(2000)));
}

TEST_CASE("sizes and times are written for people") {
  CHECK(bytes_text(0) == "0 bytes");
  CHECK(bytes_text(999) == "999 bytes");
  CHECK(bytes_text(38'040) == "38.0 kB");
  CHECK(bytes_text(76e6) == "76.0 MB");
  CHECK(bytes_text(2.3e9) == "2.30 GB");
  CHECK(duration_text(0.42) == "0.4 s");
  CHECK(duration_text(9.97) == "10 s");
  CHECK(duration_text(92) == "1 min 32 s");
  CHECK(duration_text(7500) == "2 h 5 min");
  CHECK(duration_text(3 * 86400.0 + 4 * 3600) == "3 d 4 h");
}

}  // namespace
}  // namespace fed::app
