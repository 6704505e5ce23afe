// Pure differential privacy (delta = 0), as the Laplace mechanism and its discrete twin give it.
//
// Noise of scale b, added to every coordinate of a vector whose l1 norm one client changes by at
// most D, is (D / b)-differentially private (Dwork, McSherry, Nissim and Smith, 2006); the same
// holds for DiscreteLaplace and integers. It suits what a client adds by itself to a few numbers;
// for long vectors the Gaussian needs far less. Pure functions; safe from any thread.
#pragma once

#include "privacy/rdp.h"

namespace fed::privacy {

// The epsilon of one release; the noise multiplier is b / D. ErrorCode::invalid unless above 0.
Result<double> laplace_epsilon(double noise_multiplier);

// What any mechanism of pure epsilon costs at most, as a curve that can be added to others: that of
// randomized response, cosh((alpha - 1/2) epsilon) / cosh(epsilon / 2) under the logarithm and
// divided by alpha - 1, from which every other one can be simulated (Kairouz, Oh and Viswanath,
// "The Composition Theorem for Differential Privacy", 2015). Never above epsilon.
// ErrorCode::invalid unless epsilon >= 0.
Result<RdpCurve> pure_curve(double epsilon);

}  // namespace fed::privacy
