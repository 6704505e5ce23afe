#include "crypto/secret.h"

#include <sodium.h>

#include <new>

#include "crypto/init.h"
#include "crypto/random.h"

namespace fed::crypto {

void wipe(ByteSpan bytes) { sodium_memzero(bytes.data(), bytes.size()); }

bool constant_time_equal(ByteView a, ByteView b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

SecretKey::SecretKey(KeyView from, Memory memory) {
  init();
  if (memory == Memory::locked) {
    // sodium_malloc ignores a failed mlock. Locks do not nest, so asking once more for the same
    // page is harmless and tells whether it holds; sodium_free unlocks.
    auto* bytes = static_cast<std::uint8_t*>(sodium_malloc(kKeyBytes));
    if (bytes == nullptr) throw std::bad_alloc();
    locked_ = sodium_mlock(bytes, kKeyBytes) == 0;
    bytes_ = {bytes, Release{memory}};
  } else {
    bytes_ = {new std::uint8_t[kKeyBytes], Release{memory}};
  }
  std::copy(from.begin(), from.end(), bytes_.get());
}

SecretKey SecretKey::random(Memory memory) {
  Wiped<kKeyBytes> bytes;
  random_bytes(bytes.span());
  return SecretKey(bytes.view(), memory);
}

KeyView SecretKey::view() const {
  FED_CHECK(bytes_ != nullptr);
  return KeyView(bytes_.get(), kKeyBytes);
}

void SecretKey::Release::operator()(std::uint8_t* bytes) const {
  if (memory == Memory::locked) {
    sodium_free(bytes);  // wipes
    return;
  }
  sodium_memzero(bytes, kKeyBytes);
  delete[] bytes;
}

}  // namespace fed::crypto
