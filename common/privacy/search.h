// The point where a promise begins to hold.
#pragma once

namespace fed::privacy {

inline constexpr double kSearchMin = 0x1p-20;
inline constexpr double kSearchMax = 0x1p40;

// The least x between kSearchMin and kSearchMax with `holds(x)`, for a predicate that is false up
// to some x and true from there on. At most `precision` (relative) above the true one and never
// below it; 0 if there is none. Calls `holds` some 20 + log2(1 / precision) times.
template <class Predicate>
double least_with(Predicate&& holds, double precision) {
  double high = 1;
  while (!holds(high)) {
    if (high >= kSearchMax) return 0;
    high *= 2;
  }
  double low = high / 2;
  while (low >= kSearchMin && holds(low)) {
    high = low;
    low /= 2;
  }
  while (high - low > precision * high) {
    const double middle = (low + high) / 2;
    (holds(middle) ? high : low) = middle;
  }
  return high;
}

}  // namespace fed::privacy
