#include "crypto/ed25519.h"

#include <sodium.h>

namespace fed::crypto {
namespace {

using Expanded = Wiped<crypto_sign_SECRETKEYBYTES>;

}  // namespace

Ed25519KeyPair::Ed25519KeyPair(SecretKey seed) : seed_(std::move(seed)) {
  Expanded expanded;
  crypto_sign_seed_keypair(verify_key_.data(), expanded.span().data(), seed_.view().data());
}

Signature Ed25519KeyPair::sign(ByteView message) const {
  // libsodium's secret key is the seed followed by the public key.
  Expanded expanded;
  const auto tail = std::copy(seed_.view().begin(), seed_.view().end(), expanded.span().begin());
  std::copy(verify_key_.begin(), verify_key_.end(), tail);
  Signature signature;
  crypto_sign_detached(signature.data(), nullptr, message.data(), message.size(),
                       expanded.view().data());
  return signature;
}

Status verify(const VerifyKey& key, ByteView message, const Signature& signature) {
  if (crypto_sign_verify_detached(signature.data(), message.data(), message.size(), key.data()) !=
      0) {
    return Error{ErrorCode::unauthentic, "the signature does not verify"};
  }
  return {};
}

}  // namespace fed::crypto
