// Ed25519 signatures (RFC 8032): who holds the private key said exactly these bytes.
#pragma once

#include <array>

#include "crypto/secret.h"

namespace fed::crypto {

using VerifyKey = std::array<std::uint8_t, 32>;
using Signature = std::array<std::uint8_t, 64>;

// A signing key, made from its seed (the private key of RFC 8032, section 5.1.5). Move-only and
// immutable: reads are safe from any thread.
class Ed25519KeyPair {
 public:
  explicit Ed25519KeyPair(SecretKey seed);
  static Ed25519KeyPair generate() { return Ed25519KeyPair(SecretKey::random()); }

  const VerifyKey& verify_key() const { return verify_key_; }
  const SecretKey& seed() const { return seed_; }
  Signature sign(ByteView message) const;

 private:
  SecretKey seed_;
  VerifyKey verify_key_;
};

// ErrorCode::unauthentic unless `signature` is one of `message` by `key`.
Status verify(const VerifyKey& key, ByteView message, const Signature& signature);

}  // namespace fed::crypto
