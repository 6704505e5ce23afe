#include "crypto/hash.h"

#include <sodium.h>

#include <new>

namespace fed::crypto {
namespace {

using Blake2b = crypto_generichash_state;
using Sha256State = crypto_hash_sha256_state;

// The library forbids null pointers, which empty views may hold.
const std::uint8_t* or_nowhere(ByteView bytes) {
  static constexpr std::uint8_t nowhere = 0;
  return bytes.empty() ? &nowhere : bytes.data();
}

Blake2b* blake2b(std::byte* storage) { return std::launder(reinterpret_cast<Blake2b*>(storage)); }
Sha256State* sha256_state(std::byte* storage) {
  return std::launder(reinterpret_cast<Sha256State*>(storage));
}

}  // namespace

Hash hash(ByteView bytes) {
  Hash out;
  crypto_generichash(out.data(), out.size(), or_nowhere(bytes), bytes.size(), nullptr, 0);
  return out;
}

Hasher::Hasher() {
  static_assert(sizeof(Blake2b) <= sizeof(state_) && alignof(Blake2b) <= 64);
  crypto_generichash_init(new (state_.data()) Blake2b, nullptr, 0, sizeof(Hash));
}

void Hasher::update(ByteView bytes) {
  crypto_generichash_update(blake2b(state_.data()), or_nowhere(bytes), bytes.size());
}

Hash Hasher::finish() const {
  Hasher copy = *this;
  Hash out;
  crypto_generichash_final(blake2b(copy.state_.data()), out.data(), out.size());
  return out;
}

Hash sha256(ByteView bytes) {
  Hash out;
  crypto_hash_sha256(out.data(), or_nowhere(bytes), bytes.size());
  return out;
}

Sha256::Sha256() {
  static_assert(sizeof(Sha256State) <= sizeof(state_) && alignof(Sha256State) <= 8);
  crypto_hash_sha256_init(new (state_.data()) Sha256State);
}

void Sha256::update(ByteView bytes) {
  crypto_hash_sha256_update(sha256_state(state_.data()), or_nowhere(bytes), bytes.size());
}

Hash Sha256::finish() const {
  Sha256 copy = *this;
  Hash out;
  crypto_hash_sha256_final(sha256_state(copy.state_.data()), out.data());
  return out;
}

Hash hmac_sha256(ByteView key, std::initializer_list<ByteView> parts) {
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, or_nowhere(key), key.size());
  for (ByteView part : parts) crypto_auth_hmacsha256_update(&state, or_nowhere(part), part.size());
  Hash out;
  crypto_auth_hmacsha256_final(&state, out.data());
  sodium_memzero(&state, sizeof state);
  return out;
}

}  // namespace fed::crypto
