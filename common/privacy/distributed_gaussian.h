// Noise that no single party holds: every client adds a little, and only the sum is ever seen.
//
// Each client scales its vector onto an integer grid, rounds it at random, adds discrete Gaussian
// noise of variance v to every coordinate and sends the result through a secure sum, which shows
// the server nothing but the total (Kairouz, Liu and Steinke, "The Distributed Discrete Gaussian
// Mechanism for Federated Learning with Secure Aggregation", 2021). The sum of n such noises is
// nearly, but not quite, a discrete Gaussian of variance n v; `tau` bounds the difference.
//
// All lengths are in steps of the grid. Two things are easily got wrong, so they are part of the
// interface: n is the FEWEST clients whose noise is in a sum that is still used (more only help:
// their noise is processing of a sum that is private already); and the length that counts is the
// one after rounding. Neighbours: one client's vector is replaced by zeros, its noise stays. That
// it took part is not hidden, so sampling amplifies nothing. If k of the survivors tell the server
// their noise, count n - k. Pure functions; safe from any thread.
#pragma once

#include <cstdint>

#include "privacy/fraction.h"
#include "privacy/rdp.h"

namespace fed::privacy {

// How long an integer vector may be after rounding. A client rounds again until its squared l2 norm
// is at most l2_squared_max, which keeps the l1 norm within l1_max as well.
struct RoundedNorm {
  std::uint64_t l2_squared_max = 0;
  double l2_max = 0;
  double l1_max = 0;
};

// Of a vector of l2 norm at most `clip` in `dimension` coordinates, each rounded up or down at
// random with its own mean (the paper's algorithm 1). With `beta` of 0 the bound is certain, clip +
// sqrt(dimension); with a beta below 1 it is shorter, and at least one of 1 / (1 - beta) roundings
// meets it, at the price of a bias of about beta. l1_max is min(sqrt(dimension) l2, l2^2), the
// latter since integers are at most their squares. ErrorCode::invalid unless clip > 0, dimension >
// 0, 0 <= beta < 1 and clip + sqrt(dimension) < 2^31.
Result<RoundedNorm> rounded_norm(double clip, std::uint64_t dimension, double beta);

// tau = 10 times the sum over k = 1 to n - 1 of exp(-2 pi^2 v k / (k + 1)), rounded up for more
// than 4096 clients; 0 for one client. Next to nothing from a variance of 2 on.
double convolution_excess(double variance, std::uint64_t survivors);

struct DistributedGaussian {
  double variance = 0;              // of one client's noise, in squared grid steps; at least 1/4
  std::uint64_t survivors_min = 1;  // clients whose noise is in the sum
  std::uint64_t dimension = 1;
  double l2 = 0;  // RoundedNorm
  double l1 = 0;
};

// The cost of one sum: the paper's proposition 14, the least of its three bounds. With s = n v:
// alpha l2^2 / (2 s) + tau d; alpha/2 (l2^2 / s + 2 tau l1 / sqrt(s) + tau^2 d);
// alpha/2 (l2 / sqrt(s) + tau sqrt(d))^2. ErrorCode::invalid for a variance below 1/4, no
// survivors, no dimension or a negative length.
Result<RdpCurve> distributed_gaussian_curve(const DistributedGaussian& mechanism);

}  // namespace fed::privacy
