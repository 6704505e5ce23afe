// The accountant asked the other way round: how much noise for a promise, how many rounds for one.
//
// For any mechanism whose cost is an RdpCurve, and for the Poisson-sampled Gaussian one
// (privacy/sampled_gaussian.h, whose words these are) by name. Answers are on the safe side: the
// noise is enough, the rounds are kept. Pure functions; safe from any thread.
#pragma once

#include <cstdint>
#include <functional>

#include "privacy/rdp.h"

namespace fed::privacy {

// A promise.
struct Target {
  double epsilon = 0;  // above 0
  double delta = 0;    // between 0 and 1
};

// ErrorCode::invalid unless the target is a promise as above.
Status check(const Target& target);

// The most rounds of this cost that keep the promise; 0 if not even one does, at most 2^40.
Result<std::uint64_t> rounds_within(const Target& target, const RdpCurve& round);

// The cost of a round by its noise multiplier: falls where the noise grows.
using RoundCost = std::function<Result<RdpCurve>(double noise_multiplier)>;

// The least noise multiplier with which `rounds` rounds keep the promise: at most a relative 1e-6
// above it, never below. An error of `cost` counts as a promise that is not kept.
// ErrorCode::invalid if none up to 2^40 keeps it, and for 0 rounds.
Result<double> least_noise(const Target& target, std::uint64_t rounds, const RoundCost& cost);

// What `rounds` rounds of the sampled Gaussian mechanism promise at this delta.
Result<Guarantee> epsilon_for(double noise_multiplier, double delta, double sampling_rate,
                              std::uint64_t rounds);

// Its least_noise, in some 100 ms, and its rounds_within. Errors as sampled_gaussian_curve.
Result<double> noise_multiplier_for(double epsilon, double delta, double sampling_rate,
                                    std::uint64_t rounds);
Result<std::uint64_t> rounds_for(double epsilon, double delta, double sampling_rate,
                                 double noise_multiplier);

}  // namespace fed::privacy
