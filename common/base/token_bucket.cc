#include "base/token_bucket.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace fed {
namespace {

constexpr double kBytesPerMbit = 1e6 / 8;
constexpr double kBurstSeconds = 0.05;
constexpr double kBurstLeast = 4 * 1024, kBurstMost = 256 * 1024;

}  // namespace

TokenBucket::TokenBucket(double bytes_per_second, std::uint64_t burst)
    : rate_(bytes_per_second),
      burst_(std::max<std::uint64_t>(1, burst)),
      tokens_(static_cast<double>(burst_)) {}

TokenBucket TokenBucket::for_mbit_s(double mbit_s) {
  const double rate = mbit_s * kBytesPerMbit;
  return {rate,
          static_cast<std::uint64_t>(std::clamp(rate * kBurstSeconds, kBurstLeast, kBurstMost))};
}

double TokenBucket::tokens_at(Instant now) const {
  const double come = last_ && now > *last_ ? rate_ * seconds(now - *last_) : 0;
  return std::min(static_cast<double>(burst_), tokens_ + come);
}

std::uint64_t TokenBucket::available(Instant now) const {
  if (!limited()) return std::numeric_limits<std::uint64_t>::max();
  const double tokens = tokens_at(now);
  return tokens > 0 ? static_cast<std::uint64_t>(tokens) : 0;
}

void TokenBucket::take(std::uint64_t bytes, Instant now) {
  if (!limited()) return;
  tokens_ = tokens_at(now) - static_cast<double>(bytes);
  last_ = last_ ? std::max(*last_, now) : now;
}

Instant TokenBucket::ready_at(std::uint64_t bytes, Instant now) const {
  if (!limited()) return now;
  const double missing = static_cast<double>(std::min(bytes, burst_)) - tokens_at(now);
  if (missing <= 0) return now;
  // Rounded up, so that they are there when the clock says so.
  return now + Duration(static_cast<Duration::rep>(std::ceil(missing / rate_ * 1e9)) + 1);
}

}  // namespace fed
