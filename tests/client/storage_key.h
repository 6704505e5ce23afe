// Storage keys for tests: the same one for the same number.
#pragma once

#include "session/storage_key.h"

namespace fed::test {

inline session::StorageKey storage_key(std::uint8_t number = 1) {
  std::array<std::uint8_t, crypto::kKeyBytes> secret;
  secret.fill(number);
  return session::StorageKey::derive(crypto::SecretKey(secret, crypto::Memory::plain));
}

}  // namespace fed::test
