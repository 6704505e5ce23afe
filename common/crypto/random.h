// Random bytes for keys, from the operating system.
//
// For secrets only: what must be repeatable (shuffles, selection, simulation) uses base/random.h.
// Thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <functional>

#include "base/bytes.h"

namespace fed::crypto {

// Fills `into` with unpredictable bytes. Never fails: without a source of randomness the process
// ends.
void random_bytes(ByteSpan into);

// Where a pure core takes its random bytes from: random_bytes, or a seeded stream in a test.
using RandomSource = std::function<void(ByteSpan into)>;

template <std::size_t N>
std::array<std::uint8_t, N> random_array() {
  std::array<std::uint8_t, N> bytes;
  random_bytes(bytes);
  return bytes;
}

}  // namespace fed::crypto
