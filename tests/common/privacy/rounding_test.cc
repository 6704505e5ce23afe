#include "privacy/rounding.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "must.h"

namespace fed::privacy {
namespace {

const RoundedNorm kAnyLength{.l2_squared_max = ~std::uint64_t{0}};

std::vector<std::int64_t> rounded(const std::vector<float>& values, double steps_per_unit,
                                  const RoundedNorm& norm, RandomSource& source) {
  std::vector<std::int64_t> steps(values.size());
  const Status done = round_conditionally(values, steps_per_unit, norm, source, steps);
  if (done.has_error()) FAIL(done.error().detail);
  return steps;
}

std::uint64_t squared(const std::vector<std::int64_t>& steps) {
  std::uint64_t sum = 0;
  for (std::int64_t step : steps) sum += static_cast<std::uint64_t>(step * step);
  return sum;
}

TEST_CASE("a number becomes one of its two neighbours, in the mean itself") {
  const std::vector<float> values{0.25F, -0.25F, 1.75F, -3.5F, 0.001F, 100.125F};
  RandomSource source = RandomSource::seeded(31);
  constexpr int kRounds = 20000;
  std::vector<double> means(values.size());
  for (int round = 0; round < kRounds; ++round) {
    const auto steps = rounded(values, 10, kAnyLength, source);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double exact = 10.0 * static_cast<double>(values[i]);
      REQUIRE(std::abs(static_cast<double>(steps[i]) - exact) < 1);
      means[i] += static_cast<double>(steps[i]) / kRounds;
    }
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double exact = 10.0 * static_cast<double>(values[i]);
    // Five standard deviations of at most a half.
    CHECK(std::abs(means[i] - exact) < 2.5 / std::sqrt(kRounds));
  }
}

TEST_CASE("whole numbers stay, and cost no coin") {
  RandomSource source = RandomSource::scripted({});
  CHECK(rounded({1, -2, 0, 1000}, 3, kAnyLength, source) ==
        std::vector<std::int64_t>{3, -6, 0, 3000});
  CHECK(rounded({}, 3, kAnyLength, source).empty());
}

TEST_CASE("the place between two steps is compared with one word") {
  const std::uint64_t quarter = std::uint64_t{1} << 62;
  for (const auto& [word, expected] :
       std::vector<std::pair<std::uint64_t, std::int64_t>>{{quarter - 1, 3}, {quarter, 2}}) {
    RandomSource up = RandomSource::scripted(std::span(&word, 1));
    CHECK(rounded({2.25F}, 1, kAnyLength, up).front() == expected);
    // Minus 2.75 is a quarter above minus 3.
    RandomSource negative = RandomSource::scripted(std::span(&word, 1));
    CHECK(rounded({-2.75F}, 1, kAnyLength, negative).front() == expected - 5);
  }
}

TEST_CASE("a number just below zero is zero, and hardly ever minus one") {
  RandomSource source = RandomSource::seeded(2);
  for (int i = 0; i < 100; ++i) {
    CHECK(rounded({-1e-30F}, 1, kAnyLength, source).front() == 0);
    CHECK(rounded({1e-30F}, 1, kAnyLength, source).front() == 0);
  }
}

TEST_CASE("a vector that came out too long is rounded again") {
  const std::vector<float> values(100, 0.5F);
  RandomSource source = RandomSource::seeded(5);
  const RoundedNorm norm = must(rounded_norm(5, 100, 0.5));
  REQUIRE(norm.l2_squared_max < 100);
  const RoundedNorm half{.l2_squared_max = 50};
  int longer = 0;
  for (int i = 0; i < 200; ++i) {
    CHECK(squared(rounded(values, 1, norm, source)) <= norm.l2_squared_max);
    CHECK(squared(rounded(values, 1, half, source)) <= 50);
    longer += squared(rounded(values, 1, kAnyLength, source)) > 50 ? 1 : 0;
  }
  CHECK(longer > 50);
}

TEST_CASE("a vector that was not clipped is refused") {
  RandomSource source = RandomSource::seeded(5);
  std::vector<std::int64_t> steps(2);
  const std::vector<float> values{3, 4};
  CHECK(
      round_conditionally(values, 1, RoundedNorm{.l2_squared_max = 25}, source, steps).has_value());
  CHECK(refusal(round_conditionally(values, 1, RoundedNorm{.l2_squared_max = 24}, source, steps))
            .find("longer") != std::string::npos);
}

TEST_CASE("values that no grid holds are refused by their place") {
  RandomSource source = RandomSource::seeded(5);
  std::vector<std::int64_t> steps(3);
  for (float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                    -std::numeric_limits<float>::infinity(), 2147483648.0F, -2147483648.0F}) {
    const std::vector<float> values{1, 2, bad};
    CHECK(refusal(round_conditionally(values, 1, kAnyLength, source, steps)).find("coordinate 2") !=
          std::string::npos);
  }
  const std::vector<float> values{1, 2, 3};
  CHECK(!refusal(round_conditionally(values, 1e10, kAnyLength, source, steps)).empty());
}

TEST_CASE("the l1 norm after rounding is within its bound, and mostly so at once") {
  RandomSource source = RandomSource::seeded(32);
  constexpr std::uint64_t kDimension = 400;
  // All halves: the norm spreads as far as it can.
  const std::vector<float> values(kDimension, 0.5F);
  const std::uint64_t most = must(rounded_l1(200, kDimension, std::exp(-0.5)));
  CHECK(most == 210);  // 200 + sqrt(400) / 2
  std::vector<std::int64_t> steps(kDimension);
  int longer = 0;
  for (int round = 0; round < 300; ++round) {
    REQUIRE(round_conditionally(values, 1, RoundedLimit{.l1_max = most}, source, steps));
    std::uint64_t sum = 0;
    for (const std::int64_t step : steps) sum += static_cast<std::uint64_t>(std::abs(step));
    REQUIRE(sum <= most);
    REQUIRE(round_conditionally(values, 1, RoundedLimit{}, source, steps));
    sum = 0;
    for (const std::int64_t step : steps) sum += static_cast<std::uint64_t>(std::abs(step));
    if (sum > most) ++longer;
  }
  CHECK(longer < 300 * std::exp(-0.5));
  CHECK(longer > 0);
  // With certainty, and for few coordinates.
  CHECK(must(rounded_l1(200, kDimension, 0)) == 600);
  CHECK(must(rounded_l1(7.5, 1, std::exp(-0.5))) == 8);
  for (const auto& [clip, beta] :
       {std::pair{0.0, 0.5}, {-1.0, 0.5}, {NAN, 0.5}, {1e16, 0.5}, {1.0, 1.0}, {1.0, -0.1}}) {
    CHECK(rounded_l1(clip, 10, beta).has_error());
  }
}

TEST_CASE("a vector that was not clipped to its l1 norm is never given") {
  RandomSource source = RandomSource::seeded(33);
  const std::vector<float> values(10, 3.0F);
  std::vector<std::int64_t> steps(10);
  CHECK(round_conditionally(values, 1, RoundedLimit{.l1_max = 29}, source, steps).has_error());
  CHECK(round_conditionally(values, 1, RoundedLimit{.l1_max = 30}, source, steps).has_value());
}

}  // namespace
}  // namespace fed::privacy
