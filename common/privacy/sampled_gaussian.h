// What the Gaussian mechanism costs when every client is in a round by an independent coin.
//
// The mechanism: each client takes part with probability q, all by themselves (Poisson sampling);
// each sends a vector of l2 norm at most C; noise of standard deviation sigma * C is added to every
// coordinate of the sum. `noise_multiplier` is sigma. Only the sum, or what is computed from it, is
// seen: by the world if the server adds the noise and is trusted. A cohort of fixed size, or
// whoever happens to be online, is not Poisson sampling: count it with q = 1, for which nothing is
// amplified and the cost is alpha / (2 sigma^2).
//
// The cost is log(A) / (alpha - 1) with A the alpha-th moment of the likelihood ratio of the
// mixture (1 - q) N(0, sigma^2) + q N(1, sigma^2) to N(0, sigma^2), which is the larger of the two
// directions (Mironov, Talwar and Zhang, "Renyi Differential Privacy of the Sampled Gaussian
// Mechanism", 2019, section 3): for whole orders their finite sum of positive terms (3.3.1), for
// others two series of alternating sign (3.3.2). Accurate to 1e-9 of the cost where log(A) is above
// 1e-9. Below 1e-12, where the series would drown in rounding, orders that are not whole get an
// upper bound, at most twice the cost; a million of such rounds cost next to nothing.
//
// Pure functions; safe from any thread.
#pragma once

#include "privacy/rdp.h"

namespace fed::privacy {

// The cost of one round at one order above 1. ErrorCode::invalid unless 0 <= q <= 1, sigma is
// finite and above 0, and 1 < order <= 10000.
Result<double> sampled_gaussian_rdp(double sampling_rate, double noise_multiplier, double order);

// The cost of one round at every order; times(rounds) is that of all of them. Errors as above.
Result<RdpCurve> sampled_gaussian_curve(double sampling_rate, double noise_multiplier);

}  // namespace fed::privacy
