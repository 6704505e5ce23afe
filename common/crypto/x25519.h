// X25519 (RFC 7748): key pairs and Diffie-Hellman.
#pragma once

#include <array>

#include "crypto/secret.h"

namespace fed::crypto {

using PublicKey = std::array<std::uint8_t, 32>;

// A private key and its public key. Move-only and immutable: reads are safe from any thread.
class X25519KeyPair {
 public:
  // Any 32 bytes are a private key (RFC 7748, section 5: the function itself clamps them).
  explicit X25519KeyPair(SecretKey secret);
  static X25519KeyPair generate(Memory memory = Memory::locked) {
    return X25519KeyPair(SecretKey::random(memory));
  }

  const PublicKey& public_key() const { return public_key_; }
  const SecretKey& secret() const { return secret_; }

  // The shared secret with `peer`. ErrorCode::unauthentic for a `peer` of small order, whose result
  // would be all zero whatever our key (RFC 7748, section 6.1).
  Result<Wiped<32>> dh(const PublicKey& peer) const;

 private:
  SecretKey secret_;
  PublicKey public_key_;
};

}  // namespace fed::crypto
