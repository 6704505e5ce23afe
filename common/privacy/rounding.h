// From real numbers to steps of a grid, at random, so that the mean stays where it was.
//
// A number between two steps becomes the upper one with the probability of its place between them.
// That can make a vector longer, and a longer one needs more noise; so a vector that came out
// longer than RoundedNorm allows is rounded again from the start (conditional rounding, algorithm 1
// of Kairouz, Liu and Steinke 2021). What the accountant assumed then holds for every vector that
// is sent, not only for nearly all.
#pragma once

#include <cstdint>
#include <span>

#include "privacy/distributed_gaussian.h"
#include "privacy/random_source.h"

namespace fed::privacy {

// How long an integer vector may be after rounding, exactly: what noise is sized for.
struct RoundedLimit {
  std::uint64_t l2_squared_max = ~std::uint64_t{0};
  std::uint64_t l1_max = ~std::uint64_t{0};
};

// The l1 norm of a rounded vector whose l1 norm was at most `clip` steps in `dimension`
// coordinates. Rounding keeps signs, so the norm is a sum of independent terms, each within one
// step, with its own mean; by Hoeffding's inequality it is longer than clip + sqrt(dimension
// ln(1 / beta) / 2) with a probability of at most `beta`, and never longer than clip + dimension.
// ErrorCode::invalid unless clip > 0, dimension > 0, 0 <= beta < 1 and the norm is below 2^52.
Result<std::uint64_t> rounded_l1(double clip, std::uint64_t dimension, double beta);

// rounded[i] is values[i] * steps_per_unit, up or down; the probability is a multiple of 2^-62,
// rounded down. Both spans have the same size. Whatever the values, no vector beyond `limit` is
// ever given. `values` should be clipped first: of a vector whose scaled l2 norm is within the clip
// of rounded_norm (l1 norm: of rounded_l1), one of 1 / (1 - beta) roundings is short enough.
// ErrorCode::invalid for a value that is not finite or 2^31 steps or more away from 0, and for a
// vector that is too long 1000 times in a row, which was not clipped; `rounded` is then of no use.
// Thread-safe; a RandomSource has one owner.
Status round_conditionally(std::span<const float> values, double steps_per_unit,
                           const RoundedLimit& limit, RandomSource& source,
                           std::span<std::int64_t> rounded);

inline Status round_conditionally(std::span<const float> values, double steps_per_unit,
                                  const RoundedNorm& norm, RandomSource& source,
                                  std::span<std::int64_t> rounded) {
  return round_conditionally(values, steps_per_unit,
                             RoundedLimit{.l2_squared_max = norm.l2_squared_max}, source, rounded);
}

}  // namespace fed::privacy
