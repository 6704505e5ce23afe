#include "session/hours.h"

#include <fmt/format.h>

#include <cmath>

namespace fed::session {
namespace {

constexpr int kSecondsOfDay = 86400;

}  // namespace

Hours::Hours(const std::vector<config::HoursSpec>& windows) {
  if (windows.empty()) open_.set();
  for (const config::HoursSpec& window : windows) {
    const int wraps = window.to_min <= window.from_min ? config::kMinutesOfDay : 0;
    for (int day = 0; day < 7; ++day) {
      if (!window.days[static_cast<std::size_t>(day)]) continue;
      for (int minute = window.from_min; minute < window.to_min + wraps; ++minute) {
        const int of_week = (day * config::kMinutesOfDay + minute) % kMinutesOfWeek;
        open_.set(static_cast<std::size_t>(of_week));
      }
    }
  }
}

int Hours::minute_of(const LocalTime& time) {
  return (time.weekday * config::kMinutesOfDay + time.second / 60) % kMinutesOfWeek;
}

bool Hours::open(const LocalTime& time) const {
  return open_.test(static_cast<std::size_t>(minute_of(time)));
}

std::optional<double> Hours::changes_in(const LocalTime& time) const {
  const int first = minute_of(time);
  const bool is_open = open(time);
  for (int ahead = 1; ahead < kMinutesOfWeek; ++ahead) {
    const int minute = (first + ahead) % kMinutesOfWeek;
    if (open_.test(static_cast<std::size_t>(minute)) == is_open) continue;
    return ahead * 60 - time.second % 60;
  }
  return std::nullopt;
}

std::string clock_after(const LocalTime& time, double seconds) {
  constexpr const char* kDays[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
  const auto later = static_cast<long>(std::lround(seconds)) + time.second;
  const long day = (time.weekday + later / kSecondsOfDay) % 7;
  const long minute = later % kSecondsOfDay / 60;
  const std::string clock = fmt::format("{:02}:{:02}", minute / 60, minute % 60);
  return seconds < kSecondsOfDay ? clock : fmt::format("{} {}", kDays[day], clock);
}

}  // namespace fed::session
