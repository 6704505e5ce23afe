#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <vector>

#include "must.h"
#include "privacy/discrete_gaussian.h"
#include "privacy/discrete_laplace.h"

namespace fed::privacy {
namespace {

using Mass = std::vector<double>;  // of -kFar to kFar
constexpr std::int64_t kFar = 400;

template <class LogMass>
Mass normalized(LogMass log_mass) {
  Mass mass;
  double sum = 0;
  for (std::int64_t x = -kFar; x <= kFar; ++x) {
    mass.push_back(std::exp(log_mass(static_cast<double>(x))));
    sum += mass.back();
  }
  for (double& p : mass) p /= sum;
  return mass;
}

Mass gaussian_mass(double variance) {
  return normalized([=](double x) { return -x * x / (2 * variance); });
}
Mass laplace_mass(double scale) {
  return normalized([=](double x) { return -std::abs(x) / scale; });
}
double at(const Mass& mass, std::int64_t x) { return mass[static_cast<std::size_t>(x + kFar)]; }

struct Fit {
  double chi_square = 0;
  int cells = 0;
  // The chance of more is below 1e-5 (Wilson and Hilferty 1931).
  bool good() const {
    const double freedom = cells - 1;
    const double cube = 1 - 2 / (9 * freedom) + 4.265 * std::sqrt(2 / (9 * freedom));
    return chi_square < freedom * cube * cube * cube;
  }
};

// Chi-square of draws against a mass function; cells of less than 20 expected draws are joined with
// the tail beyond them.
template <class Noise>
Fit fit(const Noise& noise, const Mass& mass, int draws, std::uint64_t seed) {
  RandomSource source = RandomSource::seeded(seed);
  std::vector<int> counts(mass.size());
  for (int i = 0; i < draws; ++i) {
    const std::int64_t x = noise.draw(source);
    REQUIRE(std::abs(x) <= kFar);
    ++counts[static_cast<std::size_t>(x + kFar)];
  }
  Fit result;
  double expected = 0;
  double counted = 0;
  const auto close_cell = [&] {
    result.chi_square += (counted - expected) * (counted - expected) / expected;
    ++result.cells;
    expected = counted = 0;
  };
  for (std::size_t i = 0; i < mass.size(); ++i) {
    expected += mass[i] * draws;
    counted += counts[i];
    if (expected >= 20) close_cell();
  }
  if (expected > 1e-9) close_cell();
  return result;
}

DiscreteGaussian gaussian(Fraction variance) {
  return must(DiscreteGaussian::with_variance(variance));
}
DiscreteLaplace laplace(Fraction scale) { return must(DiscreteLaplace::with_scale(scale)); }

TEST_CASE("the mass functions of these tests are those of the tables") {
  CHECK(at(gaussian_mass(1), 0) == Approx(0.3989422783).epsilon(1e-9));
  CHECK(at(gaussian_mass(1), 1) == Approx(0.2419707232).epsilon(1e-9));
  CHECK(at(gaussian_mass(1), -1) == at(gaussian_mass(1), 1));
  CHECK(at(gaussian_mass(4), 0) == Approx(0.1994711402).epsilon(1e-9));
  CHECK(at(gaussian_mass(4), 1) == Approx(0.1760326634).epsilon(1e-9));
  // The discrete Laplace is (e^(1/t) - 1) / (e^(1/t) + 1) exp(-|x|/t).
  CHECK(at(laplace_mass(2), 0) == Approx(std::tanh(0.25)).epsilon(1e-12));
  CHECK(at(laplace_mass(2), 3) == Approx(std::tanh(0.25) * std::exp(-1.5)).epsilon(1e-12));
}

TEST_CASE("draws follow the discrete Gaussian's mass function") {
  for (const Fraction& variance :
       {Fraction{1, 1}, {4, 1}, {1, 4}, {2, 3}, {9, 1}, {514229, 8192}}) {
    CAPTURE(variance.numerator, variance.denominator);
    const Fit result = fit(gaussian(variance), gaussian_mass(variance.value()), 60000, 17);
    CAPTURE(result.chi_square, result.cells);
    CHECK(result.good());
  }
}

TEST_CASE("draws follow the discrete Laplace's mass function") {
  for (const Fraction& scale : {Fraction{1, 1}, {2, 1}, {1, 2}, {7, 3}, {20, 1}}) {
    CAPTURE(scale.numerator, scale.denominator);
    const Fit result = fit(laplace(scale), laplace_mass(scale.value()), 60000, 18);
    CAPTURE(result.chi_square, result.cells);
    CHECK(result.good());
  }
}

TEST_CASE("the measure of fit tells distributions apart that differ by little") {
  CHECK_FALSE(fit(gaussian({1, 1}), gaussian_mass(1.05), 60000, 17).good());
  CHECK_FALSE(fit(gaussian({4, 1}), gaussian_mass(3.85), 60000, 17).good());
  CHECK_FALSE(fit(laplace({2, 1}), laplace_mass(2.07), 60000, 18).good());
  CHECK_FALSE(fit(laplace({1, 1}), gaussian_mass(1.84), 60000, 18).good());
}

TEST_CASE("the same variance in other terms draws the same") {
  std::vector<std::int64_t> a(1000), b(1000);
  RandomSource first = RandomSource::seeded(4);
  RandomSource second = RandomSource::seeded(4);
  gaussian({3, 2}).fill(a, first);
  gaussian({300, 200}).fill(b, second);
  CHECK(a == b);
  CHECK(gaussian({300, 200}).variance() == Fraction{3, 2});
}

TEST_CASE("wide noise has its mean, variance and kurtosis") {
  // Up to the ends of the range: 2^28 for whole variances, steps of 2^-20 below 2^18.
  const std::uint64_t one = 1;
  for (const Fraction& variance :
       {Fraction{one << 40, 1}, {(one << 56) - 1000000000, 1}, {(one << 55) + 1, one << 20}}) {
    CAPTURE(variance.numerator, variance.denominator);
    constexpr int kDraws = 40000;
    std::vector<std::int64_t> draws(kDraws);
    RandomSource source = RandomSource::seeded(6);
    gaussian(variance).fill(draws, source);
    const double sigma = std::sqrt(variance.value());
    double mean = 0, square = 0, fourth = 0;
    for (std::int64_t draw : draws) {
      const double x = static_cast<double>(draw) / sigma;
      mean += x / kDraws;
      square += x * x / kDraws;
      fourth += x * x * x * x / kDraws;
    }
    // Five standard deviations: of variance 1, 2 and 96.
    CHECK(std::abs(mean) < 5 / std::sqrt(kDraws));
    CHECK(std::abs(square - 1) < 5 * std::sqrt(2.0 / kDraws));
    CHECK(std::abs(fourth - 3) < 5 * std::sqrt(96.0 / kDraws));
  }
}

TEST_CASE("noise far below a step is nearly always zero") {
  RandomSource source = RandomSource::seeded(8);
  const DiscreteGaussian quiet = gaussian({1, 1 << 20});
  for (int i = 0; i < 1000; ++i) CHECK(quiet.draw(source) == 0);
}

TEST_CASE("a variance out of range is refused with what is wrong") {
  const std::uint64_t one = 1;
  for (const Fraction& variance : {Fraction{0, 1}, {1, 0}}) {
    CHECK(refusal(DiscreteGaussian::with_variance(variance)).find("above 0") != std::string::npos);
  }
  for (const Fraction& variance : {Fraction{one << 56, 1},
                                   {~std::uint64_t{0}, 1},
                                   {1, (one << 56) + 1},
                                   {(one << 57) + 1, one << 20},
                                   {~std::uint64_t{0}, (one << 63) + 1}}) {
    CAPTURE(variance.numerator, variance.denominator);
    CHECK(refusal(DiscreteGaussian::with_variance(variance)).find("range") != std::string::npos);
  }
  CHECK(DiscreteGaussian::with_variance({1, one << 56}).has_value());
}

TEST_CASE("a scale out of range is refused with what is wrong") {
  const std::uint64_t one = 1;
  for (const Fraction& scale : {Fraction{0, 1}, {1, 0}}) {
    CHECK(refusal(DiscreteLaplace::with_scale(scale)).find("above 0") != std::string::npos);
  }
  for (const Fraction& scale : {Fraction{(one << 56) + 1, 1}, {1, (one << 56) + 1}}) {
    CHECK(refusal(DiscreteLaplace::with_scale(scale)).find("2^56") != std::string::npos);
  }
  CHECK(laplace({(one << 56) + 2, 2}).scale() == Fraction{(one << 55) + 1, 1});
  RandomSource source = RandomSource::seeded(2);
  double mean_size = 0;
  for (int i = 0; i < 2000; ++i) {
    mean_size += std::abs(static_cast<double>(laplace({one << 56, 1}).draw(source))) / 2000;
  }
  CHECK(mean_size == Approx(0x1p56).epsilon(0.1));
}

}  // namespace
}  // namespace fed::privacy
