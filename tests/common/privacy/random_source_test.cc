#include "privacy/random_source.h"

#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <set>
#include <utility>
#include <vector>

#include "crypto/hash.h"

namespace fed::privacy {
namespace {

constexpr std::size_t kWordsAStretch = 2048 - 4;

std::vector<std::uint64_t> words(RandomSource& source, std::size_t n) {
  std::vector<std::uint64_t> drawn(n);
  for (std::uint64_t& word : drawn) word = source.word();
  return drawn;
}

TEST_CASE("a seed is a stream, another one another") {
  RandomSource a = RandomSource::seeded(7);
  RandomSource b = RandomSource::seeded(7);
  RandomSource c = RandomSource::seeded(8);
  const auto first = words(a, 5000);
  CHECK(first == words(b, 5000));
  CHECK(first != words(c, 5000));
}

TEST_CASE("a seeded stream is ChaCha20 under a key that each stretch replaces") {
  std::array<std::uint8_t, 8> seed;
  store_le<std::uint64_t>(seed.data(), 42);
  crypto::Hash key = crypto::sha256(seed);
  std::vector<std::uint64_t> expected;
  for (int stretch = 0; stretch < 3; ++stretch) {
    Bytes stream(16384 + crypto::kTagBytes);
    const Bytes zeros(16384);
    crypto::AeadKey(crypto::Aead::chacha20_poly1305, key).seal({}, {}, zeros, stream);
    std::copy_n(stream.begin(), key.size(), key.begin());
    for (std::size_t at = 32; at < 16384; at += 8) {
      expected.push_back(load_le<std::uint64_t>(&stream[at]));
    }
  }
  REQUIRE(expected.size() == 3 * kWordsAStretch);
  RandomSource source = RandomSource::seeded(42);
  CHECK(words(source, expected.size()) == expected);
}

TEST_CASE("no word comes twice, within a source or in another") {
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 3; ++i) {
    RandomSource source;
    for (std::uint64_t word : words(source, 2 * kWordsAStretch)) CHECK(seen.insert(word).second);
  }
  CHECK(seen.count(0) == 0);
}

TEST_CASE("a source keeps its place when it moves") {
  RandomSource whole = RandomSource::seeded(3);
  const auto expected = words(whole, 100);
  RandomSource first = RandomSource::seeded(3);
  auto drawn = words(first, 40);
  RandomSource second(std::move(first));
  for (std::uint64_t word : words(second, 30)) drawn.push_back(word);
  RandomSource third;
  third = std::move(second);
  for (std::uint64_t word : words(third, 30)) drawn.push_back(word);
  CHECK(drawn == expected);
}

TEST_CASE("the coins of a word that was begun go along with a move") {
  RandomSource first = RandomSource::scripted(std::array<std::uint64_t, 2>{0b1101, 77});
  CHECK(first.coin());
  RandomSource second(std::move(first));
  CHECK_FALSE(second.coin());
  RandomSource third = RandomSource::seeded(1);
  third = std::move(second);
  CHECK(third.coin());
  CHECK(third.word() == 77);
  CHECK(third.coin());
  CHECK_FALSE(third.coin());
}

TEST_CASE("every bit of a word is fair") {
  RandomSource source = RandomSource::seeded(1);
  constexpr int kWords = 20000;
  std::array<int, 64> ones{};
  for (int i = 0; i < kWords; ++i) {
    const std::uint64_t word = source.word();
    for (unsigned bit = 0; bit < 64; ++bit) ones[bit] += static_cast<int>(word >> bit & 1);
  }
  // Five standard deviations.
  for (int count : ones) CHECK(std::abs(count - kWords / 2) < 5 * std::sqrt(kWords / 4.0));
}

TEST_CASE("coins are the bits of a word, one after the other") {
  const std::uint64_t word = 0x8000'0000'0000'0005;
  RandomSource source = RandomSource::scripted(std::array{word, std::uint64_t{0}});
  for (int i = 0; i < 64; ++i) CHECK(source.coin() == (i == 0 || i == 2 || i == 63));
  CHECK_FALSE(source.coin());
}

TEST_CASE("numbers below a bound are uniform") {
  RandomSource source = RandomSource::seeded(5);
  for (std::uint64_t bound : {2u, 3u, 7u, 10u}) {
    constexpr int kDraws = 40000;
    std::vector<int> counts(bound);
    for (int i = 0; i < kDraws; ++i) {
      const std::uint64_t value = source.below(bound);
      REQUIRE(value < bound);
      ++counts[value];
    }
    const double expected = kDraws / static_cast<double>(bound);
    for (int count : counts) CHECK(std::abs(count - expected) < 5 * std::sqrt(expected));
  }
  for (int i = 0; i < 100; ++i) CHECK(source.below(1) == 0);
}

TEST_CASE("what does not come out even is drawn again") {
  // For 3, the word 0 is the one of 2^64 too many; for 2^63 + 1, a half of all.
  RandomSource three = RandomSource::scripted(std::array<std::uint64_t, 3>{0, 1, 99});
  CHECK(three.below(3) == 0);
  CHECK(three.word() == 99);
  const std::uint64_t large = (std::uint64_t{1} << 63) + 1;
  RandomSource source = RandomSource::seeded(11);
  double sum = 0;
  constexpr int kDraws = 20000;
  for (int i = 0; i < kDraws; ++i) {
    const std::uint64_t value = source.below(large);
    REQUIRE(value < large);
    sum += static_cast<double>(value) / static_cast<double>(large);
  }
  CHECK(std::abs(sum / kDraws - 0.5) < 5 * std::sqrt(1 / 12.0 / kDraws));
}

}  // namespace
}  // namespace fed::privacy
