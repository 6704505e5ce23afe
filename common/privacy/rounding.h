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

// rounded[i] is values[i] * steps_per_unit, up or down; the probability is a multiple of 2^-62,
// rounded down. Both spans have the same size. `values` should be clipped first: of a vector whose
// scaled l2 norm is within the clip of rounded_norm, one of 1 / (1 - beta) roundings is short
// enough. ErrorCode::invalid for a value that is not finite or 2^31 steps or more away from 0, and
// for a vector that is too long 1000 times in a row, which was not clipped; `rounded` is then of no
// use. Thread-safe; a RandomSource has one owner.
Status round_conditionally(std::span<const float> values, double steps_per_unit,
                           const RoundedNorm& norm, RandomSource& source,
                           std::span<std::int64_t> rounded);

}  // namespace fed::privacy
