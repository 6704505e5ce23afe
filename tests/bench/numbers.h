// Percentiles of what was measured. Pure.
#pragma once

#include <algorithm>
#include <vector>

namespace fed::bench {

// The smallest value that at least `share` of `values` do not exceed; 0 of none.
inline double percentile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const auto rank = static_cast<std::size_t>(share * static_cast<double>(values.size()));
  return values[std::min(rank, values.size() - 1)];
}

inline double median(std::vector<double> values) { return percentile(std::move(values), 0.5); }

}  // namespace fed::bench
