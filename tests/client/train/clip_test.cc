// Clipping, judged as the server judges it.
#include "train/clip.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "base/random.h"
#include "tensor/statistics.h"

namespace {

using fed::train::clip;

// The norm that the server works out while the update comes in.
double norm_at_server(const std::vector<float>& x) {
  fed::tensor::RunningStatistics statistics;
  statistics.update(x);
  return std::sqrt(statistics.finish().sum_of_squares);
}

std::vector<float> random_vector(std::size_t size, double scale, std::uint64_t seed) {
  fed::Random random(seed);
  std::vector<float> x(size);
  for (float& value : x) value = static_cast<float>(random.normal() * scale);
  return x;
}

TEST_CASE("clip: a short vector stays as it is, to the bit") {
  const auto before = random_vector(100, 0.01, 1);
  auto x = before;
  CHECK(clip(x, 1) == Approx(norm_at_server(before)));
  CHECK(x == before);
  std::vector<float> zeros(7, 0.0F);
  CHECK(clip(zeros, 1e-6) == 0);
  CHECK(zeros == std::vector<float>(7, 0.0F));
}

TEST_CASE("clip: a long vector has the norm afterwards, never more, and the same direction") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    CAPTURE(seed);
    const double norm = std::ldexp(1.0, static_cast<int>(seed % 30) - 15) * 0.7;
    const auto before = random_vector(1 + seed * 37 % 5000, norm * 100, seed);
    auto x = before;
    const double length = clip(x, norm);
    if (length <= norm) continue;
    const double after = norm_at_server(x);
    CHECK(after <= norm);
    CHECK(after >= norm * (1 - 1e-5));
    for (std::size_t i = 0; i < x.size(); i += 17) {
      const double expected = static_cast<double>(before[i]) * norm / length;
      CHECK(static_cast<double>(x[i]) == Approx(expected).epsilon(1e-5));
    }
  }
}

TEST_CASE("clip: a vector of exactly the norm is within it afterwards") {
  std::vector<float> x = {3, 4};
  clip(x, 5);
  CHECK(norm_at_server(x) <= 5);
  CHECK(x[1] == Approx(4).epsilon(1e-5));
  std::vector<float> huge(1000, 3e38F);
  clip(huge, 1);
  CHECK(norm_at_server(huge) <= 1);
  CHECK(norm_at_server(huge) > 0.999);
}

}  // namespace
