#include "privacy/rounding.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "privacy/bernoulli.h"

namespace fed::privacy {

namespace {

constexpr int kTriesMax = 1000;
constexpr double kStepsMax = 0x1p31;
constexpr std::uint64_t kPlaces = std::uint64_t{1} << 62;

Status check_values(std::span<const float> values, double steps_per_unit) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double steps = values[i] * steps_per_unit;
    if (!(std::abs(steps) < kStepsMax)) {
      return Error{ErrorCode::invalid,
                   fmt::format("coordinate {} is not within 2^31 steps of the grid", i)};
    }
  }
  return {};
}

std::int64_t round_one(double steps, RandomSource& source) {
  const double below = std::floor(steps);
  // The difference is exact; for a tiny negative number it would round to 1.
  const double place = std::min(steps - below, 1 - 0x1p-53);
  const auto numerator = static_cast<std::uint64_t>(std::ldexp(place, 62));
  const bool up = numerator > 0 && bernoulli(Fraction{numerator, kPlaces}, source);
  return static_cast<std::int64_t>(below) + (up ? 1 : 0);
}

}  // namespace

Result<std::uint64_t> rounded_l1(double clip, std::uint64_t dimension, double beta) {
  const auto coordinates = static_cast<double>(dimension);
  if (!(clip > 0) || dimension == 0 || !(beta >= 0 && beta < 1) || !(clip + coordinates < 0x1p52)) {
    return Error{ErrorCode::invalid,
                 fmt::format("rounding needs a length above 0, coordinates, both below 2^52 "
                             "together, and a beta of at least 0 and below 1, not {}, {} and {}",
                             clip, dimension, beta)};
  }
  double longer = coordinates;
  if (beta > 0) longer = std::min(longer, std::sqrt(coordinates * std::log(1 / beta) / 2));
  return static_cast<std::uint64_t>(clip + longer);
}

Status round_conditionally(std::span<const float> values, double steps_per_unit,
                           const RoundedLimit& limit, RandomSource& source,
                           std::span<std::int64_t> rounded) {
  FED_CHECK(values.size() == rounded.size());
  FED_TRY(check_values(values, steps_per_unit));
  for (int tries = 0; tries < kTriesMax; ++tries) {
    Wide squared = 0, sum = 0;  // at most 2^62 for each of fewer than 2^64 values
    for (std::size_t i = 0; i < values.size(); ++i) {
      rounded[i] = round_one(values[i] * steps_per_unit, source);
      squared += static_cast<std::uint64_t>(rounded[i] * rounded[i]);
      sum += static_cast<std::uint64_t>(std::abs(rounded[i]));
    }
    if (squared <= limit.l2_squared_max && sum <= limit.l1_max) return {};
  }
  return Error{ErrorCode::invalid,
               "a vector stays longer than its clipping norm allows, however it is rounded"};
}

}  // namespace fed::privacy
