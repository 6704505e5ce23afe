// Column sums as integers, against sums of the same numbers in wider arithmetic.
#include "coding/statistics_codec.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "base/random.h"
#include "secagg/packing.h"

namespace fed::coding {
namespace {

// As a server adds: packed vectors, modulo 2^b.
secagg::Words sum_of(const StatisticsCodec& codec,
                     const std::vector<std::vector<double>>& messages) {
  secagg::Words sum = secagg::zero_words(codec.modulus_bits(), codec.length());
  for (const auto& message : messages) {
    const secagg::Words words = codec.encode(message).value();
    secagg::add_packed(secagg::pack(words, codec.modulus_bits()), codec.modulus_bits(), sum);
  }
  return sum;
}

// Of any magnitude that a column may have, and of either sign.
double any_number(Random& random) {
  const double magnitude = std::ldexp(random.uniform(), static_cast<int>(random.below(130)) - 60);
  return random.below(2) == 0 ? magnitude : -magnitude;
}

TEST_CASE("one site's numbers come back as they were") {
  const StatisticsCodec codec(8, 1);
  const std::vector<double> numbers{0,       1,        -1,   0x1.fffffffffffffp94,
                                    0x1p-96, -0x1p-60, 1e-9, -123456789.123456789};
  CHECK(codec.decode(sum_of(codec, {numbers})) == numbers);
}

TEST_CASE("what is below the unit is cut off") {
  const StatisticsCodec codec(2, 1);
  CHECK(codec.decode(sum_of(codec, {{0x1p-97, -0x1.8p-96}})) == std::vector<double>{0, -0x1p-96});
}

TEST_CASE("the totals of a thousand sites are those of wider arithmetic") {
  Random random(3);
  const StatisticsCodec codec(5, 1000);
  std::vector<std::vector<double>> messages(1000, std::vector<double>(5));
  std::vector<long double> totals(5), magnitudes(5);
  for (auto& message : messages) {
    for (std::size_t i = 0; i < 5; ++i) {
      message[i] = any_number(random);
      totals[i] += message[i];
      magnitudes[i] += std::fabs(message[i]);
    }
  }
  const std::vector<double> decoded = codec.decode(sum_of(codec, messages));
  for (std::size_t i = 0; i < 5; ++i) {
    CHECK(std::fabs(decoded[i] - totals[i]) <= 1e-15L * magnitudes[i]);
  }
}

TEST_CASE("large numbers that cancel leave the small ones exactly") {
  const StatisticsCodec codec(1, 3);
  CHECK(codec.decode(sum_of(codec, {{0x1p90}, {0.1}, {-0x1p90}})) == std::vector<double>{0.1});
  CHECK(codec.decode(sum_of(codec, {{0x1p90}, {-0.1}, {-0x1p90}})) == std::vector<double>{-0.1});
}

TEST_CASE("the largest numbers of as many sites as allowed do not wrap") {
  const StatisticsCodec codec(1, 255);
  const double most = 0x1.fffffffffffffp94;
  CHECK(codec.decode(sum_of(codec, std::vector(255, std::vector{most})))[0] == 255 * most);
  CHECK(codec.decode(sum_of(codec, std::vector(255, std::vector{-most})))[0] == -255 * most);
}

TEST_CASE("a number that no digits hold is refused") {
  const StatisticsCodec codec(1, 3);
  for (const double value : {0x1p95, -0x1p95, std::numeric_limits<double>::infinity(),
                             std::numeric_limits<double>::quiet_NaN()}) {
    CHECK(codec.encode(std::vector{value}).error().code == ErrorCode::invalid);
  }
}

}  // namespace
}  // namespace fed::coding
