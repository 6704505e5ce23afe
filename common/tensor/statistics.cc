#include "tensor/statistics.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "tensor/wide.h"

namespace fed::tensor {
namespace {

constexpr std::size_t lanes = RunningStatistics::lanes;

// Vectors of 32 and 64 bytes; the compiler takes as many registers for one as it needs.
using Float8 = float __attribute__((vector_size(32)));
using Double8 = double __attribute__((vector_size(64)));
using Bits8 = std::uint32_t __attribute__((vector_size(32)));

// Adds x, whose size is a multiple of `lanes`, to sums and largest, element i to lane i mod 16.
// Everything lives in registers meanwhile: at this speed a store for every element would halve it.
FED_WIDE void add_lanes(std::span<const float> x, std::array<double, lanes>& sums,
                        std::array<float, lanes>& largest) {
  Double8 sum[2];
  Float8 most[2];
  std::memcpy(sum, sums.data(), sizeof sum);
  std::memcpy(most, largest.data(), sizeof most);
  const Bits8 magnitude_bits = Bits8{} + 0x7fffffffU;
  for (std::size_t i = 0; i < x.size(); i += lanes) {
    for (std::size_t j = 0; j < 2; ++j) {
      Float8 value;
      std::memcpy(&value, x.data() + i + 8 * j, sizeof value);
      const Double8 wide = __builtin_convertvector(value, Double8);
      sum[j] += wide * wide;
      Bits8 bits;
      std::memcpy(&bits, &value, sizeof bits);
      bits &= magnitude_bits;
      Float8 magnitude;
      std::memcpy(&magnitude, &bits, sizeof magnitude);
      most[j] = magnitude > most[j] ? magnitude : most[j];
    }
  }
  std::memcpy(sums.data(), sum, sizeof sum);
  std::memcpy(largest.data(), most, sizeof most);
}

}  // namespace

void RunningStatistics::add_one(float value) {
  const std::size_t lane = count_ % lanes;
  sums_[lane] += static_cast<double>(value) * static_cast<double>(value);
  largest_[lane] = std::max(largest_[lane], std::abs(value));
  ++count_;
}

void RunningStatistics::update(std::span<const float> next) {
  while (count_ % lanes != 0 && !next.empty()) {
    add_one(next.front());
    next = next.subspan(1);
  }
  const std::size_t whole = next.size() - next.size() % lanes;
  add_lanes(next.first(whole), sums_, largest_);
  count_ += whole;
  for (const float value : next.subspan(whole)) add_one(value);
}

Statistics RunningStatistics::finish() const {
  Statistics result;
  for (const double sum : sums_) result.sum_of_squares += sum;
  result.max_abs = *std::ranges::max_element(largest_);
  // A square of a finite float is at most 1.2e77, so the sum is finite exactly if every value is.
  result.finite = std::isfinite(result.sum_of_squares);
  return result;
}

Statistics statistics(std::span<const float> x) {
  RunningStatistics running;
  running.update(x);
  return running.finish();
}

double sum_of_squares(std::span<const float> x) { return statistics(x).sum_of_squares; }
float max_abs(std::span<const float> x) { return statistics(x).max_abs; }
bool all_finite(std::span<const float> x) { return statistics(x).finite; }

Statistics merge(const Statistics& a, const Statistics& b) {
  return {a.sum_of_squares + b.sum_of_squares, std::max(a.max_abs, b.max_abs),
          a.finite && b.finite};
}

}  // namespace fed::tensor
