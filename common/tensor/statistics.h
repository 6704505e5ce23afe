// Is this vector finite, how long is it, how large is its largest value: one pass, at about the
// speed of memory.
//
// The gate that every uploaded update passes, and the norm that privacy clips to. Squares are exact
// in doubles and summed in 16 double lanes. (A float accumulator such as cblas_sdot was off
// by 7.7e-4 on ten million equal values.)
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace fed::tensor {

struct Statistics {
  double sum_of_squares = 0;
  float max_abs = 0;
  bool finite = true;  // no NaN and no infinity; the other two mean nothing if false

  bool operator==(const Statistics&) const = default;
};

Statistics statistics(std::span<const float> x);
double sum_of_squares(std::span<const float> x);
float max_abs(std::span<const float> x);
bool all_finite(std::span<const float> x);

// Of both stretches together. The last bits of the sum depend on where the stretches part; where
// they must not, use RunningStatistics.
Statistics merge(const Statistics& a, const Statistics& b);

// Statistics of a vector that arrives in pieces: the same bits however it is cut. Element i of the
// vector always goes to lane i mod 16. A plain value; one thread at a time.
class RunningStatistics {
 public:
  static constexpr std::size_t lanes = 16;

  void update(std::span<const float> next);
  Statistics finish() const;  // of everything so far; more may follow
  std::uint64_t count() const { return count_; }

 private:
  void add_one(float value);

  alignas(64) std::array<double, lanes> sums_{};
  alignas(64) std::array<float, lanes> largest_{};
  std::uint64_t count_ = 0;
};

}  // namespace fed::tensor
