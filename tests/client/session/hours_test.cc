// When a site works for others.
#include "session/hours.h"

#include <catch2/catch.hpp>

#include "session/site.h"

using namespace fed;
using namespace fed::session;
using config::HoursSpec;

namespace {

constexpr int kNoon = 12 * 60;

LocalTime at(int weekday, int hour, int minute = 0, int second = 0) {
  return {weekday, (hour * 60 + minute) * 60 + second};
}

HoursSpec window(int from_hour, int to_hour, std::array<bool, 7> days = HoursSpec().days) {
  return {from_hour * 60, to_hour * 60, days};
}

constexpr std::array<bool, 7> kWorkdays{true, true, true, true, true, false, false};
constexpr std::array<bool, 7> kWeekend{false, false, false, false, false, true, true};

// Whether a window is open in a minute of the week, by comparing times instead of counting minutes.
bool is_within(const HoursSpec& w, int weekday, int minute) {
  const auto began = [&](int day) { return w.days[static_cast<std::size_t>((day + 7) % 7)]; };
  if (w.to_min > w.from_min) return began(weekday) && minute >= w.from_min && minute < w.to_min;
  return (began(weekday) && minute >= w.from_min) || (began(weekday - 1) && minute < w.to_min);
}

}  // namespace

TEST_CASE("without windows a site is always open, and that never changes") {
  const Hours hours;
  CHECK_FALSE(hours.limited());
  for (int day = 0; day < 7; ++day) CHECK(hours.open(at(day, day * 3)));
  CHECK_FALSE(hours.changes_in(at(0, 0)).has_value());
}

TEST_CASE("windows that cover the week are no limit") {
  const Hours hours({window(0, 24)});
  CHECK_FALSE(hours.limited());
  CHECK_FALSE(hours.changes_in(at(3, 12)).has_value());
  CHECK_FALSE(Hours({window(6, 18), window(18, 6)}).limited());
}

TEST_CASE("a window during the day") {
  const Hours hours({window(8, 18)});
  CHECK(hours.limited());
  CHECK_FALSE(hours.open(at(2, 7, 59, 59)));
  CHECK(hours.open(at(2, 8)));
  CHECK(hours.open(at(2, 17, 59, 59)));
  CHECK_FALSE(hours.open(at(2, 18)));
  CHECK(hours.changes_in(at(2, 7)) == 3600.0);
  CHECK(hours.changes_in(at(2, 7, 59, 59)) == 1.0);
  CHECK(hours.changes_in(at(2, 8)) == 36000.0);
  CHECK(hours.changes_in(at(2, 18)) == 14 * 3600.0);
}

TEST_CASE("a window across midnight belongs to the day on which it begins") {
  const Hours hours({window(20, 6, kWorkdays)});
  CHECK_FALSE(hours.open(at(0, 5)));  // the night from Sunday to Monday
  CHECK(hours.open(at(0, 20)));
  CHECK(hours.open(at(1, 5, 59)));
  CHECK_FALSE(hours.open(at(1, 6)));
  CHECK(hours.open(at(5, 3)));  // the night from Friday to Saturday
  CHECK_FALSE(hours.open(at(5, 20)));
  CHECK(hours.changes_in(at(5, 6)) == (18 + 24 + 20) * 3600.0);  // until Monday evening
}

TEST_CASE("windows that touch or overlap are one") {
  const Hours hours({window(20, 6, kWorkdays), window(0, 24, kWeekend), window(22, 23)});
  CHECK(hours.open(at(4, 23, 59)));
  CHECK(hours.open(at(5, 0)));
  CHECK(hours.changes_in(at(4, 20)) == (4 + 24 + 24) * 3600.0);  // Friday evening to Sunday's end
  CHECK_FALSE(hours.open(at(0, 0)));
}

TEST_CASE("seconds and the end of the week") {
  const Hours hours({window(23, 1, {false, false, false, false, false, false, true})});
  CHECK(hours.open(at(6, 23, 30)));
  CHECK(hours.open(at(0, 0, 59, 59)));
  CHECK(hours.changes_in(at(6, 23, 59, 30)) == 3630.0);
  CHECK(hours.changes_in(at(0, 1)) == (6 * 24 + 22) * 3600.0);
  CHECK(hours.open({6, 86400}));  // a leap second of Sunday is Monday
}

TEST_CASE("every minute of the week, of every kind of window, as another reckoning has it") {
  for (const HoursSpec& w :
       {window(8, 18), window(20, 6), window(20, 6, kWorkdays), window(0, 24, kWeekend),
        HoursSpec{kNoon + 1, kNoon, kWeekend}, HoursSpec{1439, 1, kWorkdays},
        HoursSpec{1439, 1440, kWeekend}, HoursSpec{0, 1, kWorkdays}}) {
    const Hours hours({w});
    for (int minute = 0; minute < 7 * 1440; ++minute) {
      const LocalTime time{minute / 1440, minute % 1440 * 60};
      const bool is_open = is_within(w, minute / 1440, minute % 1440);
      if (hours.open(time) != is_open) FAIL(w.from_min << " " << w.to_min << " at " << minute);
      const auto change = hours.changes_in(time);
      REQUIRE(change.has_value());
      const int then = (minute + static_cast<int>(*change) / 60) % (7 * 1440);
      const int before = (then + 7 * 1440 - 1) % (7 * 1440);
      if (is_within(w, then / 1440, then % 1440) == is_open) FAIL("no change at " << then);
      if (is_within(w, before / 1440, before % 1440) != is_open) FAIL("a change before " << then);
    }
  }
}

TEST_CASE("the clock on the wall, later") {
  CHECK(clock_after(at(0, 10), 0) == "10:00");
  CHECK(clock_after(at(0, 10, 30), 12 * 3600) == "22:30");
  CHECK(clock_after(at(0, 20), 10 * 3600) == "06:00");
  CHECK(clock_after(at(5, 6), 62 * 3600) == "Mon 20:00");
  CHECK(clock_after(at(6, 23, 59, 30), 30) == "00:00");
}

TEST_CASE("a site tells what its server can plan with") {
  config::SiteLimitsSpec limits;
  CHECK_FALSE(Site(limits).limited());
  CHECK(Site(limits).state(at(0, 1)) == "open");
  limits.upload_mbit_s_max = 2;
  CHECK(Site(limits).limited());
  wire::Availability told = Site(limits).availability(at(0, 1));
  CHECK(told.open);
  CHECK(told.change_s == 0);
  CHECK(told.upload_mbit_s == 2);
  CHECK(told.download_mbit_s == 0);
  CHECK(told.detail == "always");
  limits.hours = {window(20, 6)};
  told = Site(limits).availability(at(0, 12));
  CHECK_FALSE(told.open);
  CHECK(told.change_s == 8 * 3600.0);
  CHECK(told.detail == "20:00-06:00");
  CHECK(Site(limits).state(at(0, 12)) == "resting until 20:00");
  CHECK(Site(limits).state(at(0, 22)) == "open until 06:00");
  limits.hours = {window(20, 6, kWeekend)};
  CHECK(Site(limits).state(at(0, 12)) == "resting until Sat 20:00");
}
