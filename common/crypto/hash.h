// Hashes: BLAKE2b-256 for the project's own formats, SHA-256 and HMAC-SHA256 for the Noise
// protocol.
//
// BLAKE2b (RFC 7693) is three times as fast here as SHA-256, which Noise's published vectors and
// most other implementations use. A streaming object is not thread-safe; the functions are.
#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>

#include "base/bytes.h"

namespace fed::crypto {

using Hash = std::array<std::uint8_t, 32>;

// BLAKE2b with 32 bytes of output and no key.
Hash hash(ByteView bytes);

// The same of bytes as they pass. finish() is of everything so far; more may follow.
class Hasher {
 public:
  Hasher();
  void update(ByteView bytes);
  Hash finish() const;

 private:
  alignas(64) std::array<std::byte, 384> state_;
};

// SHA-256 (FIPS 180-4).
Hash sha256(ByteView bytes);

class Sha256 {
 public:
  Sha256();
  void update(ByteView bytes);
  Hash finish() const;

 private:
  alignas(8) std::array<std::byte, 104> state_;
};

// HMAC-SHA256 (RFC 2104) under a key of any length, of `parts` one after the other.
Hash hmac_sha256(ByteView key, std::initializer_list<ByteView> parts);

}  // namespace fed::crypto
