// Unsigned integers of 128 bits, which the exact samplers compute with.
//
// An extension of the compiler, named in this one place. Products of two 64-bit numbers always fit;
// where more is multiplied, the caller states why it fits, or uses times() and add(), which notice
// when it does not. Pure functions; safe from any thread.
#pragma once

#include <cstdint>

#include "base/error.h"

namespace fed::privacy {

__extension__ typedef unsigned __int128 Wide;

constexpr std::uint64_t low(Wide value) { return static_cast<std::uint64_t>(value); }
constexpr std::uint64_t high(Wide value) { return static_cast<std::uint64_t>(value >> 64); }

// a * b; an overflow, which the ranges of the samplers make impossible but for coins that fall with
// probability below 2^-180, ends the process rather than give a wrong number.
inline Wide times(Wide a, Wide b) {
  Wide product;
  FED_CHECK(!__builtin_mul_overflow(a, b, &product));
  return product;
}

}  // namespace fed::privacy
