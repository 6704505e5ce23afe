#include "privacy/distributed_gaussian.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "must.h"
#include "privacy/random_source.h"
#include "privacy/sampled_gaussian.h"

namespace fed::privacy {
namespace {

constexpr int kFar = 60;
using Mass = std::vector<long double>;  // of -kFar to kFar

Mass discrete_gaussian(double variance) {
  Mass mass;
  long double sum = 0;
  for (int x = -kFar; x <= kFar; ++x) {
    mass.push_back(std::exp(-static_cast<long double>(x) * x / (2 * variance)));
    sum += mass.back();
  }
  for (long double& p : mass) p /= sum;
  return mass;
}

Mass sum_of(const Mass& a, const Mass& b) {
  Mass sum(a.size());
  for (int x = -kFar; x <= kFar; ++x) {
    for (int y = std::max(-kFar, x - kFar); y <= std::min(kFar, x + kFar); ++y) {
      sum[static_cast<std::size_t>(x + kFar)] +=
          a[static_cast<std::size_t>(y + kFar)] * b[static_cast<std::size_t>(x - y + kFar)];
    }
  }
  return sum;
}

// The Renyi divergence between noise and noise that is `shift` steps away.
double divergence(const Mass& mass, int shift, double order) {
  long double sum = 0;
  for (std::size_t i = static_cast<std::size_t>(shift); i < mass.size(); ++i) {
    if (mass[i] < 1e-300L || mass[i - static_cast<std::size_t>(shift)] < 1e-300L) continue;
    sum += std::exp(order * std::log(mass[i]) +
                    (1 - order) * std::log(mass[i - static_cast<std::size_t>(shift)]));
  }
  return static_cast<double>(std::log(sum) / (order - 1));
}

double cost(const DistributedGaussian& mechanism, std::size_t i) {
  return must(distributed_gaussian_curve(mechanism)).values()[i];
}

TEST_CASE("the excess is the paper's sum") {
  constexpr double kPi2 = std::numbers::pi * std::numbers::pi;
  CHECK(convolution_excess(1, 1) == 0);
  CHECK(convolution_excess(1, 2) == Approx(10 * std::exp(-kPi2)).epsilon(1e-12));
  CHECK(convolution_excess(0.25, 3) ==
        Approx(10 * (std::exp(-kPi2 / 4) + std::exp(-kPi2 / 3))).epsilon(1e-12));
  double sum = 0;
  for (int k = 1; k < 100000; ++k) sum += 10 * std::exp(-2 * kPi2 * 0.5 * k / (k + 1));
  CHECK(convolution_excess(0.5, 100000) >= sum);
  CHECK(convolution_excess(0.5, 100000) == Approx(sum).epsilon(3e-3));
  CHECK(convolution_excess(100, 1000000) < 1e-300);
}

TEST_CASE("real sums of discrete Gaussians cost no more than the bound") {
  for (double variance : {0.25, 0.5, 1.0, 4.0}) {
    const Mass one = discrete_gaussian(variance);
    Mass sum = one;
    for (std::uint64_t n = 1; n <= 5; ++n) {
      if (n > 1) sum = sum_of(sum, one);
      for (int shift : {1, 3}) {
        const RdpCurve curve = must(distributed_gaussian_curve(
            {variance, n, 1, static_cast<double>(shift), static_cast<double>(shift)}));
        for (std::size_t i : {std::size_t{0}, std::size_t{9}, std::size_t{40}}) {
          CAPTURE(variance, n, shift, rdp_orders()[i]);
          CHECK(divergence(sum, shift, rdp_orders()[i]) <= curve.values()[i] * (1 + 1e-9));
        }
      }
    }
  }
}

TEST_CASE("with a variance above one step the bound is that of the continuous Gaussian") {
  const double l2 = 30;
  const RdpCurve curve = must(distributed_gaussian_curve({4, 100, 1000, l2, l2 * l2}));
  // A sum of variance 400 against a length of 30: a noise multiplier of 20/30.
  const RdpCurve continuous = must(sampled_gaussian_curve(1, 20.0 / 30));
  for (std::size_t i = 0; i < kRdpOrders; ++i) {
    CHECK(curve.values()[i] >= continuous.values()[i] * (1 - 1e-12));
    CHECK(curve.values()[i] == Approx(continuous.values()[i]).epsilon(1e-6));
  }
}

TEST_CASE("each of the three bounds is the least somewhere") {
  const std::size_t i = 40;  // order 5.1
  const double order = rdp_orders()[i];
  const auto parts = [&](const DistributedGaussian& m) {
    const double tau = convolution_excess(m.variance, m.survivors_min);
    const double s = static_cast<double>(m.survivors_min) * m.variance;
    const auto d = static_cast<double>(m.dimension);
    return std::vector<double>{
        order * m.l2 * m.l2 / (2 * s) + tau * d,
        order / 2 * (m.l2 * m.l2 / s + 2 * tau * m.l1 / std::sqrt(s) + tau * tau * d),
        order / 2 * std::pow(m.l2 / std::sqrt(s) + tau * std::sqrt(d), 2)};
  };
  const auto check = [&](const DistributedGaussian& m, std::size_t least) {
    const auto all = parts(m);
    CAPTURE(all[0], all[1], all[2]);
    CHECK(cost(m, i) == Approx(all[least]).epsilon(1e-12));
    for (std::size_t other = 0; other < 3; ++other) {
      if (other != least) CHECK(all[other] > all[least] * (1 + 1e-9));
    }
  };
  check({1, 100, 1, 200, 1e6}, 0);    // few coordinates, far apart
  check({1, 10, 10000, 30, 90}, 1);   // a short l1 norm
  check({1, 10, 10000, 1, 1000}, 2);  // many coordinates, close together
}

TEST_CASE("noise is for the fewest survivors: with fewer the cost is higher") {
  double last = std::numeric_limits<double>::infinity();
  for (std::uint64_t n : {1u, 2u, 5u, 20u, 100u}) {
    const double now = cost({4, n, 50, 10, 60}, 30);
    CHECK(now < last);
    last = now;
  }
}

TEST_CASE("rounding makes a vector longer by at most what the paper says") {
  // By hand: c = 10, d = 100, beta = exp(-1/2): 100 + 25 + 1 (10 + 5) = 140 against (10 + 10)^2.
  const RoundedNorm norm = must(rounded_norm(10, 100, std::exp(-0.5)));
  CHECK((norm.l2_squared_max == 140 || norm.l2_squared_max == 139));
  CHECK(norm.l2_max == std::sqrt(static_cast<double>(norm.l2_squared_max)));
  CHECK(norm.l1_max == Approx(norm.l2_max * 10).epsilon(1e-12));
  const RoundedNorm sure = must(rounded_norm(10, 100, 0));
  CHECK(sure.l2_squared_max == 400);
  // A small beta in few coordinates: the certain bound is the shorter one.
  CHECK(must(rounded_norm(3, 1, 1e-12)).l2_squared_max == 16);
  // Integers are at most their squares: a vector of squared length 4 has at most 4 ones.
  const RoundedNorm tiny = must(rounded_norm(1, 1, 0));
  CHECK(tiny.l2_squared_max == 4);
  CHECK(tiny.l1_max == 2);
  // 1/4 + 250000 + 500.5, far below the number of coordinates.
  const RoundedNorm sparse = must(rounded_norm(0.5, 1000000, std::exp(-0.5)));
  CHECK(sparse.l2_squared_max == 250500);
  CHECK(sparse.l1_max == Approx(250500).epsilon(1e-12));
}

TEST_CASE("at least 1 - beta of random roundings meet the bound") {
  RandomSource source = RandomSource::seeded(12);
  constexpr std::uint64_t kDimension = 400;
  constexpr int kRoundings = 400;
  const double beta = 0.6;
  const double clip = 3;
  const RoundedNorm norm = must(rounded_norm(clip, kDimension, beta));
  REQUIRE(norm.l2_squared_max < 22 * 22);
  // All coordinates 0.15: each becomes 1 with that probability.
  int met = 0;
  for (int i = 0; i < kRoundings; ++i) {
    std::uint64_t squared = 0;
    for (std::uint64_t j = 0; j < kDimension; ++j) squared += source.below(100) < 15 ? 1 : 0;
    met += squared <= norm.l2_squared_max ? 1 : 0;
  }
  CHECK(met >= (1 - beta) * kRoundings);
}

TEST_CASE("what is no sum of noises is refused with what is wrong") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (double variance : {0.0, 0.2499, -1.0, nan, std::numeric_limits<double>::infinity()}) {
    CHECK(refusal(distributed_gaussian_curve({variance, 2, 1, 1, 1})).find("1/4") !=
          std::string::npos);
  }
  CHECK(refusal(distributed_gaussian_curve({1, 0, 1, 1, 1})).find("survivors") !=
        std::string::npos);
  CHECK(refusal(distributed_gaussian_curve({1, 1, 0, 1, 1})).find("coordinates") !=
        std::string::npos);
  CHECK(refusal(distributed_gaussian_curve({1, 1, 1, -1, 1})).find("lengths") != std::string::npos);
  CHECK(refusal(distributed_gaussian_curve({1, 1, 1, 1, nan})).find("lengths") !=
        std::string::npos);
  for (double clip : {0.0, -1.0, nan}) CHECK(!refusal(rounded_norm(clip, 10, 0)).empty());
  for (double beta : {-0.1, 1.0, nan}) CHECK(!refusal(rounded_norm(1, 10, beta)).empty());
  CHECK(!refusal(rounded_norm(1, 0, 0)).empty());
  CHECK(refusal(rounded_norm(0x1p31, 10, 0)).find("too long") != std::string::npos);
}

}  // namespace
}  // namespace fed::privacy
