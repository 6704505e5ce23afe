// What the tests of this folder share: one fixed key of 3,072 bits, numbers from text, and sources
// of bytes that are the same each time.
#pragma once

#include <catch2/catch.hpp>
#include <string>

#include "base/random.h"
#include "paillier/arithmetic.h"
#include "paillier/secret_key.h"

namespace fed::paillier {

// Twice as wide as a word; not of the C++ standard.
__extension__ using Wide = unsigned __int128;

// Two primes of 1,536 bits that were drawn for these tests, hexadecimal with the highest digit
// first.
inline const std::string kTestP =
    "d75b41ef240e7b52bc56f51245bb639c7fcb997cba25c66ded77db67a191a006"
    "e74c24a892dba88285e0d34eb16a612c1d1fc8df8a8c6e06554e335ca752a72e"
    "b2d99cabbefdbf081fda318b9312ccc1b9d97f2394255bc46c42c215952d6c9c"
    "40070e4ca7165fc60ad04e9506f59783372c8cdb7fff06f09adaadfcf6a2a2c7"
    "aa3705f84e7e1c512057a458d95914ae0d9ab8cdd55faba3c5bb95759f4fb0c6"
    "d63e303e74e329137e60087c06b0684107718d1bcf4c7f6e4f344a87fc08fc63";
inline const std::string kTestQ =
    "efbefaeba48184aa66e7e793e7b82dbf0a1e1b4512c068da75abdcdb74bc4ae0"
    "836002150b38fc45919c9c55becaab013ab36b34e9be8c799516ccb86cbd0bdf"
    "eba5b8c19560e3405a04caa8affb5d007c3c5d56f7dbf9c06ad2ace15e7ebe77"
    "8f3b641d19da650d7be10ebda08e16139e2adccdc7cc04f00bcffb386d92f020"
    "9a85ed41cf8daf2cc188c4a9ad6cf35f970430baff09b45a85a163a7a142aac6"
    "ab9417aa3746b7737da875a879e20e7deb26e957849cb15c2d4b00b0e755623b";

// The little-endian bytes of a number in hexadecimal.
inline Bytes little_endian(const std::string& hex) {
  Bytes bytes = from_hex(hex).value();
  return {bytes.rbegin(), bytes.rend()};
}

// The bytes of a secret key with these primes, each 192 bytes.
inline Bytes secret_bytes(ByteView p, ByteView q) {
  Bytes bytes{1, 192, 0};
  append(bytes, p);
  append(bytes, q);
  return bytes;
}

inline const SecretKey& test_key() {
  static const SecretKey key =
      SecretKey::from_bytes(secret_bytes(little_endian(kTestP), little_endian(kTestQ))).value();
  return key;
}
// Its public key, made without it.
inline const PublicKey& test_public_key() {
  static const PublicKey key = [] {
    Limbs<kPrimeLimbs> p, q;
    std::memcpy(p.data(), little_endian(kTestP).data(), kPrimeBytes);
    std::memcpy(q.data(), little_endian(kTestQ).data(), kPrimeBytes);
    Limbs<kModulusLimbs> modulus;
    multiply(modulus, p, q);
    return PublicKey::from_modulus(modulus).value();
  }();
  return key;
}

// Bytes that follow from the seed.
inline RandomSource seeded(std::uint64_t seed) {
  return [random = Random(seed)](ByteSpan into) mutable {
    for (std::uint8_t& byte : into) byte = static_cast<std::uint8_t>(random.below(256));
  };
}

// The number `value` as a plaintext.
inline Plaintext small(std::uint64_t value) {
  Plaintext plaintext;
  plaintext.span()[0] = value;
  return plaintext;
}

inline Ciphertext encrypted(const Plaintext& plaintext, std::uint64_t seed) {
  const PublicKey& key = test_public_key();
  return encrypt(key, plaintext, Randomness::draw(key, seeded(seed))).value();
}

// n^2 as bytes, n as bytes, and others that lie at the borders.
inline Bytes square_bytes() { return copy(bytes_of(test_public_key().square())); }
inline Bytes modulus_bytes() { return copy(bytes_of(test_public_key().modulus())); }

}  // namespace fed::paillier
