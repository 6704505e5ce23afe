#include "crypto/x25519.h"

#include <sodium.h>

namespace fed::crypto {

X25519KeyPair::X25519KeyPair(SecretKey secret) : secret_(std::move(secret)) {
  crypto_scalarmult_base(public_key_.data(), secret_.view().data());
}

Result<Wiped<32>> X25519KeyPair::dh(const PublicKey& peer) const {
  Wiped<32> shared;
  // -1 says that the result is all zero.
  if (crypto_scalarmult(shared.span().data(), secret_.view().data(), peer.data()) != 0) {
    return Error{ErrorCode::unauthentic, "the peer's public key is of small order"};
  }
  return shared;
}

}  // namespace fed::crypto
