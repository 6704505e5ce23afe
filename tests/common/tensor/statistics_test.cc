#include "tensor/statistics.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "base/random.h"
#include "tensor/vector.h"

namespace fed::tensor {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

Floats random_floats(std::size_t size, std::uint64_t seed) {
  Random random(seed);
  Floats values(size);
  for (float& value : values) value = static_cast<float>(random.normal());
  return values;
}

TEST_CASE("statistics agree with plain loops for every length") {
  for (std::size_t size = 0; size < 70; ++size) {
    const Floats x = random_floats(size, size);
    long double sum = 0;
    float largest = 0;
    for (const float value : x) {
      sum += static_cast<long double>(value) * static_cast<long double>(value);
      largest = std::max(largest, std::abs(value));
    }
    const Statistics found = statistics(x);
    CHECK(found.sum_of_squares == Approx(static_cast<double>(sum)).epsilon(1e-14).margin(1e-300));
    CHECK(found.max_abs == largest);
    CHECK(found.finite);
  }
}

TEST_CASE("ten million equal values sum up right") {
  const Floats x(10'000'000, 0.1f);
  const double square = static_cast<double>(0.1f) * static_cast<double>(0.1f);
  CHECK(sum_of_squares(x) == Approx(1e7 * square).epsilon(1e-10));
}

TEST_CASE("a value that is not finite is seen wherever it stands") {
  for (const float bad : {infinity, -infinity, not_a_number, -not_a_number}) {
    for (const std::size_t size : {1u, 15u, 16u, 17u, 50u}) {
      for (std::size_t at = 0; at < size; ++at) {
        CAPTURE(bad, size, at);
        Floats x(size, 1.0f);
        x[at] = bad;
        CHECK_FALSE(all_finite(x));
        RunningStatistics running;
        running.update(std::span<const float>(x).first(at));
        CHECK(running.finish().finite);
        running.update(std::span<const float>(x).subspan(at));
        CHECK_FALSE(running.finish().finite);
      }
    }
  }
}

TEST_CASE("the largest floats do not overflow") {
  const Floats x(1000, std::numeric_limits<float>::lowest());
  CHECK(all_finite(x));
  CHECK(max_abs(x) == std::numeric_limits<float>::max());
}

TEST_CASE("running statistics have the same bits however the vector is cut") {
  const Floats x = random_floats(1000, 5);
  const Statistics whole = statistics(x);
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    Random random(seed);
    RunningStatistics running;
    for (std::span<const float> rest = x; !rest.empty();) {
      const std::size_t count = std::min<std::size_t>(rest.size(), random.below(70));
      running.update(rest.first(count));
      rest = rest.subspan(count);
    }
    CHECK(running.finish() == whole);
    CHECK(running.count() == x.size());
  }
}

TEST_CASE("merged statistics are those of both stretches") {
  const Floats x = random_floats(100, 6);
  const std::span<const float> all = x;
  const Statistics merged = merge(statistics(all.first(37)), statistics(all.subspan(37)));
  CHECK(merged.sum_of_squares == Approx(statistics(all).sum_of_squares).epsilon(1e-14));
  CHECK(merged.max_abs == max_abs(all));
  CHECK_FALSE(merge(merged, statistics(Floats{infinity})).finite);
  CHECK(merge(merged, {}) == merged);
}

}  // namespace
}  // namespace fed::tensor
