#include "secure_peers.h"

namespace fed::bench {

using crypto::Scalar;

Peer make_peer(const secagg::World& world, std::size_t client) {
  const secagg::ClientId id = secagg::World::id(client);
  const crypto::Hash terms = hash_of(world.terms);
  const auto random = secagg::seeded(world.options.seed, "peer " + id);
  Scalar mask_scalar = Scalar::random(random), self_scalar = Scalar::random(random);
  crypto::Wiped<32> share_secret;
  random(share_secret.span());
  crypto::X25519KeyPair mask_key = secagg::mask_key_pair(mask_scalar, terms, id);
  crypto::X25519KeyPair share_key(crypto::SecretKey(share_secret.view(), crypto::Memory::plain));
  secagg::SignedKeys keys;
  keys.id = id;
  keys.mask_key = mask_key.public_key();
  keys.share_key = share_key.public_key();
  keys.self_commitment = secagg::self_commitment(self_scalar, terms, id);
  keys.signature = world.identity(client).sign(statement(keys, terms));
  return {std::move(mask_scalar), std::move(self_scalar), std::move(mask_key), std::move(share_key),
          std::move(keys)};
}

secagg::Options secure_options(std::size_t count, std::uint64_t length) {
  return {.clients = count,
          .seed = 1,
          .modulus_bits = 32,
          .length = length,
          .threat = {secagg::Adversary::semi_malicious, 50, 300}};
}

}  // namespace fed::bench
