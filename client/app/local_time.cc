#include "app/local_time.h"

#include <ctime>

namespace fed::app {

session::LocalTime local_time(std::int64_t unix_seconds) {
  const auto time = static_cast<std::time_t>(unix_seconds);
  std::tm local{};
  ::localtime_r(&time, &local);
  return {(local.tm_wday + 6) % 7, (local.tm_hour * 60 + local.tm_min) * 60 + local.tm_sec};
}

}  // namespace fed::app
