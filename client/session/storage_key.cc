#include "session/storage_key.h"

#include <algorithm>

#include "crypto/hkdf.h"

namespace fed::session {
namespace {

constexpr std::string_view kLabel = "fedclient, trained work at rest, version 1";

}  // namespace

StorageKey StorageKey::derive(const crypto::SecretKey& long_term) {
  crypto::Wiped<crypto::kKeyBytes> key, known;
  crypto::hkdf(fed::view(kLabel), long_term.view(), {&key, &known});
  KeyId id{};
  std::copy_n(known.view().begin(), id.size(), id.begin());
  return StorageKey(crypto::SecretKey(key.view()), id);
}

}  // namespace fed::session
