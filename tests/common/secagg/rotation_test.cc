#include "secagg/rotation.h"

#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <set>

#include "secagg/stream.h"
#include "world.h"

namespace fed::secagg {
namespace {

crypto::Wiped<32> key(std::uint64_t seed) {
  crypto::Wiped<32> made;
  seeded(seed, "rotation")(made.span());
  return made;
}

double norm(const std::vector<float>& values) {
  double sum = 0;
  for (float value : values) sum += double{value} * value;
  return std::sqrt(sum);
}

// H[i][j] is the parity of the bits that i and j share.
TEST_CASE("a rotation is Sylvester's matrix over random signs") {
  const std::size_t size = 16;
  const auto seed = key(1);
  Stream signs(seed.view());
  const std::uint64_t bits = signs.next();
  for (std::size_t j = 0; j < size; ++j) {
    std::vector<float> unit(size);
    unit[j] = 1;
    const auto column = rotate(unit, seed.view());
    for (std::size_t i = 0; i < size; ++i) {
      const bool negative = (std::popcount(i & j) + static_cast<int>(bits >> j & 1)) % 2 == 1;
      CHECK(column[i] == (negative ? -0.25f : 0.25f));
    }
  }
}

TEST_CASE("rotating back gives what was rotated, for every length, and the norm stays") {
  for (std::size_t length : {1u, 2u, 3u, 17u, 64u, 100u, 1000u}) {
    std::vector<float> values(length);
    for (std::size_t i = 0; i < length; ++i) values[i] = static_cast<float>(i % 7) - 3.0f;
    const auto rotated = rotate(values, key(length).view());
    CHECK(rotated.size() == std::bit_ceil(length));
    CHECK(norm(rotated) == Approx(norm(values)));
    const std::vector<double> wide(rotated.begin(), rotated.end());
    const auto back = rotate_back(wide, length, key(length).view());
    REQUIRE(back.size() == length);
    for (std::size_t i = 0; i < length; ++i) CHECK(back[i] == Approx(values[i]).margin(1e-5));
  }
}

TEST_CASE("the worst vector is spread below the bound") {
  std::vector<float> spike(3000);
  spike[1234] = 1;
  std::vector<float> half(3000, 1 / std::sqrt(3000.0f));
  const double bound = rotated_coordinate_max(3000, 1e-6);
  CHECK(bound < 0.11);
  for (const auto& values : {spike, half}) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      for (float value : rotate(values, key(seed).view())) REQUIRE(std::abs(value) <= bound);
    }
  }
  CHECK(rotated_coordinate_max(1, 1e-6) == 1);
}

TEST_CASE("a random support has k different places in order, each set equally often") {
  std::map<std::vector<std::uint64_t>, int> counts;
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    const auto support = random_support(5, 2, key(seed).view());
    REQUIRE(support.size() == 2);
    REQUIRE((support[0] < support[1] && support[1] < 5));
    ++counts[support];
  }
  REQUIRE(counts.size() == 10);
  double chi_square = 0;
  for (const auto& [set, count] : counts) chi_square += (count - 200.0) * (count - 200.0) / 200;
  CHECK(chi_square < 35);  // 9 degrees of freedom: once in 16,000 cases
  CHECK(random_support(4, 4, key(1).view()) == std::vector<std::uint64_t>{0, 1, 2, 3});
  CHECK(random_support(4, 0, key(1).view()).empty());
}

TEST_CASE("gathering and scattering is right on average") {
  const std::vector<float> values{1, 2, 3, 4, 5};
  std::vector<double> mean(5);
  const int runs = 4000;
  for (int run = 0; run < runs; ++run) {
    const auto support = random_support(5, 2, key(static_cast<std::uint64_t>(run)).view());
    const auto gathered = gather(values, support);
    const std::vector<double> wide(gathered.begin(), gathered.end());
    const auto full = scatter(wide, support, 5);
    for (std::size_t i = 0; i < 5; ++i) mean[i] += full[i] / runs;
  }
  for (std::size_t i = 0; i < 5; ++i) CHECK(mean[i] == Approx(values[i]).epsilon(0.1));
}

}  // namespace
}  // namespace fed::secagg
