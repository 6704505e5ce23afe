// The figures of common/privacy/README.md, for whoever wants to see them here: test_privacy
// "[speed]". Hidden otherwise; nothing is asserted about time.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdio>
#include <ctime>
#include <string>
#include <vector>

#include "must.h"
#include "privacy/bernoulli.h"
#include "privacy/calibrate.h"
#include "privacy/discrete_gaussian.h"
#include "privacy/discrete_laplace.h"
#include "privacy/rounding.h"

namespace fed::privacy {
namespace {

// The best of five runs, in seconds of the processor.
template <class Function>
double seconds(Function&& function) {
  double best = 1e9;
  for (int run = 0; run < 5; ++run) {
    const std::clock_t start = std::clock();
    function();
    best = std::min(best, static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
  }
  return best;
}

void print_rate(const std::string& what, std::size_t n, double spent) {
  std::printf("%-40s %7.1f million a second\n", what.c_str(), static_cast<double>(n) / spent / 1e6);
}

TEST_CASE("draws a second", "[.speed]") {
  constexpr std::size_t kDraws = 1000000;
  RandomSource source;
  std::vector<std::int64_t> draws(kDraws);
  for (const Fraction& variance : {Fraction{1, 1}, {4, 1}, {10000, 1}, {152399027, 1000000}}) {
    const DiscreteGaussian noise = must(DiscreteGaussian::with_variance(variance));
    print_rate("discrete Gaussian, variance " + std::to_string(variance.value()), kDraws,
               seconds([&] { noise.fill(draws, source); }));
  }
  const DiscreteLaplace laplace = must(DiscreteLaplace::with_scale({100, 1}));
  print_rate("discrete Laplace, scale 100", kDraws, seconds([&] {
               for (std::int64_t& draw : draws) draw = laplace.draw(source);
             }));
  std::uint64_t heads = 0;
  print_rate("coin of a cohort, 1/25", kDraws, seconds([&] {
               for (std::size_t i = 0; i < kDraws; ++i) heads += bernoulli({1, 25}, source);
             }));
  const std::vector<float> values(kDraws, 0.3F);
  const RoundedNorm norm{.l2_squared_max = ~std::uint64_t{0}};
  print_rate("rounding, one try", kDraws, seconds([&] {
               REQUIRE(round_conditionally(values, 1, norm, source, draws).has_value());
             }));
  print_rate("words of randomness", kDraws, seconds([&] {
               for (std::size_t i = 0; i < kDraws; ++i) heads ^= source.word();
             }));
  CHECK(heads != 0);
}

TEST_CASE("questions a second", "[.speed]") {
  const double epsilon = seconds([] { must(epsilon_for(1.5, 1e-5, 0.04, 2250)); });
  const double noise = seconds([] { must(noise_multiplier_for(8, 1e-5, 0.04, 2250)); });
  std::printf("epsilon of a noise multiplier %.1f ms, the other way %.0f ms\n", 1e3 * epsilon,
              1e3 * noise);
  CHECK(epsilon > 0);
}

}  // namespace
}  // namespace fed::privacy
