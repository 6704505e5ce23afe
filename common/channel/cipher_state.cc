#include "channel/cipher_state.h"

#include <limits>

namespace fed::channel {
namespace {

// Reserved for rekey(): no message ever has it (section 5.1).
constexpr std::uint64_t kMaxNonce = std::numeric_limits<std::uint64_t>::max();

// Section 12: 32 bits of zeros, then n, big-endian for AESGCM and little-endian for ChaChaPoly.
crypto::Nonce nonce_of(Suite suite, std::uint64_t n) {
  crypto::Nonce nonce{};
  store_le<std::uint64_t>(nonce.data() + 4, suite == Suite::aesgcm ? __builtin_bswap64(n) : n);
  return nonce;
}

}  // namespace

void CipherState::initialize_key(crypto::KeyView key) {
  key_.set_key(key);
  n_ = 0;
}

void CipherState::encrypt_with_ad(ByteView ad, ByteSpan buffer) {
  FED_CHECK(buffer.size() >= kTagBytes);
  FED_CHECK(n_ != kMaxNonce);  // centuries away at any speed
  key_.seal(nonce_of(suite_, n_), ad, buffer.first(buffer.size() - kTagBytes), buffer);
  ++n_;
}

Result<ByteSpan> CipherState::decrypt_with_ad(ByteView ad, ByteSpan ciphertext) {
  FED_CHECK(n_ != kMaxNonce);
  Result<ByteSpan> plain = key_.open(nonce_of(suite_, n_), ad, ciphertext);
  if (plain) ++n_;
  return plain;
}

void CipherState::rekey() {
  crypto::Wiped<crypto::kKeyBytes + kTagBytes> sealed_zeros;
  const ByteSpan buffer = sealed_zeros.span();
  key_.seal(nonce_of(suite_, kMaxNonce), {}, buffer.first(crypto::kKeyBytes), buffer);
  key_.set_key(sealed_zeros.view().first<crypto::kKeyBytes>());
}

}  // namespace fed::channel
