// Bytes that must not stay behind: wiped when they are no longer needed, never copied by accident.
//
// Two holders, for two lifetimes:
//  - `Wiped<N>`: inline, for what one computation derives (a chaining key, a Diffie-Hellman
//  result).
//  - `SecretKey`: 32 bytes on their own, for what lives longer.
//
// `Memory::locked` puts a SecretKey on a page of its own with guard pages around it, kept out of
// swap and core dumps; `Memory::plain` only wipes. Keys that an unknown peer can make us create by
// the thousand (ephemerals) are plain, so that nobody can use up RLIMIT_MEMLOCK.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>

#include "base/bytes.h"

namespace fed::crypto {

inline constexpr std::size_t kKeyBytes = 32;
using KeyView = std::span<const std::uint8_t, kKeyBytes>;

// Overwrites with zeros in a way that the compiler keeps.
void wipe(ByteSpan bytes);

// Whether both have the same size and content, in a time that depends on the sizes only.
bool constant_time_equal(ByteView a, ByteView b);

// N bytes, zero at first, wiped on destruction and when moved from. Not thread-safe.
template <std::size_t N>
class Wiped {
 public:
  Wiped() = default;
  explicit Wiped(std::span<const std::uint8_t, N> from) { assign(from); }
  Wiped(Wiped&& other) noexcept { *this = std::move(other); }
  Wiped& operator=(Wiped&& other) noexcept {
    if (this == &other) return *this;
    bytes_ = other.bytes_;
    wipe(other.bytes_);
    return *this;
  }
  ~Wiped() { wipe(bytes_); }

  void assign(std::span<const std::uint8_t, N> from) {
    std::copy(from.begin(), from.end(), bytes_.begin());
  }
  std::span<const std::uint8_t, N> view() const { return bytes_; }
  std::span<std::uint8_t, N> span() { return bytes_; }

 private:
  std::array<std::uint8_t, N> bytes_{};
};

enum class Memory { locked, plain };

// A key of 32 bytes. Move-only; a moved-from key may only be destroyed or assigned to. Immutable,
// so reads are safe from any thread.
class SecretKey {
 public:
  explicit SecretKey(KeyView from, Memory memory = Memory::locked);
  static SecretKey random(Memory memory = Memory::locked);

  KeyView view() const;
  // Whether the operating system really keeps the key out of swap. False for Memory::plain, and for
  // Memory::locked where RLIMIT_MEMLOCK did not allow it: the key works all the same, and a daemon
  // may warn.
  bool locked() const { return locked_; }
  // A second holder of the same bytes, stated where it is made.
  SecretKey duplicate(Memory memory = Memory::locked) const { return SecretKey(view(), memory); }

 private:
  struct Release {
    Memory memory;
    void operator()(std::uint8_t* bytes) const;
  };
  std::unique_ptr<std::uint8_t[], Release> bytes_;
  bool locked_ = false;
};

}  // namespace fed::crypto
