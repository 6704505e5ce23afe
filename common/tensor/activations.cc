#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

#include "base/error.h"
#include "tensor/kernels.h"

namespace fed::tensor {
namespace {

// e^x = scale · (1 + rest), with scale a power of two, so that both e^x and e^x - 1 keep all
// digits.
struct Exponential {
  float scale, rest;

  float value() const { return scale + scale * rest; }
  float minus_one() const { return (scale - 1) + scale * rest; }
};

// For x <= 0 or NaN; exactly 0 from -88 on. Without branches or calls, so that loops over it become
// vector instructions: n = x / ln 2 to the nearest integer, and the series of e^r for what is left,
// |r| <= ln 2 / 2, whose first term left out is below half a unit in the last place.
inline Exponential exponential(float x) {
  x = x < -88.0f ? -88.0f : x;  // in this order NaN stays
  // Adding 1.5 · 2^23 leaves no room for a fraction: the sum's last bits are n.
  constexpr float round = 0x1.8p23f;
  const float shifted = x * 0x1.715476p0f + round;
  const float n = shifted - round;
  // ln 2 in two parts; n times the first is exact.
  const float r = (x - n * 0x1.62ep-1f) - n * 0x1.0bfbe8p-15f;
  const float rest =
      r + r * r *
              (1 / 2.0f +
               r * (1 / 6.0f + r * (1 / 24.0f + r * (1 / 120.0f + r * (1 / 720.0f + r / 5040)))));
  // 2^n: n added to the exponent of 1. For n = -127 the exponent is that of 0.
  const std::uint32_t exponent = std::bit_cast<std::uint32_t>(shifted) << 23;
  return {std::bit_cast<float>(exponent + std::bit_cast<std::uint32_t>(1.0f)), rest};
}

// 1 / (1 + e^-x), by whichever form has its exponential below 1.
inline float sigmoid_of(float x) {
  const float e = exponential(-std::abs(x)).value();
  return (x >= 0 ? 1.0f : e) / (1.0f + e);
}

// (1 - e) / (1 + e) with e = e^-2|x|, and x's sign.
inline float tanh_of(float x) {
  const float e_minus_one = exponential(-2 * std::abs(x)).minus_one();
  return std::copysign(e_minus_one / (2 + e_minus_one), x);
}

}  // namespace

void relu(std::span<float> x) {
  // Written so that NaN stays NaN: a diverged model must not look healthy.
  for (float& value : x) value = value < 0 ? 0 : value;
}

void d_relu(std::span<const float> y, std::span<float> dy) {
  FED_CHECK(y.size() == dy.size());
  for (std::size_t i = 0; i < y.size(); ++i) dy[i] = y[i] > 0 ? dy[i] : 0;
}

void tanh(std::span<float> x) {
  for (float& value : x) value = tanh_of(value);
}

void d_tanh(std::span<const float> y, std::span<float> dy) {
  FED_CHECK(y.size() == dy.size());
  for (std::size_t i = 0; i < y.size(); ++i) dy[i] *= 1.0f - y[i] * y[i];
}

void sigmoid(std::span<float> x) {
  for (float& value : x) value = sigmoid_of(value);
}

void d_sigmoid(std::span<const float> y, std::span<float> dy) {
  FED_CHECK(y.size() == dy.size());
  for (std::size_t i = 0; i < y.size(); ++i) dy[i] *= y[i] * (1.0f - y[i]);
}

}  // namespace fed::tensor
