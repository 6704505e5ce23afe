// transcript.py computes masks again, with OpenSSL's ChaCha20.
#include "secagg/masks.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "base/bytes.h"
#include "crypto/chacha20.h"
#include "secagg/packing.h"
#include "world.h"

namespace fed::secagg {
namespace {

Mask mask(std::uint64_t seed, bool negative = false) {
  Mask made;
  seeded(seed, "mask")(made.key.span());
  made.negative = negative;
  return made;
}

template <class Word>
std::vector<Word> stream_words(const Mask& of, std::size_t count) {
  std::vector<Word> words(count);
  crypto::chacha20_stream(of.key.view(), 0, as_writable_bytes(std::span<Word>(words)));
  return words;
}

TEMPLATE_TEST_CASE("a mask is the keystream, added or subtracted", "", std::uint32_t,
                   std::uint64_t) {
  using Word = TestType;
  std::vector<Mask> masks;
  masks.push_back(mask(1));
  masks.push_back(mask(2, true));
  masks.push_back(mask(3, true));
  for (std::size_t size : {1u, 63u, 64u, 4095u, 4096u, 4097u, 20'000u}) {
    std::vector<Word> sum(size, Word{7});
    add_masks<Word>(masks, 0, sum);
    const auto a = stream_words<Word>(masks[0], size);
    const auto b = stream_words<Word>(masks[1], size);
    const auto c = stream_words<Word>(masks[2], size);
    bool same = true;
    for (std::size_t i = 0; i < size; ++i) {
      same = same && sum[i] == static_cast<Word>(7 + a[i] - b[i] - c[i]);
    }
    CHECK(same);
  }
}

TEMPLATE_TEST_CASE("any stretch of a mask can be computed by itself", "", std::uint32_t,
                   std::uint64_t) {
  using Word = TestType;
  std::vector<Mask> masks;
  masks.push_back(mask(4));
  std::vector<Word> whole(5 * kStretchWords + 100);
  add_masks<Word>(masks, 0, whole);
  for (std::uint64_t stretch : {0u, 1u, 3u, 5u}) {
    const std::uint64_t first = stretch * kStretchWords;
    std::vector<Word> part(std::min<std::size_t>(kStretchWords, whole.size() - first));
    add_masks<Word>(masks, first, part);
    CHECK(std::equal(part.begin(), part.end(), whole.begin() + static_cast<long>(first)));
  }
}

TEST_CASE("a mask and its opposite cancel") {
  Words sum = std::vector<std::uint32_t>(10'000, 5);
  std::vector<Mask> masks;
  masks.push_back(mask(9));
  masks.push_back(mask(9, true));
  add_masks(masks, sum);
  CHECK(values_of(sum) == std::vector<std::uint64_t>(10'000, 5));
}

// Chi-square of how often each value of the top bits comes; with 255 degrees of freedom it is
// between 160 and 380 but for one case in 10^6.
double chi_square(const std::vector<std::uint64_t>& values, unsigned shift) {
  std::vector<double> counts(256);
  for (std::uint64_t value : values) counts[value >> shift & 255] += 1;
  const double expected = static_cast<double>(values.size()) / 256;
  double sum = 0;
  for (double count : counts) sum += (count - expected) * (count - expected) / expected;
  return sum;
}

TEST_CASE("masked inputs are uniform modulo 2^b whatever they hide, and differ from run to run") {
  for (unsigned bits : {8u, 20u, 32u, 40u, 64u}) {
    Options options;
    options.clients = 3;
    options.threat.dropped_permille = 0;
    options.modulus_bits = bits;
    options.length = 20'000;
    const World world(options);
    Play play(world);
    REQUIRE(play.until(Step::share).has_value());
    for (Member member = 0; member < 3; ++member) {
      const auto packed =
          play.clients[member].mask(play.server.delivery(member), zero_words(bits, options.length));
      REQUIRE(packed.has_value());
      Words masked = zero_words(bits, options.length);
      add_packed(*packed, bits, masked);
      const auto values = values_of(masked);
      for (unsigned shift : {0u, bits - 8}) {
        const double statistic = chi_square(values, shift);
        CHECK(statistic > 160);
        CHECK(statistic < 380);
      }
      // Neighbouring elements are not alike either.
      double correlation = 0;
      for (std::size_t i = 1; i < values.size(); ++i) {
        const double a = static_cast<double>(values[i]) / std::exp2(bits) - 0.5;
        const double b = static_cast<double>(values[i - 1]) / std::exp2(bits) - 0.5;
        correlation += 12 * a * b;
      }
      CHECK(std::abs(correlation) < 5 * std::sqrt(20'000.0));
    }
  }
}

TEST_CASE("the sum of all masked inputs without the self masks is no input either") {
  // The pairwise masks cancel; what is left is the sum and the self masks.
  const World world(Options{});
  Play play(world);
  REQUIRE(play.until(Step::mask).has_value());
  Words total = zero_words(24, 9);
  for (const Bytes& input : play.inputs) add_packed(input, 24, total);
  auto values = values_of(total);
  for (auto& value : values) value &= modulus_mask(24);
  CHECK(values != world.sum({0, 1, 2, 3, 4, 5}));
}

}  // namespace
}  // namespace fed::secagg
