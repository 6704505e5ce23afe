// How long to wait before the next attempt to connect: at once, then twice as long each time, with
// jitter, so that a thousand clients of a restarted server do not come back in the same second.
//
// Pure; the random source is an argument. Not thread-safe.
#pragma once

#include "base/clock.h"
#include "base/random.h"

namespace fed::app {

class Backoff {
 public:
  static constexpr double kFirstSeconds = 0.2;

  Backoff(double seconds_max, std::uint64_t seed) : seconds_max_(seconds_max), random_(seed) {}

  // Uniform between half and the whole of min(0.2 s · 2^attempts, seconds_max).
  Duration next();

  // An attempt has succeeded.
  void reset() { attempts_ = 0; }

 private:
  double seconds_max_;
  Random random_;
  int attempts_ = 0;
};

}  // namespace fed::app
