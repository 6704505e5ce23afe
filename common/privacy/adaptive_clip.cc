#include "privacy/adaptive_clip.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

namespace fed::privacy {

Status check(const AdaptiveClip& rule) {
  if (!(rule.target_quantile >= 0 && rule.target_quantile <= 1)) {
    return Error{ErrorCode::invalid, fmt::format("the target quantile is between 0 and 1, not {}",
                                                 rule.target_quantile)};
  }
  if (!(rule.learning_rate > 0 && std::isfinite(rule.learning_rate))) {
    return Error{ErrorCode::invalid, fmt::format("the learning rate of the clipping norm is above "
                                                 "0, not {}",
                                                 rule.learning_rate)};
  }
  if (!(rule.norm_min > 0 && rule.norm_min <= rule.norm_max && std::isfinite(rule.norm_max))) {
    return Error{ErrorCode::invalid,
                 fmt::format("the clipping norm has a range of numbers above 0, not {} to {}",
                             rule.norm_min, rule.norm_max)};
  }
  return {};
}

double next_norm(const AdaptiveClip& rule, double norm, double unclipped_fraction) {
  const double step = -rule.learning_rate * (unclipped_fraction - rule.target_quantile);
  const double moved = std::isnan(step) ? norm : norm * std::exp(step);
  return std::clamp(moved, rule.norm_min, rule.norm_max);
}

Result<SplitNoise> split_noise(double noise_multiplier, double count_sigma) {
  if (!(noise_multiplier > 0 && std::isfinite(noise_multiplier))) {
    return Error{ErrorCode::invalid,
                 fmt::format("a noise multiplier is above 0 and finite, not {}", noise_multiplier)};
  }
  if (!(count_sigma > noise_multiplier / 2)) {
    return Error{
        ErrorCode::invalid,
        fmt::format("the noise on the count of unclipped updates must be above half of the "
                    "noise multiplier, {}, not {}: it alone would cost the whole round",
                    noise_multiplier / 2, count_sigma)};
  }
  const double ratio = noise_multiplier / (2 * count_sigma);
  return SplitNoise{noise_multiplier / std::sqrt(1 - ratio * ratio), count_sigma};
}

}  // namespace fed::privacy
