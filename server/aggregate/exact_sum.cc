#include "aggregate/exact_sum.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "tensor/kernels.h"
#include "tensor/wide.h"

#ifdef __FAST_MATH__
#error "the exact sum needs IEEE arithmetic: build without -ffast-math"
#endif

namespace fed::aggregate {
namespace {

// Doubles of a stretch of the sum, which stays in the first-level cache while terms are added to
// it. Short, so that the processor fetches from many updates at once.
constexpr std::size_t kStretch = 128;

// The exponent E of the smallest power of two that is >= value.
int exponent_above(double value) {
  int exponent = 0;
  const double mantissa = std::frexp(value, &exponent);  // in [0.5, 1)
  return mantissa == 0.5 ? exponent - 1 : exponent;
}

double magic_of(int exponent) { return std::ldexp(1.5, exponent + 1); }  // 1.5 * 2^52 * 2^(E-51)

// sum[i] += the rounded products of two terms, and of four: each pass over the sum costs as much as
// reading a term.
FED_WIDE void add_two(double magic, const Term* terms, std::size_t at, std::span<double> sum) {
  const float *a = terms[0].update.data() + at, *b = terms[1].update.data() + at;
  const double v = terms[0].weight, w = terms[1].weight;
  for (std::size_t i = 0; i < sum.size(); ++i) {
    const double p = (v * static_cast<double>(a[i]) + magic) - magic;
    const double q = (w * static_cast<double>(b[i]) + magic) - magic;
    sum[i] += p + q;
  }
}

FED_WIDE void add_four(double magic, const Term* terms, std::size_t at, std::span<double> sum) {
  const float *a = terms[0].update.data() + at, *b = terms[1].update.data() + at;
  const float *c = terms[2].update.data() + at, *d = terms[3].update.data() + at;
  const double v = terms[0].weight, w = terms[1].weight;
  const double x = terms[2].weight, y = terms[3].weight;
  for (std::size_t i = 0; i < sum.size(); ++i) {
    const double p = (v * static_cast<double>(a[i]) + magic) - magic;
    const double q = (w * static_cast<double>(b[i]) + magic) - magic;
    const double r = (x * static_cast<double>(c[i]) + magic) - magic;
    const double s = (y * static_cast<double>(d[i]) + magic) - magic;
    sum[i] += (p + q) + (r + s);
  }
}

}  // namespace

Result<Grid> Grid::make(double total_weight, double update_limit) {
  const double least = std::ldexp(1.0, -64);
  if (!(update_limit >= least && update_limit <= std::ldexp(1.0, 64))) {
    return Error{ErrorCode::invalid,
                 "an update limit of " + std::to_string(update_limit) +
                     " cannot be summed exactly: choose one from 2^-64 to 2^64"};
  }
  if (!(total_weight >= least && total_weight <= std::ldexp(1.0, 128))) {
    return Error{ErrorCode::invalid,
                 "a total weight of " + std::to_string(total_weight) +
                     " cannot be summed exactly: it must be positive and finite"};
  }
  Grid grid;
  grid.total_weight_ = total_weight;
  grid.update_limit_ = update_limit;
  grid.weight_magic_ = magic_of(exponent_above(total_weight));
  // A weight may be rounded up on its grid, so the products' bound is that of the rounded total.
  const double bound = std::max(total_weight, grid.round_weight(total_weight)) * update_limit;
  const int exponent = exponent_above(bound);
  grid.spacing_ = std::ldexp(1.0, exponent - 51);
  grid.magic_ = magic_of(exponent);
  return grid;
}

Grid Grid::coarser(double spacing) const {
  int exponent = 0;
  FED_CHECK(std::frexp(spacing, &exponent) == 0.5);
  Grid grid = *this;
  if (spacing <= spacing_) return grid;
  grid.spacing_ = spacing;
  grid.magic_ = std::ldexp(1.5, 52) * spacing;
  return grid;
}

void accumulate(const Grid& grid, std::span<const Term> terms, std::span<double> sum) {
  for (const Term& term : terms) FED_CHECK(term.update.size() == sum.size());
  for (std::size_t at = 0; at < sum.size(); at += kStretch) {
    const std::span<double> stretch = sum.subspan(at, std::min(kStretch, sum.size() - at));
    std::size_t next = 0;
    for (; next + 4 <= terms.size(); next += 4) {
      add_four(grid.magic(), &terms[next], at, stretch);
    }
    for (; next + 2 <= terms.size(); next += 2) add_two(grid.magic(), &terms[next], at, stretch);
    if (next == terms.size()) continue;
    const Term nothing{terms[next].update, 0};  // adds +0
    add_two(grid.magic(), std::array{terms[next], nothing}.data(), at, stretch);
  }
}

void merge(std::span<const double> from, std::span<double> into) {
  FED_CHECK(from.size() == into.size());
  tensor::daxpy(1.0, from, into);
}

FED_WIDE void divide(std::span<const double> sum, double total_weight, std::span<double> mean) {
  FED_CHECK(sum.size() == mean.size() && total_weight > 0);
  // A true division, not a product with the inverse: rounded once.
  for (std::size_t i = 0; i < sum.size(); ++i) mean[i] = sum[i] / total_weight;
}

FED_WIDE bool within(std::span<const float> update, float limit) {
  int outside = 0;
  for (const float x : update) outside |= !(std::fabs(x) <= limit);
  return outside == 0;
}

}  // namespace fed::aggregate
