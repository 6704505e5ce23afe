#include "tensor/statistics.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace fed::tensor {
namespace {

constexpr std::size_t lanes = RunningStatistics::lanes;

// Registers of 16 bytes, which every 64-bit processor has; the compiler picks the instructions.
using Float4 = float __attribute__((vector_size(16)));
using Double2 = double __attribute__((vector_size(16)));
using Bits4 = std::uint32_t __attribute__((vector_size(16)));

template <class T>
T load(const void* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

// Adds x, whose size is a multiple of `lanes`, to sums and largest, element i to lane i mod 16.
// Everything lives in registers meanwhile: at this speed a store for every element would halve it.
void add_lanes(std::span<const float> x, std::array<double, lanes>& sums,
               std::array<float, lanes>& largest) {
  Double2 sum[8];
  Float4 most[4];
  std::memcpy(sum, sums.data(), sizeof sum);
  std::memcpy(most, largest.data(), sizeof most);
  constexpr Bits4 magnitude_bits = {0x7fffffff, 0x7fffffff, 0x7fffffff, 0x7fffffff};
  for (std::size_t i = 0; i < x.size(); i += lanes) {
    for (std::size_t j = 0; j < 4; ++j) {
      const Float4 value = load<Float4>(x.data() + i + 4 * j);
      const Double2 low = {value[0], value[1]};
      const Double2 high = {value[2], value[3]};
      sum[2 * j] += low * low;
      sum[2 * j + 1] += high * high;
      const auto magnitude = std::bit_cast<Float4>(std::bit_cast<Bits4>(value) & magnitude_bits);
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
