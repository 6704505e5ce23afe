// Authenticated encryption with associated data: AES-256-GCM and ChaCha20-Poly1305 behind one
// object.
//
// AES-256-GCM needs the processor's AES instructions (see aes_available); ChaCha20-Poly1305 (RFC
// 8439) runs anywhere. A pair of key and nonce must never seal two different texts: who holds the
// key counts the nonces.
#pragma once

#include <array>
#include <cstddef>
#include <memory>

#include "base/bytes.h"
#include "crypto/secret.h"

namespace fed::crypto {

// The values are written to the wire and to files.
enum class Aead : std::uint8_t { aes256_gcm = 1, chacha20_poly1305 = 2 };

inline constexpr std::size_t kTagBytes = 16;
using Nonce = std::array<std::uint8_t, 12>;

// Whether this processor can do AES-256-GCM.
bool aes_available();
// Whether this machine can use `aead`. False for a value outside the enum.
bool available(Aead aead);
// AES-256-GCM where it is available, since it is the faster one there.
Aead preferred_aead();

// A key ready for use (the AES key schedule is computed once), wiped on destruction. Move-only; a
// moved-from object may only be destroyed or assigned to. seal and open are const and safe from any
// thread; set_key is not.
class AeadKey {
 public:
  // available(aead) must hold.
  AeadKey(Aead aead, KeyView key);
  AeadKey(AeadKey&&) noexcept;
  AeadKey& operator=(AeadKey&&) noexcept;
  ~AeadKey();

  Aead aead() const;
  void set_key(KeyView key);

  // Writes plain.size() + kTagBytes bytes of ciphertext to `out`, which has exactly that size and
  // may start at plain.data() (in place) but not overlap it otherwise.
  void seal(const Nonce& nonce, ByteView ad, ByteView plain, ByteSpan out) const;

  // Opens in place: `sealed` is what seal wrote; the plaintext is its front. Error unauthentic if a
  // bit of the key, nonce, ad or ciphertext differs or `sealed` is shorter than a tag; its content
  // is then unspecified, but never the plaintext.
  Result<ByteSpan> open(const Nonce& nonce, ByteView ad, ByteSpan sealed) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace fed::crypto
