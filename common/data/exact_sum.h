// The sum of doubles without any rounding: the same numbers give the same bits in every order and
// grouping.
//
// A fixed-point two's-complement integer whose unit is 2^-1074, the smallest double, and whose 2176
// bits reach beyond the largest one with 77 bits to spare: every finite double is a whole number of
// units, every addition is exact, and 2^77 additions cannot overflow. (A "long accumulator",
// Kulisch and Miranker 1986; Neal 2015, "Fast exact summation using small and large
// superaccumulators".) Rounding happens once, in `round`. Used for column statistics, where law 1
// (order never matters) has to hold over arbitrary magnitudes; model updates use the cheaper grid
// of the aggregate layer.
//
// A plain value of 272 bytes; not thread-safe, share const.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace fed::data {

class ExactSum {
 public:
  // `value` must be finite.
  void add(double value);

  // Adds a * b without rounding the product (two-product with fma: Ogita, Rump and Oishi 2005,
  // algorithm 3.5). Exact while the product and its rounding error are normal numbers, which 1e-138
  // < |a|, |b| < 1e153, or zero, ensures.
  void add_product(double a, double b);

  // Adds all that `other` holds.
  void merge(const ExactSum& other);

  // The nearest double, ties to even; an infinity where the sum exceeds the largest double.
  double round() const;

  // Equal sums have equal bits: the representation is unique.
  bool operator==(const ExactSum&) const = default;

 private:
  static constexpr std::size_t kLimbs = 34;

  std::array<std::uint64_t, kLimbs> limbs_{};  // least significant first
};

}  // namespace fed::data
