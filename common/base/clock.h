// Time as an argument. The core never asks what time it is: whoever drives it says so.
//
// An Instant counts from an arbitrary start and never jumps; every deadline and rate uses it.
// Wall-clock time is for people (logs, "last seen") and for the expiry of join codes.
#pragma once

#include <chrono>
#include <cstdint>

namespace fed {

using Duration = std::chrono::nanoseconds;
using Instant = std::chrono::time_point<std::chrono::steady_clock, Duration>;

inline double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }
inline Duration from_seconds(double value) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(value));
}

// For the daemons only.
inline Instant now() { return std::chrono::steady_clock::now(); }
inline std::int64_t unix_seconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace fed
