// How fast a number grows, over the recent seconds.
//
// Pure; not thread-safe. Memory is bounded, however often it is told.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "base/clock.h"

namespace fed::app {

class Meter {
 public:
  static constexpr double kWindowSeconds = 10;

  // The number is `value` at `at`; times do not go back. A smaller value than before begins anew.
  void observe(Instant at, std::uint64_t value);

  // Growth a second from kWindowSeconds before `now` on, or from the first observation if that is
  // later. Nothing before there is something to tell: two observations, and half a second.
  // What stands still falls to 0 within the window.
  std::optional<double> per_second(Instant now) const;

 private:
  struct Sample {
    Instant at;
    std::uint64_t value;
  };
  std::deque<Sample> samples_;  // kSpacing apart, but for the last
};

}  // namespace fed::app
