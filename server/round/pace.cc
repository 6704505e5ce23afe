#include "round/pace.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace fed::round {

void Pace::add(Duration length, bool cut_short) {
  seconds_.push_back(seconds(length) * (cut_short ? 2 : 1));
  if (seconds_.size() > kRounds) seconds_.pop_front();
}

std::optional<Duration> Pace::mean() const {
  if (seconds_.empty()) return std::nullopt;
  const double sum = std::accumulate(seconds_.begin(), seconds_.end(), 0.0);
  return from_seconds(sum / static_cast<double>(seconds_.size()));
}

Duration Pace::deadline(const Policy& policy) const {
  if (policy.deviations <= 0 || seconds_.size() < kRoundsLeast) return policy.collect_max;
  const double mean_s = seconds(*mean());
  double squares = 0;
  for (const double each : seconds_) squares += (each - mean_s) * (each - mean_s);
  const double deviation = std::sqrt(squares / static_cast<double>(seconds_.size()));
  // In seconds, since a Duration could overflow.
  const double wanted = mean_s + policy.deviations * deviation;
  return from_seconds(std::clamp(wanted, seconds(policy.collect_min), seconds(policy.collect_max)));
}

}  // namespace fed::round
