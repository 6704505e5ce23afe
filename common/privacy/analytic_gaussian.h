// One release of the Gaussian mechanism, exactly: no bound, but the very curve of its epsilon and
// delta (Balle and Wang, "Improving the Gaussian Mechanism for Differential Privacy", 2018, theorem
// 8), where the accountant's conversion loses a few per cent.
//
// For noise of standard deviation sigma times the l2 norm by which one client changes the result.
// It holds for one release; T releases of the same noise are one release of sigma / sqrt(T). With
// sampling, or with different mechanisms after each other, use privacy/rdp.h. Results are accurate
// to a relative 1e-9. Pure functions; safe from any thread.
#pragma once

#include "base/error.h"

namespace fed::privacy {

// The least delta at this epsilon: P(Z > epsilon sigma - 1/(2 sigma)) minus exp(epsilon)
// P(Z > epsilon sigma + 1/(2 sigma)). ErrorCode::invalid unless epsilon >= 0 and sigma > 0.
Result<double> gaussian_delta(double epsilon, double sigma);

// The least epsilon at this delta; 0 where none is needed. ErrorCode::invalid unless sigma > 0 and
// 0 < delta < 1, and for an epsilon beyond 2^40.
Result<double> gaussian_epsilon(double sigma, double delta);

// The least sigma for this epsilon and delta. ErrorCode::invalid unless 0 < delta < 1 and
// epsilon > 0.
Result<double> gaussian_sigma(double epsilon, double delta);

}  // namespace fed::privacy
