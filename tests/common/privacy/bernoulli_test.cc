#include "privacy/bernoulli.h"

#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <tuple>
#include <utility>
#include <vector>

namespace fed::privacy {
namespace {

constexpr std::uint64_t kOnes = ~std::uint64_t{0};
constexpr std::uint64_t kHalf = std::uint64_t{1} << 63;

// What a coin says for chosen words; words that it leaves over are an error.
template <class Coin>
bool with_words(std::vector<std::uint64_t> words, Coin coin) {
  const std::uint64_t end = 0x1234'5678'9abc'def1;
  words.push_back(end);
  RandomSource source = RandomSource::scripted(words);
  const bool outcome = coin(source);
  CHECK(source.word() == end);
  return outcome;
}

bool fraction_with(Fraction fraction, std::vector<std::uint64_t> words) {
  return with_words(std::move(words), [=](RandomSource& s) { return bernoulli(fraction, s); });
}
bool wide_with(Wide numerator, Wide denominator, std::vector<std::uint64_t> words) {
  return with_words(std::move(words),
                    [=](RandomSource& s) { return bernoulli(numerator, denominator, s); });
}

// The fraction of heads among n coins, from a seed.
template <class Coin>
double frequency(std::uint64_t seed, int n, Coin coin) {
  RandomSource source = RandomSource::seeded(seed);
  int heads = 0;
  for (int i = 0; i < n; ++i) heads += coin(source);
  return heads / static_cast<double>(n);
}

// Whether a frequency of n coins is within 4.5 standard deviations of what is expected.
bool close(double got, double expected, int n) {
  return std::abs(got - expected) <= 4.5 * std::sqrt(expected * (1 - expected) / n) + 1e-12;
}

TEST_CASE("a coin of 1/3 compares with 0.010101... in base 2, word by word") {
  const std::uint64_t third = 0x5555'5555'5555'5555;
  CHECK(fraction_with({1, 3}, {0}));
  CHECK(fraction_with({1, 3}, {third - 1}));
  CHECK_FALSE(fraction_with({1, 3}, {third + 1}));
  CHECK_FALSE(fraction_with({1, 3}, {kOnes}));
  // The first word is the same: what is left is again 1/3.
  CHECK(fraction_with({1, 3}, {third, third - 1}));
  CHECK_FALSE(fraction_with({1, 3}, {third, third + 1}));
  CHECK(fraction_with({1, 3}, {third, third, third, 0}));
}

TEST_CASE("a coin with few digits needs no second word") {
  CHECK(fraction_with({1, 2}, {kHalf - 1}));
  CHECK_FALSE(fraction_with({1, 2}, {kHalf}));
  CHECK(fraction_with({1, kHalf}, {1}));
  CHECK_FALSE(fraction_with({1, kHalf}, {2}));
}

TEST_CASE("what is sure costs no coin, what is impossible never happens") {
  CHECK(fraction_with({1, 1}, {}));
  CHECK(fraction_with({7, 7}, {}));
  CHECK_FALSE(fraction_with({0, 7}, {0}));
  CHECK(wide_with(Wide{5} << 70, Wide{5} << 70, {}));
  CHECK_FALSE(wide_with(0, Wide{1} << 100, {0}));
  CHECK_FALSE(wide_with(0, Wide{1} << 100, {kOnes}));
}

TEST_CASE("coins of 128-bit fractions compare digits as well") {
  const Wide denominator = Wide{3} << 100;
  const std::uint64_t third = 0x5555'5555'5555'5555;
  for (const auto& [first, second, outcome] :
       std::vector<std::tuple<std::uint64_t, std::uint64_t, bool>>{
           {third, third - 1, true}, {third, third + 1, false}, {third, 0, true}}) {
    CHECK(wide_with(Wide{1} << 100, denominator, {first, second}) == outcome);
  }
  CHECK(wide_with(Wide{1} << 100, denominator, {third - 1}));
  CHECK_FALSE(wide_with(Wide{1} << 100, denominator, {third + 1}));
  // The largest there is: (2^128 - 2) / (2^128 - 1) is all ones but for the last of 128 digits.
  const Wide largest = ~Wide{0};
  CHECK(wide_with(largest - 1, largest, {kOnes, kOnes - 2}));
  CHECK_FALSE(wide_with(largest - 1, largest, {kOnes, kOnes}));
  // 2^-70 is 63 zeros in the second word's place: below 2^-64, then 2^-6 of it.
  CHECK(wide_with(1, Wide{1} << 70, {0, (std::uint64_t{1} << 58) - 1}));
  CHECK_FALSE(wide_with(1, Wide{1} << 70, {0, std::uint64_t{1} << 58}));
  CHECK_FALSE(wide_with(1, Wide{1} << 70, {1}));
}

TEST_CASE("both widths decide alike for the same fraction and the same words") {
  RandomSource numbers = RandomSource::seeded(77);
  for (int i = 0; i < 2000; ++i) {
    const std::uint64_t denominator = numbers.below(kOnes - 1) + 1;
    const std::uint64_t numerator = numbers.below(denominator);
    const std::array<std::uint64_t, 1> words{numbers.word()};
    RandomSource narrow = RandomSource::scripted(words);
    RandomSource wide = RandomSource::scripted(words);
    CHECK(bernoulli({numerator, denominator}, narrow) ==
          bernoulli(Wide{numerator} << 64, Wide{denominator} << 64, wide));
  }
}

TEST_CASE("coins fall as often as they should") {
  constexpr int kCoins = 60000;
  for (const Fraction& q : {Fraction{1, 100}, {2, 7}, {1, 2}, {999, 1000}, {kHalf - 5, kOnes}}) {
    CAPTURE(q.numerator, q.denominator);
    CHECK(close(frequency(9, kCoins, [&](RandomSource& s) { return bernoulli(q, s); }), q.value(),
                kCoins));
  }
}

TEST_CASE("the row of coins 1, 1/2, 1/3, ... is read off one word") {
  const auto one = [](RandomSource& s) { return bernoulli_exp_one(s); };
  // U in [1/2, 1) stops at the second coin, [1/6, 1/2) at the third, and so on; an even number of
  // coins is a failure.
  const std::uint64_t sixth = kOnes / 6;
  const std::uint64_t twenty_fourth = kOnes / 24;
  CHECK_FALSE(with_words({kOnes}, one));
  CHECK_FALSE(with_words({kHalf + 1}, one));
  CHECK(with_words({kHalf - 1}, one));
  CHECK(with_words({sixth + 1}, one));
  CHECK_FALSE(with_words({sixth - 1}, one));
  CHECK_FALSE(with_words({twenty_fourth + 1}, one));
  CHECK(with_words({twenty_fourth - 1}, one));
  // Exactly the first 64 digits of 1/6: what is left, 2/3, decides whether it is below.
  CHECK_FALSE(with_words({sixth, 0}, one));
  CHECK(with_words({sixth, kOnes}, one));
  // 1/2 has no digits left.
  CHECK_FALSE(with_words({kHalf, 0}, one));
}

TEST_CASE("a row beyond the twentieth coin is continued with coins of their own") {
  const auto one = [](RandomSource& s) { return bernoulli_exp_one(s); };
  // 20 in a row, then the coin of 1/21 fails: 21 coins, which is odd.
  CHECK(with_words({0, kOnes}, one));
  CHECK_FALSE(with_words({0, 1, kOnes}, one));
  CHECK(with_words({0, 1, 1, kOnes}, one));
  // Between 1/21 and 1/20: that coin fails.
  CHECK(with_words({0, kOnes / 41 * 2}, one));
}

TEST_CASE("exp(-gamma) falls as often as it should, for small and large fractions") {
  constexpr int kCoins = 60000;
  for (const auto& gamma_parts :
       std::vector<std::pair<Wide, Wide>>{{0, 1},
                                          {1, 1},
                                          {1, 10},
                                          {1, 2},
                                          {9, 10},
                                          {3, 2},
                                          {5, 1},
                                          {7, 3},
                                          {1, 1000000},
                                          {Wide{1} << 90, Wide{3} << 90},
                                          {Wide{7} << 100, Wide{2} << 100},
                                          {2, 1}}) {
    const Wide n = gamma_parts.first;
    const Wide d = gamma_parts.second;
    const double gamma = static_cast<double>(n) / static_cast<double>(d);
    CAPTURE(gamma);
    CHECK(close(frequency(21, kCoins, [&](RandomSource& s) { return bernoulli_exp(n, d, s); }),
                std::exp(-gamma), kCoins));
  }
  CHECK(close(frequency(22, kCoins, bernoulli_exp_one), std::exp(-1), kCoins));
}

}  // namespace
}  // namespace fed::privacy
