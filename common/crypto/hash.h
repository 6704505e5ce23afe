// SHA-256 (FIPS 180-4), the one hash of the project: of the Noise protocol and of its own formats.
//
// Processors of the last years have instructions for it, and nettle uses them: 0.6 s/GB, where
// libsodium's BLAKE2b takes 0.9 to 1.6 on the same machine. Without them it is 2.2 s/GB. A
// streaming object is not thread-safe; the functions are.
#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>

#include "base/bytes.h"

namespace fed::crypto {

using Hash = std::array<std::uint8_t, 32>;

Hash sha256(ByteView bytes);

// The same of bytes as they pass. finish() is of everything so far; more may follow.
class Sha256 {
 public:
  Sha256();
  void update(ByteView bytes);
  Hash finish() const;

 private:
  alignas(8) std::array<std::byte, 112> state_;
};

// HMAC-SHA256 (RFC 2104) under a key of any length, of `parts` one after the other.
Hash hmac_sha256(ByteView key, std::initializer_list<ByteView> parts);

}  // namespace fed::crypto
