#include "crypto/hash.h"

#include <nettle/hmac.h>
#include <nettle/sha2.h>

#include <new>

#include "crypto/secret.h"

namespace fed::crypto {
namespace {

using State = sha256_ctx;

State* state_in(std::byte* storage) { return std::launder(reinterpret_cast<State*>(storage)); }

}  // namespace

Hash sha256(ByteView bytes) {
  Sha256 hasher;
  hasher.update(bytes);
  return hasher.finish();
}

Sha256::Sha256() {
  static_assert(sizeof(State) <= sizeof(state_) && alignof(State) <= 8);
  sha256_init(new (state_.data()) State);
}

void Sha256::update(ByteView bytes) {
  sha256_update(state_in(state_.data()), bytes.size(), bytes.data());
}

Hash Sha256::finish() const {
  Sha256 copy = *this;
  Hash out;
  sha256_digest(state_in(copy.state_.data()), out.size(), out.data());
  return out;
}

Hash hmac_sha256(ByteView key, std::initializer_list<ByteView> parts) {
  hmac_sha256_ctx state;
  hmac_sha256_set_key(&state, key.size(), key.data());
  for (ByteView part : parts) hmac_sha256_update(&state, part.size(), part.data());
  Hash out;
  hmac_sha256_digest(&state, out.size(), out.data());
  wipe({reinterpret_cast<std::uint8_t*>(&state), sizeof state});
  return out;
}

}  // namespace fed::crypto
