// The key under which this client keeps its trained work on its disk.
//
// HKDF (RFC 5869) of the client's long-term private key, with a label of its own: nothing that is
// sealed here can be confused with what the same private key does in a handshake, and nothing of
// it can be computed back. Who has the state folder but not the key file reads nothing; who has
// both reads all.
#pragma once

#include <array>
#include <cstdint>

#include "crypto/secret.h"

namespace fed::session {

// Tells storage keys apart and says nothing else about them.
using KeyId = std::array<std::uint8_t, 8>;

// In locked memory, wiped on destruction. Move-only and immutable: reads are safe from any thread.
class StorageKey {
 public:
  // Of `long_term`, the private key whose file stands for this client.
  static StorageKey derive(const crypto::SecretKey& long_term);

  crypto::KeyView view() const { return key_.view(); }
  const KeyId& id() const { return id_; }

 private:
  StorageKey(crypto::SecretKey key, const KeyId& id) : key_(std::move(key)), id_(id) {}

  crypto::SecretKey key_;
  KeyId id_;
};

}  // namespace fed::session
