#include "crypto/aead.h"

#include <sodium.h>

#include "crypto/init.h"

namespace fed::crypto {

static_assert(kTagBytes == crypto_aead_aes256gcm_ABYTES);
static_assert(kTagBytes == crypto_aead_chacha20poly1305_ietf_ABYTES);
static_assert(kKeyBytes == crypto_aead_aes256gcm_KEYBYTES);
static_assert(sizeof(Nonce) == crypto_aead_chacha20poly1305_ietf_NPUBBYTES);

struct AeadKey::State {
  Aead aead;
  union {
    crypto_aead_aes256gcm_state aes;  // the expanded key
    std::uint8_t chacha[kKeyBytes];
  };

  explicit State(Aead kind) : aead(kind) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { sodium_memzero(&aes, sizeof aes); }
};

bool aes_available() {
  init();
  return crypto_aead_aes256gcm_is_available() == 1;
}

bool available(Aead aead) {
  switch (aead) {
    case Aead::aes256_gcm:
      return aes_available();
    case Aead::chacha20_poly1305:
      return true;
  }
  return false;
}

Aead preferred_aead() { return aes_available() ? Aead::aes256_gcm : Aead::chacha20_poly1305; }

AeadKey::AeadKey(Aead aead, KeyView key) {
  FED_CHECK(available(aead));
  state_ = std::make_unique<State>(aead);
  set_key(key);
}

AeadKey::AeadKey(AeadKey&&) noexcept = default;
AeadKey& AeadKey::operator=(AeadKey&&) noexcept = default;
AeadKey::~AeadKey() = default;

Aead AeadKey::aead() const { return state_->aead; }

void AeadKey::set_key(KeyView key) {
  if (state_->aead == Aead::aes256_gcm) {
    crypto_aead_aes256gcm_beforenm(&state_->aes, key.data());
  } else {
    std::copy(key.begin(), key.end(), state_->chacha);
  }
}

void AeadKey::seal(const Nonce& nonce, ByteView ad, ByteView plain, ByteSpan out) const {
  FED_CHECK(out.size() == plain.size() + kTagBytes);
  if (state_->aead == Aead::aes256_gcm) {
    crypto_aead_aes256gcm_encrypt_afternm(out.data(), nullptr, plain.data(), plain.size(),
                                          ad.data(), ad.size(), nullptr, nonce.data(),
                                          &state_->aes);
  } else {
    crypto_aead_chacha20poly1305_ietf_encrypt(out.data(), nullptr, plain.data(), plain.size(),
                                              ad.data(), ad.size(), nullptr, nonce.data(),
                                              state_->chacha);
  }
}

Result<ByteSpan> AeadKey::open(const Nonce& nonce, ByteView ad, ByteSpan sealed) const {
  if (sealed.size() < kTagBytes) return Error{ErrorCode::unauthentic, "sealed bytes are cut short"};
  const ByteSpan plain = sealed.first(sealed.size() - kTagBytes);
  const int failed = state_->aead == Aead::aes256_gcm
                         ? crypto_aead_aes256gcm_decrypt_afternm(
                               plain.data(), nullptr, nullptr, sealed.data(), sealed.size(),
                               ad.data(), ad.size(), nonce.data(), &state_->aes)
                         : crypto_aead_chacha20poly1305_ietf_decrypt(
                               plain.data(), nullptr, nullptr, sealed.data(), sealed.size(),
                               ad.data(), ad.size(), nonce.data(), state_->chacha);
  if (failed != 0) {
    return Error{ErrorCode::unauthentic, "sealed bytes were altered, or sealed with another key"};
  }
  return plain;
}

}  // namespace fed::crypto
