#include "secagg/quantise.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "secagg/packing.h"
#include "world.h"

namespace fed::secagg {
namespace {

Quantisation quantisation(double clip_norm, std::uint32_t steps, std::uint32_t weight_max,
                          std::uint32_t clients_max) {
  return {clip_norm, clip_norm, steps, weight_max, clients_max};
}

crypto::Wiped<32> key(std::uint64_t seed) {
  crypto::Wiped<32> made;
  seeded(seed, "rounding")(made.span());
  return made;
}

// Any width as signed numbers of b bits, by the definition.
std::vector<std::int64_t> signed_values(const Words& words, unsigned bits) {
  std::vector<std::int64_t> numbers;
  for (std::uint64_t value : values_of(words)) {
    value &= modulus_mask(bits);
    const bool negative = bits == 64 ? value >> 63 : value >= std::uint64_t{1} << (bits - 1);
    numbers.push_back(static_cast<std::int64_t>(negative ? value - modulus_mask(bits) - 1 : value));
  }
  return numbers;
}

TEST_CASE("values on the grid are rounded to themselves, and the weight is the last element") {
  const Quantisation how = quantisation(1, 8, 10, 4);
  const std::vector<float> values{0.5f, -0.25f, 0.0f, 0.125f};
  const auto words = quantise(values, 3, how, key(1).view());
  REQUIRE(words.has_value());
  CHECK(signed_values(*words, modulus_bits_for(how)) == std::vector<std::int64_t>{12, -6, 0, 3, 3});
}

TEST_CASE("rounding goes to one of the two neighbours and is right on average") {
  const Quantisation how = quantisation(1, 4, 1, 2);
  const std::vector<float> values{0.3f, -0.3f, 0.01f, -0.49f};  // 1.2, -1.2, 0.04, -1.96 steps
  const int runs = 20'000;
  std::vector<double> mean(values.size());
  for (int run = 0; run < runs; ++run) {
    const auto words = quantise(values, 1, how, key(static_cast<std::uint64_t>(run)).view());
    const auto numbers = signed_values(words.value(), modulus_bits_for(how));
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double exact = 4.0 * values[i];
      REQUIRE(std::abs(static_cast<double>(numbers[i]) - exact) < 1);
      mean[i] += static_cast<double>(numbers[i]) / runs;
    }
  }
  // The deviation of one draw is at most 1/2: five of the mean's.
  for (std::size_t i = 0; i < values.size(); ++i) {
    CHECK(std::abs(mean[i] - 4.0 * values[i]) < 2.5 / std::sqrt(runs));
  }
}

TEST_CASE("the same seed gives the same integers, another one others") {
  const Quantisation how = quantisation(10, 1000, 1, 2);
  const std::vector<float> values(100, 0.0123f);
  const auto once = quantise(values, 1, how, key(5).view()).value();
  CHECK(once == quantise(values, 1, how, key(5).view()).value());
  CHECK(once != quantise(values, 1, how, key(6).view()).value());
}

TEST_CASE("a long update is scaled down to the clipping norm, a short one is not") {
  const Quantisation how = quantisation(5, 1'000'000, 1, 2);
  const auto decoded = [&](const std::vector<float>& values) {
    return dequantise(quantise(values, 1, how, key(7).view()).value(), how).values;
  };
  const auto clipped = decoded({30.0f, 40.0f});
  CHECK(clipped[0] == Approx(3).margin(1e-5));
  CHECK(clipped[1] == Approx(4).margin(1e-5));
  const auto kept = decoded({0.3f, -0.4f});
  CHECK(kept[0] == Approx(0.3f).margin(1e-5));
  CHECK(kept[1] == Approx(-0.4f).margin(1e-5));
}

TEST_CASE("what is beyond the largest coordinate is cut off") {
  Quantisation how = quantisation(5, 100, 1, 2);
  how.coordinate_max = 1;
  const std::vector<float> values{3.0f, -3.0f, 0.5f};
  const auto decoded = dequantise(quantise(values, 1, how, key(8).view()).value(), how).values;
  CHECK(decoded == std::vector<double>{1, -1, 0.5});
}

TEST_CASE("the modulus is the smallest in which no sum wraps") {
  // The largest sum is clients * steps * weight, and there is a sign.
  CHECK(modulus_bits_for(quantisation(1, 1, 1, 1)) == 2);
  CHECK(modulus_bits_for(quantisation(1, 7, 1, 1)) == 4);
  CHECK(modulus_bits_for(quantisation(1, 8, 1, 1)) == 5);
  CHECK(modulus_bits_for(quantisation(1, 1 << 15, 1000, 100)) == 33);
  CHECK(modulus_bits_for(quantisation(1, 1 << 20, 1 << 20, 1000)) == 51);
  for (std::uint32_t clients : {1u, 2u, 3u, 7u, 8u}) {
    for (float sign : {1.0f, -1.0f}) {
      const Quantisation how = quantisation(2, 5, 9, clients);
      Words sum = zero_words(modulus_bits_for(how), 2);
      const unsigned bits = modulus_bits_for(how);
      for (std::uint32_t i = 0; i < clients; ++i) {
        const std::vector<float> value{sign * 2};
        add_packed(pack(quantise(value, 9, how, key(i).view()).value(), bits), bits, sum);
      }
      const WeightedSum total = dequantise(sum, how);
      CHECK(total.values[0] == sign * 2.0 * 9 * clients);
      CHECK(total.weight == 9 * clients);
    }
  }
}

TEST_CASE("what cannot be quantised is refused") {
  const Quantisation how = quantisation(1, 4, 10, 2);
  const float infinity = std::numeric_limits<float>::infinity();
  for (float bad : {infinity, -infinity, std::numeric_limits<float>::quiet_NaN()}) {
    const std::vector<float> values{0.5f, bad};
    CHECK(quantise(values, 1, how, key(1).view()).error().code == ErrorCode::invalid);
  }
  const std::vector<float> fine{0.5f};
  CHECK(quantise(fine, 0, how, key(1).view()).error().code == ErrorCode::invalid);
  CHECK(quantise(fine, 11, how, key(1).view()).error().code == ErrorCode::invalid);
  CHECK(quantise(fine, 10, how, key(1).view()).has_value());
  for (double bad : {0.0, -1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
    CHECK_FALSE(check(quantisation(bad, 4, 1, 2)).has_value());
  }
  CHECK_FALSE(check(quantisation(1, 0, 1, 2)).has_value());
  CHECK_FALSE(check(quantisation(1, 1, 0, 2)).has_value());
  CHECK_FALSE(check(quantisation(1, 1, 1, 0)).has_value());
  CHECK_FALSE(check(quantisation(1, 1u << 31, 1u << 31, 2)).has_value());
  CHECK(check(quantisation(1, 1u << 26, 1u << 26, 2047)).has_value());
  CHECK_FALSE(check(quantisation(1, 1u << 26, 1u << 26, 2048)).has_value());
}

// The whole way: updates, integers, masks, sum, weighted mean; against doubles without any of it.
TEST_CASE("a masked sum of updates is that without masks, and close to the weighted mean") {
  const Quantisation how = quantisation(4, 1 << 16, 1000, 6);
  Options options;
  options.modulus_bits = modulus_bits_for(how);
  options.length = 51;
  const World world(options);
  Play play(world);
  REQUIRE(play.until(Step::share).has_value());
  std::vector<double> expected(50);
  double total_weight = 0;
  Words plain = zero_words(options.modulus_bits, 51);
  for (Member member = 0; member < 6; ++member) {
    std::vector<float> update(50);
    for (std::size_t i = 0; i < 50; ++i) {
      update[i] = std::sin(static_cast<float>(i + 7 * member)) / 4;
      expected[i] += (100.0 + member) * update[i];
    }
    total_weight += 100.0 + member;
    const Words words = quantise(update, 100 + member, how, key(member).view()).value();
    add_packed(pack(words, options.modulus_bits), options.modulus_bits, plain);
    const auto masked = play.clients[member].mask(play.server.delivery(member), words);
    REQUIRE(play.receive(member, masked.value()).has_value());
  }
  const auto set = play.server.close_inputs().value();
  for (Member member = 0; member < 6; ++member) {
    REQUIRE(play.server.signature(member, play.clients[member].sign(set).value()).has_value());
  }
  const auto signatures = play.server.close_signatures().value();
  for (Member member = 0; member < 6; ++member) {
    const auto revealed = play.clients[member].unmask(signatures).value();
    REQUIRE(play.server.reveal(member, revealed).has_value());
  }
  const WeightedSum sum = dequantise(play.finish().value(), how);
  const WeightedSum without = dequantise(plain, how);
  CHECK(sum.values == without.values);
  CHECK(sum.weight == 615);
  const auto mean = mean_of(sum);
  for (std::size_t i = 0; i < 50; ++i) {
    CHECK(mean[i] == Approx(expected[i] / total_weight).margin(6 * 4.0 / (1 << 16) / 615 * 1.01));
  }
  CHECK(mean_of({{1.0, 2.0}, 0}) == std::vector<float>{0, 0});
}

}  // namespace
}  // namespace fed::secagg
