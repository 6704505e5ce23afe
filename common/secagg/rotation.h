// Two ways to send less under a mask. Both are linear and the same for all clients of a round, so
// sums are taken of what they give, and undone once; the seed is public (of the round).
//
// Rotation: random signs and a Walsh-Hadamard transform (Ailon and Chazelle 2006; Suresh and others
// 2017, "Distributed Mean Estimation with Limited Communication", section 4). It keeps the l2
// norm C of a vector and spreads it over all D coordinates: none exceeds
// C sqrt(2 ln(2 D / beta) / D) but with probability beta. So the quantiser's coordinate_max can be
// that much smaller, and b with it, for the same grid.
//
// Random k: k of d coordinates, the same ones for everybody; what comes back is scaled by d / k, so
// that the expectation stays. Free functions, thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "crypto/secret.h"

namespace fed::secagg {

// The power of two that a vector of `length` >= 1 is filled up to.
std::size_t rotated_length(std::size_t length);

// H S x / sqrt(D), of x filled up with zeros. O(D log D) additions.
std::vector<float> rotate(std::span<const float> values, crypto::KeyView seed);

// The first `length` elements of S H y / sqrt(D): the inverse. y has rotated_length(length).
std::vector<double> rotate_back(std::span<const double> rotated, std::size_t length,
                                crypto::KeyView seed);

// The bound above, for a norm of one and `length` before rotation; never above 1.
double rotated_coordinate_max(std::size_t length, double beta);

// `k` different numbers below `length` in ascending order; every set of k is equally likely.
std::vector<std::uint64_t> random_support(std::uint64_t length, std::uint64_t k,
                                          crypto::KeyView seed);

// The elements of the support.
std::vector<float> gather(std::span<const float> values, std::span<const std::uint64_t> support);

// The other way: times length / k, and zeros elsewhere.
std::vector<double> scatter(std::span<const double> values, std::span<const std::uint64_t> support,
                            std::size_t length);

}  // namespace fed::secagg
