// The keystream of ChaCha20 (RFC 8439, section 2.4) by itself, under a key that is used for nothing
// else: for pseudorandom vectors, which both ends of a secret compute and nobody sends.
//
// The nonce is zero, since every key has one stream; the block counter has 64 bits, as in
// Bernstein's original, so that a stream never ends. It equals RFC 8439's for the first 2^32
// blocks.
#pragma once

#include <cstdint>

#include "crypto/secret.h"

namespace fed::crypto {

inline constexpr std::size_t kChaCha20BlockBytes = 64;

// Fills `into` with the stream of `key` from block `first_block` on. Thread-safe.
void chacha20_stream(KeyView key, std::uint64_t first_block, ByteSpan into);

}  // namespace fed::crypto
