// Sums of a site's columns (data/statistics.h) as integers that can be summed modulo 2^b, so that
// round 0 can be under masks as well: the total over the sites is exact, and no site's sums are
// seen.
//
// How large a sum may be is not known before, so nothing is scaled: a double is a whole number of
// 2^-96, below 2^95 in magnitude, written in six digits of 32 bits, all of the number's sign. An
// element is one digit; the totals of the digits tell the total of the numbers. What is smaller
// than 2^-96 is cut off. Immutable; thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/error.h"
#include "secagg/words.h"

namespace fed::coding {

class StatisticsCodec {
 public:
  // `values` numbers of each of up to `clients_max` sites (1 to 2^30).
  StatisticsCodec(std::uint64_t values, std::uint32_t clients_max);

  unsigned modulus_bits() const { return modulus_bits_; }
  std::uint64_t length() const;  // elements of a vector

  // ErrorCode::invalid for a number that is not finite, or 2^95 or more in magnitude.
  Result<secagg::Words> encode(std::span<const double> values) const;

  // Of the sum, modulo 2^b, of up to clients_max vectors. Each to within two roundings to double.
  std::vector<double> decode(const secagg::Words& sum) const;

 private:
  std::uint64_t values_;
  unsigned modulus_bits_;
};

}  // namespace fed::coding
