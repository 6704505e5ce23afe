// What is encrypted and what a decryption gives: a number of 0 to n - 1.
#pragma once

#include "base/error.h"
#include "paillier/limbs.h"

namespace fed::paillier {

// A number below 2^3072, wiped on destruction; below the modulus of which key is for who uses it to
// check. Move-only. Not thread-safe; reads are.
class Plaintext {
 public:
  Plaintext() = default;
  explicit Plaintext(SecretLimbs<kModulusLimbs> number) : number_(std::move(number)) {}

  // The number whose little-endian bytes these are. ErrorCode::malformed unless there are 384.
  static Result<Plaintext> from_bytes(ByteView bytes) {
    if (bytes.size() != kModulusBytes) {
      return Error{ErrorCode::malformed,
                   "a plaintext has 384 bytes, not " + std::to_string(bytes.size())};
    }
    Plaintext plaintext;
    std::memcpy(plaintext.span().data(), bytes.data(), kModulusBytes);
    return plaintext;
  }

  std::span<const std::uint64_t, kModulusLimbs> view() const { return number_.view(); }
  std::span<std::uint64_t, kModulusLimbs> span() { return number_.span(); }
  ByteView bytes() const { return bytes_of(view()); }

 private:
  SecretLimbs<kModulusLimbs> number_;
};

}  // namespace fed::paillier
