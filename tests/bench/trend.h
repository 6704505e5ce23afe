// Whether a series of readings grows. Pure.
#pragma once

#include <span>

namespace fed::bench {

struct Reading {
  double at_s = 0;
  double value = 0;
};

// The slope of the least-squares line, per second; 0 of fewer than two.
double slope(std::span<const Reading> readings);

// How much the median of the last quarter is above the median of the second one, as a share of the
// latter. (The first quarter is warming up.) 0 of fewer than eight.
double growth(std::span<const Reading> readings);

}  // namespace fed::bench
