// Integers of a fixed size as arrays of 64-bit words, and holders of secret ones that wipe them.
//
// Every number of this folder has a size that the modulus of 3,072 bits fixes, so no number needs
// the heap of GMP, which never wipes what it frees. Word 0 is the least significant one; in memory
// that is the number's little-endian bytes, which is how all formats here write numbers.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "crypto/secret.h"

namespace fed::paillier {

inline constexpr std::size_t kModulusBits = 3072;
inline constexpr std::size_t kLimbBits = 64;
inline constexpr std::size_t kModulusLimbs = kModulusBits / kLimbBits;  // of n
inline constexpr std::size_t kSquareLimbs = 2 * kModulusLimbs;          // of n^2
inline constexpr std::size_t kPrimeLimbs = kModulusLimbs / 2;           // of p and of q
inline constexpr std::size_t kModulusBytes = 8 * kModulusLimbs;
inline constexpr std::size_t kSquareBytes = 8 * kSquareLimbs;
inline constexpr std::size_t kPrimeBytes = 8 * kPrimeLimbs;

// Fills its argument with random bytes: crypto::random_bytes, or what a test replays.
using RandomSource = std::function<void(ByteSpan)>;

using LimbView = std::span<const std::uint64_t>;
using LimbSpan = std::span<std::uint64_t>;

// The little-endian bytes of a number.
inline ByteView bytes_of(LimbView number) {
  return {reinterpret_cast<const std::uint8_t*>(number.data()), number.size_bytes()};
}
inline ByteSpan writable_bytes(LimbSpan number) {
  return {reinterpret_cast<std::uint8_t*>(number.data()), number.size_bytes()};
}

// A public number of N words.
template <std::size_t N>
using Limbs = std::array<std::uint64_t, N>;

// A secret number of N words, 0 at first; wiped on destruction and when moved from. Never copied by
// accident. Not thread-safe; reads are.
template <std::size_t N>
class SecretLimbs {
 public:
  SecretLimbs() = default;
  explicit SecretLimbs(std::span<const std::uint64_t, N> from) {
    std::copy(from.begin(), from.end(), words_.begin());
  }
  SecretLimbs(SecretLimbs&& other) noexcept { *this = std::move(other); }
  SecretLimbs& operator=(SecretLimbs&& other) noexcept {
    if (this == &other) return *this;
    words_ = other.words_;
    other.clear();
    return *this;
  }
  ~SecretLimbs() { clear(); }

  std::span<const std::uint64_t, N> view() const { return words_; }
  std::span<std::uint64_t, N> span() { return words_; }

 private:
  void clear() { crypto::wipe(writable_bytes(words_)); }

  Limbs<N> words_{};
};

// Working memory of a computation with secrets, wiped at its end. Lives and stays in one function.
class Scratch {
 public:
  explicit Scratch(std::ptrdiff_t limbs) : words_(static_cast<std::size_t>(limbs)) {}
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() { crypto::wipe(writable_bytes(words_)); }

  std::uint64_t* data() { return words_.data(); }

 private:
  std::vector<std::uint64_t> words_;
};

}  // namespace fed::paillier
