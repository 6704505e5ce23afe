// From a client's update to integers that can be summed modulo 2^b, and back.
//
// A client clips its update to an l2 norm, multiplies it by its weight (its examples) and rounds it
// to a grid, up or down by chance so that the expectation is exact (stochastic rounding; Alistarh
// and others 2017, "QSGD"; Kairouz, Liu and Steinke 2021, "The Distributed Discrete Gaussian
// Mechanism", section 4). The weight is one more element behind the values, so that the weighted
// sum and the total weight come out of the same sum, and neither is seen of one client.
//
// An element is at most steps * weight_max in magnitude, so clients_max of them stay within b bits
// with a sign, and the sum never wraps: what is decoded is the exact sum of the integers. Masking
// adds nothing and takes nothing away. Who adds noise to the integers asks for head-room besides;
// where the sum of the noise is beyond it, the sum wraps, which spoils a coordinate and tells
// nobody anything (what is sent is the noisy integer, modulo 2^b). Free functions, thread-safe.
#pragma once

#include <span>
#include <vector>

#include "crypto/secret.h"
#include "secagg/words.h"

namespace fed::secagg {

// The same for all clients of a round; part of the hyper-parameters that they agree on.
struct Quantisation {
  double clip_norm = 1;           // longer updates are scaled down to this l2 norm
  double coordinate_max = 1;      // clip_norm, or less after a rotation (rotation.h): what is
                                  // beyond is cut off
  std::uint32_t steps = 1 << 15;  // of the grid from 0 to coordinate_max, for a weight of one
  std::uint32_t weight_max = 1;   // of one client
  std::uint32_t clients_max = 0;  // in one sum
  std::uint64_t head_room = 0;    // of a sum's element, beyond what values and weights come to
};

// ErrorCode::invalid for a number that is not positive and finite, steps * weight_max above 2^52
// (the products would not be exact in doubles), or a sum that no 64 bits hold.
Status check(const Quantisation& how);

// The smallest b for which no sum wraps. check(how) holds; so for all below.
unsigned modulus_bits_for(const Quantisation& how);

// values.size() + 1 elements: the rounded values times `weight`, then the weight. `seed` is secret
// and random; the same one gives the same integers. Errors: invalid for a value that is not
// finite or a weight outside of 1 to weight_max.
Result<Words> quantise(std::span<const float> values, std::uint32_t weight, const Quantisation& how,
                       crypto::KeyView seed);

struct WeightedSum {
  std::vector<double> values;  // the sum of weight * value; one rounding to double each
  std::uint64_t weight = 0;    // the sum of the weights
};

// Of the sum of what up to clients_max clients quantised; at least one element.
WeightedSum dequantise(const Words& sum, const Quantisation& how);

// The weighted mean; zeros for no weight.
std::vector<float> mean_of(const WeightedSum& sum);

}  // namespace fed::secagg
