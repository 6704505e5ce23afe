// A clipping norm that follows the clients' updates, without anybody telling how long theirs is.
//
// Clipping to C bounds what one client can change, so the noise grows with C: too small a C bends
// the updates, too large a one drowns them. Here C follows a quantile of the updates' norms: each
// client adds one bit, whether its update was within C, to the round's sum; the noisy fraction of
// such clients moves C by a geometric step (Andrew, Thakkar, McMahan and Ramaswamy, "Differentially
// Private Learning with Adaptive Clipping", 2021, section 2 and algorithm 1).
//
// The bits cost privacy as well; split_noise charges them to the vector's noise, so that both
// together cost what one Gaussian of the round's noise multiplier does (their theorem 1).
#pragma once

#include "base/error.h"

namespace fed::privacy {

// The rule. norm_min <= C <= norm_max always, so that no run of noise leads beyond repair.
struct AdaptiveClip {
  double target_quantile = 0.5;  // gamma, 0 to 1: the fraction of updates that should be within C
  double learning_rate = 0.2;    // eta, above 0
  double norm_min = 0x1p-40;     // above 0
  double norm_max = 0x1p40;
};

// ErrorCode::invalid for a rule outside of its ranges.
Status check(const AdaptiveClip& rule);

// C exp(-eta (fraction - gamma)). `unclipped_fraction` is the noisy count divided by the number of
// clients, and may lie outside of 0 to 1; a NaN leaves the norm as it is. `norm` > 0. Pure;
// thread-safe.
double next_norm(const AdaptiveClip& rule, double norm, double unclipped_fraction);

// How the noise multiplier z of a round is shared.
struct SplitNoise {
  double vector = 0;  // z_delta, the multiplier for the sum of updates: a little above z
  double count = 0;   // sigma_b, the standard deviation for the sum of bits
};

// With sigma_b as given, z_delta = (z^-2 - (2 sigma_b)^-2)^-1/2. The 2 is there because a client
// adds its bit minus 1/2: plus or minus a half, so one client changes the sum by a half, whichever
// it is. The paper suggests sigma_b of a twentieth of the cohort. ErrorCode::invalid unless z > 0
// and sigma_b > z / 2.
Result<SplitNoise> split_noise(double noise_multiplier, double count_sigma);

}  // namespace fed::privacy
