// A second formula: the vector as one large number, bit by bit.
#include "secagg/packing.h"

#include <catch2/catch.hpp>

#include "secagg/stream.h"
#include "world.h"

namespace fed::secagg {
namespace {

Words random_words(unsigned bits, std::size_t length, std::uint64_t seed) {
  crypto::Wiped<32> key;
  seeded(seed, "words")(key.span());
  Stream stream(key.view());
  Words words = zero_words(bits, length);
  std::visit(
      [&](auto& values) {
        // Bits above the modulus are there as well, as after additions.
        for (auto& value : values) {
          value = static_cast<std::remove_reference_t<decltype(value)>>(stream.next());
        }
      },
      words);
  return words;
}

Bytes pack_bit_by_bit(const Words& words, unsigned bits) {
  Bytes packed((length_of(words) * bits + 7) / 8);
  std::size_t at = 0;
  for (std::uint64_t value : values_of(words)) {
    for (unsigned bit = 0; bit < bits; ++bit, ++at) {
      if (value >> bit & 1)
        packed[at / 8] = static_cast<std::uint8_t>(packed[at / 8] | 1 << at % 8);
    }
  }
  return packed;
}

TEST_CASE("packing is the low bits of each element one after the other, and adds back") {
  for (unsigned bits = 1; bits <= 64; ++bits) {
    for (std::size_t length : {1u, 2u, 3u, 7u, 8u, 9u, 70u, 131u}) {
      const Words words = random_words(bits, length, bits * 1000 + length);
      const Bytes packed = pack(words, bits);
      REQUIRE(packed == pack_bit_by_bit(words, bits));
      REQUIRE(packed.size() == packed_bytes(bits, length));
      REQUIRE(check_packed(packed, bits, length).has_value());
      Words sum = zero_words(bits, length);
      add_packed(packed, bits, sum);
      add_packed(packed, bits, sum);
      const auto twice = values_of(sum), once = values_of(words);
      bool same = true;
      for (std::size_t i = 0; i < length; ++i) {
        same = same && ((twice[i] - 2 * once[i]) & modulus_mask(bits)) == 0;
      }
      REQUIRE(same);
    }
  }
}

TEST_CASE("a packed vector of another size, or with a bit behind its end, is malformed") {
  const Words words = random_words(13, 3, 1);  // 39 bits: one is left over
  Bytes packed = pack(words, 13);
  CHECK(check_packed(packed, 13, 3).has_value());
  CHECK(check_packed(packed, 13, 4).error().code == ErrorCode::malformed);
  packed.back() |= 0x80;
  CHECK(check_packed(packed, 13, 3).error().code == ErrorCode::malformed);
  packed.push_back(0);
  CHECK(check_packed(packed, 13, 3).error().code == ErrorCode::malformed);
  CHECK(check_packed({}, 13, 3).error().code == ErrorCode::malformed);
}

TEST_CASE("whole bytes leave no room for stray bits") {
  const Bytes packed(16, 0xff);
  CHECK(check_packed(packed, 64, 2).has_value());
  CHECK(check_packed(packed, 32, 4).has_value());
  CHECK(check_packed(packed, 8, 16).has_value());
  CHECK(check_packed(packed, 1, 128).has_value());
  CHECK(check_packed(packed, 1, 127).error().code == ErrorCode::malformed);
}

}  // namespace
}  // namespace fed::secagg
