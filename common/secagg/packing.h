// A masked vector on the wire: element i is the b bits from bit i * b on, the least significant bit
// of the first byte being bit 0. What is left of the last byte is zero.
//
// b bits an element instead of a whole word is what makes a masked update barely larger than a
// plain one. Thread-safe.
#pragma once

#include "base/bytes.h"
#include "secagg/words.h"

namespace fed::secagg {

// ceil(length * bits / 8).
std::uint64_t packed_bytes(unsigned modulus_bits, std::uint64_t length);

Bytes pack(const Words& words, unsigned modulus_bits);

// ErrorCode::malformed for another size than packed_bytes or a bit that is set after the last
// element.
Status check_packed(ByteView packed, unsigned modulus_bits, std::uint64_t length);

// Adds what pack wrote to `into`. check_packed holds for the length of `into`.
void add_packed(ByteView packed, unsigned modulus_bits, Words& into);

}  // namespace fed::secagg
