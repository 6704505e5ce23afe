// ChaCha20 on sixteen blocks at once, one in each lane of a 512-bit register, where the processor
// has them (AVX-512F). libsodium's widest code takes eight; masks of secure aggregation are nothing
// but keystream, so this is most of their cost.
//
// The round function is additions, exclusive ors and rotations of whole registers: its time does
// not depend on the key. For chacha20.cc. Thread-safe.
#pragma once

#include <cstdint>

#include "crypto/secret.h"

namespace fed::crypto {

inline constexpr std::size_t kWideBlocks = 16;

// Whether this processor can; otherwise the next function is not to be called.
bool has_wide_chacha20();

// Writes `groups` times kWideBlocks blocks of the stream of `key`, from block `first_block` on.
void wide_chacha20(KeyView key, std::uint64_t first_block, std::uint8_t* into, std::size_t groups);

}  // namespace fed::crypto
