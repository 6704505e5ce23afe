#include "tensor/kernels.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <thread>
#include <vector>

#include "base/random.h"
#include "tensor/vector.h"

namespace fed::tensor {
namespace {

Floats random_floats(std::size_t size, std::uint64_t seed) {
  Random random(seed);
  Floats values(size);
  for (float& value : values) value = static_cast<float>(random.normal());
  return values;
}

// Element (row, column) of a matrix or of its transpose.
double element(const Floats& matrix, Transpose transpose, std::int64_t rows, std::int64_t columns,
               std::int64_t row, std::int64_t column) {
  const std::int64_t at =
      transpose == Transpose::yes ? column * rows + row : row * columns + column;
  return static_cast<double>(matrix[static_cast<std::size_t>(at)]);
}

TEST_CASE("gemm agrees with three loops, for every transpose, shape and beta") {
  const auto ta = GENERATE(Transpose::no, Transpose::yes);
  const auto tb = GENERATE(Transpose::no, Transpose::yes);
  const GemmShape shape = GENERATE(GemmShape{1, 1, 1}, GemmShape{3, 4, 5}, GemmShape{17, 1, 9},
                                   GemmShape{1, 33, 8}, GemmShape{4, 6, 0});
  const float beta = GENERATE(0.0f, 0.5f);
  const auto [m, n, k] = shape;
  const Floats a = random_floats(static_cast<std::size_t>(m * k), 1);
  const Floats b = random_floats(static_cast<std::size_t>(k * n), 2);
  const Floats before = random_floats(static_cast<std::size_t>(m * n), 3);
  Floats c = before;
  gemm(ta, tb, shape, 1.5f, a, b, beta, c);
  for (std::int64_t i = 0; i < m; ++i) {
    for (std::int64_t j = 0; j < n; ++j) {
      double sum = 0;
      for (std::int64_t l = 0; l < k; ++l) {
        sum += element(a, ta, m, k, i, l) * element(b, tb, k, n, l, j);
      }
      const auto at = static_cast<std::size_t>(i * n + j);
      const double expected = 1.5 * sum + static_cast<double>(beta * before[at]);
      CHECK(static_cast<double>(c[at]) == Approx(expected).margin(1e-5));
    }
  }
}

TEST_CASE("gemm does not read a result that beta leaves out") {
  const Floats a{1, 2}, b{3, 4};
  Floats c{std::numeric_limits<float>::quiet_NaN()};
  gemm(Transpose::no, Transpose::no, {1, 1, 2}, 1, a, b, 0, c);
  CHECK(c[0] == 11);
}

TEST_CASE("gram adds up tiles to the products of all pairs of rows") {
  const std::vector<double> left{1, 2, 3, 4}, right{5, 6};  // two rows, cut into tiles of 2 and 1
  std::vector<double> c(4, 0.0);
  c[2] = -7;  // below the diagonal: untouched
  gram(2, 2, left, c);
  gram(2, 1, right, c);
  CHECK(c == std::vector<double>{1 + 4 + 25, 3 + 8 + 30, -7, 9 + 16 + 36});
}

TEST_CASE("axpy, daxpy and scale") {
  const Floats x{1, -2, 3};
  Floats y{10, 20, 30};
  axpy(2, x, y);
  CHECK(y == Floats{12, 16, 36});
  scale(-0.5f, y);
  CHECK(y == Floats{-6, -8, -18});
  const Doubles u{1, 0x1p-40};
  Doubles v{1, 1};
  daxpy(3, u, v);
  CHECK(v == Doubles{4, 1 + 3 * 0x1p-40});
}

TEST_CASE("dot sums in doubles, whatever the length") {
  for (std::size_t size = 0; size < 40; ++size) {
    const Floats x = random_floats(size, size), y = random_floats(size, size + 100);
    double expected = 0;
    for (std::size_t i = 0; i < size; ++i) {
      expected += static_cast<double>(x[i]) * static_cast<double>(y[i]);
    }
    CHECK(dot(x, y) == Approx(expected).epsilon(1e-14).margin(1e-14));
  }
  const Floats tenths(10'000'000, 0.1f);
  const double square = static_cast<double>(0.1f) * static_cast<double>(0.1f);
  CHECK(dot(tenths, tenths) == Approx(1e7 * square).epsilon(1e-10));
}

using Forward = void (*)(std::span<float>);
using Backward = void (*)(std::span<const float>, std::span<float>);

struct Pair {
  Forward forward;
  Backward backward;
  double (*formula)(double);
};

TEST_CASE("activations agree with their formula, and derivatives with its differences") {
  const Pair pair =
      GENERATE(Pair{relu, d_relu, [](double x) { return std::max(x, 0.0); }},
               Pair{tanh, d_tanh, [](double x) { return std::tanh(x); }},
               Pair{sigmoid, d_sigmoid, [](double x) { return 1 / (1 + std::exp(-x)); }});
  for (const float x : {-30.0f, -3.0f, -0.7f, -0.1f, 0.2f, 1.0f, 4.0f, 30.0f}) {
    Floats y{x}, dy{3};
    pair.forward(y);
    CHECK(static_cast<double>(y[0]) == Approx(pair.formula(static_cast<double>(x))).epsilon(1e-6));
    pair.backward(y, dy);
    const double h = 1e-5, at = static_cast<double>(x);
    const double slope = (pair.formula(at + h) - pair.formula(at - h)) / (2 * h);
    CHECK(static_cast<double>(dy[0]) == Approx(3 * slope).epsilon(1e-4).margin(1e-6));
  }
}

TEST_CASE(
    "tanh and sigmoid are within two units in the last place, from the smallest to the largest") {
  Floats x;
  for (float magnitude = 1e-30f; magnitude < 1e4f; magnitude *= 1.003f) {
    x.push_back(magnitude);
    x.push_back(-magnitude);
  }
  Floats tanh_x = x, sigmoid_x = x;
  tanh(tanh_x);
  sigmoid(sigmoid_x);
  double worst = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const auto at = static_cast<double>(x[i]);
    const double t = std::tanh(at), s = 1 / (1 + std::exp(-at));
    worst = std::max(worst, std::abs(static_cast<double>(tanh_x[i]) - t) / std::abs(t));
    if (s < 1e-37) continue;  // denormal, or flushed to 0
    worst = std::max(worst, std::abs(static_cast<double>(sigmoid_x[i]) - s) / s);
  }
  CHECK(worst < 2 * 0x1p-23);
}

TEST_CASE("activations do not depend on where in a vector a number stands") {
  const Floats x = random_floats(37, 5);
  for (const Forward forward : {Forward{relu}, Forward{tanh}, Forward{sigmoid}}) {
    Floats together = x;
    forward(together);
    for (std::size_t i = 0; i < x.size(); ++i) {
      Floats alone{x[i]};
      forward(alone);
      CHECK(alone[0] == together[i]);
    }
  }
}

TEST_CASE("activations stay finite at the ends, and keep NaN") {
  Floats ends{-3e38f, 3e38f};
  sigmoid(ends);
  CHECK(ends == Floats{0, 1});
  ends = {-3e38f, 3e38f};
  tanh(ends);
  CHECK(ends == Floats{-1, 1});
  for (const Forward forward : {Forward{relu}, Forward{tanh}, Forward{sigmoid}}) {
    Floats nan{std::numeric_limits<float>::quiet_NaN()};
    forward(nan);
    CHECK(std::isnan(nan[0]));
  }
  Floats zero{0}, dy{5};
  relu(zero);
  d_relu(zero, dy);
  CHECK(dy[0] == 0);
}

#if defined(__SSE2__)
TEST_CASE("denormals are flushed on the thread that asks, and on no other") {
  volatile float small = 1e-38f;
  float flushed = 1;
  std::thread([&] {
    flush_denormals();
    flushed = small * 0.1f;
  }).join();
  CHECK(flushed == 0);
  CHECK(small * 0.1f > 0);
}
#endif

}  // namespace
}  // namespace fed::tensor
