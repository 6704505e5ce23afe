#include "secagg/codec.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>

#include "secagg/packing.h"
#include "secagg/stream.h"
#include "secagg/terms.h"

namespace fed::secagg {
namespace {

crypto::Hash seed(std::uint64_t number) { return Transcript("test").add_number(number).finish(); }

CodecShape shape() {
  return {.coordinates = 100,
          .clip_norm = 2,
          .steps = 1 << 16,
          .weight_max = 500,
          .clients_max = 4,
          .measures = 2,
          .seed = seed(1)};
}

// Of a norm of about 0.6.
std::vector<float> update(std::uint64_t client) {
  const crypto::Hash key = seed(1000 + client);
  Stream stream{crypto::KeyView(key)};
  std::vector<float> values(100);
  for (float& value : values) value = static_cast<float>((stream.uniform() - 0.5) / 5);
  return values;
}

constexpr std::array<std::uint32_t, 4> kWeights{500, 1, 20, 300};

Words encoded(const Codec& codec, std::size_t client) {
  const double i = static_cast<double>(client);
  const std::vector<Measure> measures{{0.25 * i, static_cast<std::uint32_t>(10 * client)},
                                      {-0.5, client == 2 ? 0u : 7u}};
  const crypto::Hash secret = seed(2000 + client);
  return codec.encode(update(client), kWeights[client], measures, crypto::KeyView(secret)).value();
}

Words sum_of(const Codec& codec) {
  Words sum = zero_words(codec.modulus_bits(), codec.length());
  for (std::size_t client = 0; client < kWeights.size(); ++client) {
    const Words words = encoded(codec, client);
    REQUIRE(length_of(words) == codec.length());
    add_packed(pack(words, codec.modulus_bits()), codec.modulus_bits(), sum);
  }
  return sum;
}

// The weighted mean in double, of what went in.
std::vector<double> exact_mean() {
  std::vector<double> mean(100);
  for (std::size_t client = 0; client < kWeights.size(); ++client) {
    const auto values = update(client);
    for (std::size_t i = 0; i < mean.size(); ++i)
      mean[i] += double{values[i]} * kWeights[client] / 821.0;
  }
  return mean;
}

double distance(std::span<const double> a, std::span<const float> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(sum);
}

TEST_CASE("what is decoded is the weighted mean, to the width of the grid") {
  for (const bool rotated : {false, true}) {
    CodecShape how = shape();
    how.rotated = rotated;
    const Codec codec = Codec::make(how).value();
    CHECK(codec.length() == (rotated ? 128 : 100) + 1 + 2 * 4);
    const Codec::Mean mean = codec.decode(sum_of(codec));
    CHECK(mean.weight == 821);
    // Each coordinate is off by less than a step, 2 / 65536.
    CHECK(distance(exact_mean(), mean.update) < 10 * 2.0 / 65536);
  }
}

TEST_CASE("measures are means over those who have them") {
  const Codec codec = Codec::make(shape()).value();
  const Codec::Mean mean = codec.decode(sum_of(codec));
  REQUIRE(mean.measures.size() == 2);
  CHECK(mean.measures[0].weight == 60);
  // (10 * 0.25 + 20 * 0.5 + 30 * 0.75) / 60, all of them multiples of 2^-16
  CHECK(mean.measures[0].value == Approx(35.0 / 60).epsilon(1e-12));
  CHECK(mean.measures[1].weight == 21);
  CHECK(mean.measures[1].value == -0.5);

  const crypto::Hash secret = seed(3);
  for (const double value : {1e9, -1e9, 12345.678, -0.001, 3e-5, 0.0}) {
    const std::vector<Measure> one{{value, 5}, {0, 0}};
    const auto words = codec.encode(update(0), 1, one, crypto::KeyView(secret)).value();
    const Codec::Mean alone = codec.decode(words);
    CHECK(std::abs(alone.measures[0].value - value) <= 0x1p-17);
    CHECK(alone.measures[1].weight == 0);
  }
  const std::vector<Measure> wild{{-1e12, 500}, {0, 0}};
  const auto words = codec.encode(update(0), 1, wild, crypto::KeyView(secret)).value();
  CHECK(codec.decode(words).measures[0].value == -0x1p31);
}

TEST_CASE("measures fit on any grid") {
  for (const std::uint32_t steps : {2u, 3u, 1000u, 1u << 24}) {
    CodecShape how = shape();
    how.steps = steps;
    const Codec codec = Codec::make(how).value();
    const Codec::Mean mean = codec.decode(sum_of(codec));
    CHECK(mean.measures[0].value == Approx(35.0 / 60).epsilon(1e-12));
    CHECK(mean.measures[1].value == -0.5);
  }
  CodecShape how = shape();
  how.steps = 1;
  CHECK(Codec::make(how).error().code == ErrorCode::invalid);
}

TEST_CASE("with fewer coordinates kept, the mean is right on average and zero elsewhere") {
  CodecShape how = shape();
  how.kept = 0.25;
  std::vector<double> average(100);
  const int rounds = 400;
  for (int round = 0; round < rounds; ++round) {
    how.seed = seed(static_cast<std::uint64_t>(round));
    how.rotated = round % 2 == 1;
    const Codec codec = Codec::make(how).value();
    CHECK(codec.length() == (how.rotated ? 32 : 25) + 1 + 2 * 4);
    const auto update = codec.decode(sum_of(codec)).update;
    CHECK(std::count(update.begin(), update.end(), 0.0F) >= 75);
    for (std::size_t i = 0; i < average.size(); ++i) average[i] += update[i] / rounds;
  }
  // A coordinate of at most 0.1 comes with a factor of 4 a quarter of the time: the standard
  // deviation of the average is below 0.1 * sqrt(3 / 400).
  const auto exact = exact_mean();
  for (std::size_t i = 0; i < 100; ++i) CHECK(std::abs(average[i] - exact[i]) < 6 * 0.0087);
}

TEST_CASE("a long update is clipped, the rounding depends on the secret alone") {
  const Codec codec = Codec::make(shape()).value();
  const crypto::Hash secret = seed(3), other = seed(4);
  const std::vector<Measure> none(2);
  const std::vector<float> large(100, 100.0F);
  const Codec::Mean mean =
      codec.decode(codec.encode(large, 1, none, crypto::KeyView(secret)).value());
  for (const float value : mean.update) CHECK(value == Approx(0.2).margin(1e-4));
  const auto once = codec.encode(update(1), 3, none, crypto::KeyView(secret)).value();
  CHECK(once == codec.encode(update(1), 3, none, crypto::KeyView(secret)).value());
  CHECK(once != codec.encode(update(1), 3, none, crypto::KeyView(other)).value());
}

TEST_CASE("what cannot be encoded is an error, not a number") {
  const crypto::Hash secret = seed(3);
  const std::vector<Measure> none(2);
  for (const bool rotated : {false, true}) {
    CodecShape how = shape();
    how.rotated = rotated;
    const Codec codec = Codec::make(how).value();
    for (const float bad : {NAN, INFINITY}) {
      auto values = update(0);
      values[17] = bad;
      CHECK(codec.encode(values, 1, none, crypto::KeyView(secret)).error().code ==
            ErrorCode::invalid);
    }
    CHECK_FALSE(codec.encode(update(0), 0, none, crypto::KeyView(secret)).has_value());
    CHECK_FALSE(codec.encode(update(0), 501, none, crypto::KeyView(secret)).has_value());
    const std::vector<Measure> heavy{{0.5, 501}, {}}, endless{{NAN, 1}, {}};
    CHECK_FALSE(codec.encode(update(0), 1, heavy, crypto::KeyView(secret)).has_value());
    CHECK_FALSE(codec.encode(update(0), 1, endless, crypto::KeyView(secret)).has_value());
  }
  for (const double kept : {0.0, -1.0, 1.5}) {
    CodecShape how = shape();
    how.kept = kept;
    CHECK(Codec::make(how).error().code == ErrorCode::invalid);
  }
  CodecShape vast = shape();
  vast.steps = 1 << 24;
  vast.weight_max = 1 << 30;
  CHECK(Codec::make(vast).error().code == ErrorCode::invalid);
}

}  // namespace
}  // namespace fed::secagg
