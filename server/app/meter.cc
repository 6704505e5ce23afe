#include "app/meter.h"

#include <algorithm>

namespace fed::app {
namespace {

constexpr double kSpacing = 0.5, kTellableSeconds = 0.5;

}  // namespace

void Meter::observe(Instant at, std::uint64_t value) {
  if (!samples_.empty() && value < samples_.back().value) samples_.clear();
  // The last sample is the newest value, and stays apart from the one before it.
  const std::size_t count = samples_.size();
  if (count >= 2 && seconds(samples_[count - 1].at - samples_[count - 2].at) < kSpacing) {
    samples_.pop_back();
  }
  samples_.push_back({at, value});
  const Instant begin = at - from_seconds(kWindowSeconds);
  while (samples_.size() > 2 && samples_[1].at <= begin) samples_.pop_front();
}

std::optional<double> Meter::per_second(Instant now) const {
  if (samples_.size() < 2) return std::nullopt;
  const Instant begin = now - from_seconds(kWindowSeconds);
  const auto is_later = [&](const Sample& sample) { return sample.at > begin; };
  const auto later = std::find_if(samples_.begin(), samples_.end(), is_later);
  if (later == samples_.end()) return 0;
  const double elapsed = seconds(now - std::max(samples_.front().at, begin));
  if (elapsed < kTellableSeconds) return std::nullopt;
  auto there = static_cast<double>(samples_.back().value - later->value);
  if (later != samples_.begin()) {  // and the share of the step over the window's beginning
    const Sample& before = *std::prev(later);
    const double inside = seconds(later->at - begin) / seconds(later->at - before.at);
    there += inside * static_cast<double>(later->value - before.value);
  }
  return there / elapsed;
}

}  // namespace fed::app
