// The other clients of a secure sum, without what they would compute for themselves: keys, and a
// roster that anybody accepts. A cohort of a thousand clients of which each verifies all others
// would take minutes; what is measured is one client, or the server, and these see no difference.
#pragma once

#include "secagg/keys.h"
#include "world.h"

namespace fed::bench {

// What a client makes when it is told the terms. Move-only; reads are thread-safe.
struct Peer {
  crypto::Scalar mask_scalar, self_scalar;
  crypto::X25519KeyPair mask_key, share_key;
  secagg::SignedKeys keys;
};

Peer make_peer(const secagg::World& world, std::size_t client);

// `count` clients, of whom up to 5 % are corrupted and 30 % drop out, and vectors of `length`
// elements of 32 bits.
secagg::Options secure_options(std::size_t count, std::uint64_t length);

}  // namespace fed::bench
