// The exact weighted sum: the same updates give the same sum, bit for bit, in any order, on any
// number of threads, through any partition into partial sums that are merged later.
//
// A double adds multiples of a spacing g without rounding as long as the sum stays within 2^53 g.
// So each product weight x coordinate is rounded once, to a multiple of g; from then on every
// addition is exact, hence associative and commutative. (The idea of pre-rounding to a common grid:
// Demmel and Nguyen 2013, "Fast reproducible floating-point summation", section 3; here the bound
// is known before the first term, so that one pass is enough.)
//
// The bound. W is the total weight of the cohort, U the limit of a coordinate (`update_limit`). Let
// 2^E be the smallest power of two with 2^E >= fl(W U), and g = 2^(E-51). For terms with 0 <= w <=
// W, |x| <= U:
//   1. |fl(w x)| <= fl(W U) <= 2^E = 2^51 g, since rounding to double is monotonic.
//   2. The rounding is (t + M) - M with M = 1.5 * 2^52 g. By 1, t + M lies in [2^52 g, 2^53 g],
//   where the spacing of
//      doubles is g (both ends included: they are doubles). So t + M is rounded to a multiple of g,
//      half to even, and subtracting M, a multiple of g too, is exact. One bit more in the grid
//      (E-52) would let a lone client of the whole weight reach 2^52 g, outside this interval:
//      negative terms would then land on a grid of g/2.
//   3. With sum(w) <= W the terms' magnitudes sum to at most W U, up to one part in 2^52 for the
//   roundings of w x and
//      of W U themselves, and each rounding to the grid adds at most g/2. So the magnitude of any
//      partial sum of n terms, in any order, is below (2^51 + 1 + n/2) g, hence below 2^53 g for
//      every n up to 2^52: a multiple of g that is representable, which means that the addition
//      that produced it was exact.
// The weights go through a grid of their own first (U = 1), so that the total weight is an exact
// sum as well; whole numbers of examples are on that grid already.
//
// A mean is off the exact one by at most n g / (2 sum(w)), that is n 2^-51 U W / sum(w), besides
// the roundings of w x (2^-53 of each) and of the last division: far below a float's spacing.
//
// Needs round-to-nearest and no reassociation: the .cc refuses to compile under -ffast-math and is
// built with -ffp-contract=off. Flush-to-zero does not matter: a coordinate that is denormal as a
// float is below g/2 / W for every limit that `make` accepts, and is rounded to zero either way. No
// sum is ever -0.
//
// Pure functions over spans; safe from any thread.
#pragma once

#include <cstddef>
#include <span>

#include "base/error.h"

namespace fed::aggregate {

// The spacing for one round. A plain value: copy freely.
class Grid {
 public:
  // Updates that are read together, so that the accumulator's tile stays in cache meanwhile.
  static constexpr std::size_t kBlock = 8;

  // ErrorCode::invalid unless 2^-64 <= update_limit <= 2^64 and 2^-64 <= total_weight <= 2^128.
  static Result<Grid> make(double total_weight, double update_limit);

  // The same, for terms and sums on a coarser spacing, a power of two; what is not coarser changes
  // nothing. All that holds of the grid holds: sums are fewer spacings away from 2^53.
  Grid coarser(double spacing) const;

  double spacing() const { return spacing_; }            // g
  double total_weight() const { return total_weight_; }  // W
  double update_limit() const { return update_limit_; }  // U

  // `product` as a multiple of g; |product| <= W U.
  double round(double product) const { return (product + magic_) - magic_; }
  // `weight` as a multiple of 2^-51 W (W rounded up to a power of two); 0 <= weight <= W.
  double round_weight(double weight) const { return (weight + weight_magic_) - weight_magic_; }
  double magic() const { return magic_; }

 private:
  double total_weight_ = 0, update_limit_ = 0, spacing_ = 0, magic_ = 0, weight_magic_ = 0;
};

// One update's share of a tile. `weight` comes from Grid::round_weight.
struct Term {
  std::span<const float> update;  // [coordinates], |x| <= U
  double weight = 0;              // 0 <= weight; all weights of a round together <= W
};

// sum[i] += the terms' rounded products. Every term has sum.size() coordinates. Any number of
// terms; blocks of Grid::kBlock are the fast case.
void accumulate(const Grid& grid, std::span<const Term> terms, std::span<double> sum);

// into[i] += from[i]: joins partial sums over the same grid. Exact.
void merge(std::span<const double> from, std::span<double> into);

// mean[i] = sum[i] / total_weight, the accepted weights' exact sum, > 0. `mean` may be `sum`.
void divide(std::span<const double> sum, double total_weight, std::span<double> mean);

// Whether every |x| <= limit; false for NaN. What the gate has promised, checked again on the way
// to the sum, since a coordinate beyond U would break exactness without a trace.
bool within(std::span<const float> update, float limit);

}  // namespace fed::aggregate
