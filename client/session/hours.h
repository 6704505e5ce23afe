// The hours of the day at which a site works for others.
//
// Windows of local time (config/site.h): several, on some days of the week, across midnight,
// overlapping or not. All is reckoned in minutes of the week, as the calendar on the wall has them;
// when a clock is put forward or back (summer time, an administrator), what was said of the future
// is off by as much, so whoever acts on it looks at the clock again every minute or so.
//
// Immutable; thread-safe.
#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/site.h"

namespace fed::session {

// A moment of a week, by the site's own clock.
struct LocalTime {
  int weekday = 0;  // 0 is Monday
  int second = 0;  // since midnight, 0 ... 86,399; a 60th second of a minute counts as the next one

  bool operator==(const LocalTime&) const = default;
};

class Hours {
 public:
  // No windows: always.
  explicit Hours(const std::vector<config::HoursSpec>& windows = {});

  bool open(const LocalTime& time) const;

  // Seconds until that changes (at least 1), or nothing if it never does.
  std::optional<double> changes_in(const LocalTime& time) const;

  // Whether there are hours at which the site does not work.
  bool limited() const { return !open_.all(); }

 private:
  static constexpr int kMinutesOfWeek = 7 * config::kMinutesOfDay;
  static int minute_of(const LocalTime& time);

  std::bitset<kMinutesOfWeek> open_;
};

// "22:00", or "Mon 22:00" if that is not within the next day: the wall clock `seconds` after
// `time`.
std::string clock_after(const LocalTime& time, double seconds);

}  // namespace fed::session
