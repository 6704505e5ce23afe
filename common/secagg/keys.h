// Every key, seed and commitment of the protocol, each from one secret and one label.
//
// Derivation is HKDF (RFC 5869, SHA-256) with the secret as input key material, the hash of a
// transcript (terms.h: purpose, context, ids) as salt, an empty info and one output of 32 bytes.
// What is shared with the neighbours is a scalar of 252 random bits; private key and mask seed are
// derived from it, so exactly that needs to be rebuilt.
//
// Commitments are SHA-256 of the value in a transcript. The values are scalars that nobody can
// guess, so a commitment hides them, and it binds as SHA-256 resists collisions. They let the
// server see at once which holder returned a wrong share, and which dealer dealt them wrongly. Free
// functions, thread-safe.
#pragma once

#include "crypto/aead.h"
#include "crypto/scalar.h"
#include "secagg/roster.h"

namespace fed::secagg {

// Which of a client's two secrets: the one that removes its pairwise masks if it drops out, or the
// one that removes its own mask if it stays. The values are part of what is hashed.
enum class SecretKind : std::uint8_t { mask_key = 1, self_mask = 2 };

// Purposes "mask key" (bound to terms and id; the roster does not exist yet), and "self mask".
crypto::X25519KeyPair mask_key_pair(const crypto::Scalar& secret, const crypto::Hash& terms,
                                    std::string_view id);
crypto::Wiped<32> self_mask_key(const crypto::Scalar& secret, const crypto::Hash& context,
                                std::string_view id);

// The same for both: X25519 of their mask keys, purpose "pair mask", ids in ascending order.
// ErrorCode::unauthentic for a public key of small order.
Result<crypto::Wiped<32>> pair_mask_key(const crypto::X25519KeyPair& mine, std::string_view my_id,
                                        const crypto::PublicKey& peer, std::string_view peer_id,
                                        const crypto::Hash& context);

crypto::Hash self_commitment(const crypto::Scalar& secret, const crypto::Hash& terms,
                             std::string_view id);
crypto::Hash share_commitment(SecretKind kind, const crypto::Hash& context, std::string_view dealer,
                              std::string_view holder, crypto::KeyView share);

// The two shares of a dealer for a holder, encrypted: mask key's, then self mask's, then a tag.
using SealedShares = std::array<std::uint8_t, 64 + crypto::kTagBytes>;

// ChaCha20-Poly1305 under a key (purpose "share key", dealer, holder) derived from `shared`, the
// X25519 of their share keys. The key serves one message in one direction, so the nonce is zero.
SealedShares seal_shares(crypto::KeyView shared, const crypto::Hash& context,
                         std::string_view dealer, std::string_view holder,
                         crypto::KeyView mask_share, crypto::KeyView self_share);

// ErrorCode::unauthentic if they were sealed for others or in another context, or were altered.
Result<crypto::Wiped<64>> open_shares(crypto::KeyView shared, const crypto::Hash& context,
                                      std::string_view dealer, std::string_view holder,
                                      const SealedShares& sealed);

}  // namespace fed::secagg
