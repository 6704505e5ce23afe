#include "secagg/keys.h"

#include "crypto/hkdf.h"

namespace fed::secagg {
namespace {

using crypto::Hash;
using crypto::KeyView;
using crypto::Scalar;
using crypto::Wiped;
using crypto::X25519KeyPair;

Wiped<32> derive(const Transcript& salt, ByteView secret) {
  Wiped<32> key;
  crypto::hkdf(salt.finish(), secret, {&key});
  return key;
}

crypto::AeadKey share_key(KeyView shared, const Hash& context, std::string_view dealer,
                          std::string_view holder) {
  const Wiped<32> key =
      derive(Transcript("share key").add(context).add(dealer).add(holder), shared);
  return crypto::AeadKey(crypto::Aead::chacha20_poly1305, key.view());
}

}  // namespace

X25519KeyPair mask_key_pair(const Scalar& secret, const Hash& terms, std::string_view id) {
  const Wiped<32> key = derive(Transcript("mask key").add(terms).add(id), secret.view());
  return X25519KeyPair(crypto::SecretKey(key.view(), crypto::Memory::plain));
}

Wiped<32> self_mask_key(const Scalar& secret, const Hash& context, std::string_view id) {
  return derive(Transcript("self mask").add(context).add(id), secret.view());
}

Result<Wiped<32>> pair_mask_key(const X25519KeyPair& mine, std::string_view my_id,
                                const crypto::PublicKey& peer, std::string_view peer_id,
                                const Hash& context) {
  FED_ASSIGN(shared, mine.dh(peer));
  const auto [low, high] = std::minmax(my_id, peer_id);
  return derive(Transcript("pair mask").add(context).add(low).add(high), shared.view());
}

Hash self_commitment(const Scalar& secret, const Hash& terms, std::string_view id) {
  return Transcript("self commitment").add(terms).add(id).add(secret.view()).finish();
}

Hash share_commitment(SecretKind kind, const Hash& context, std::string_view dealer,
                      std::string_view holder, KeyView share) {
  return Transcript("share commitment")
      .add(context)
      .add_number(static_cast<std::uint64_t>(kind))
      .add(dealer)
      .add(holder)
      .add(share)
      .finish();
}

SealedShares seal_shares(KeyView shared, const Hash& context, std::string_view dealer,
                         std::string_view holder, KeyView mask_share, KeyView self_share) {
  Wiped<64> plain;
  std::copy(self_share.begin(), self_share.end(),
            std::copy(mask_share.begin(), mask_share.end(), plain.span().begin()));
  SealedShares sealed;
  share_key(shared, context, dealer, holder).seal(crypto::Nonce{}, context, plain.view(), sealed);
  return sealed;
}

Result<Wiped<64>> open_shares(KeyView shared, const Hash& context, std::string_view dealer,
                              std::string_view holder, const SealedShares& sealed) {
  SealedShares buffer = sealed;
  const auto opened =
      share_key(shared, context, dealer, holder).open(crypto::Nonce{}, context, buffer);
  if (!opened) return opened.error();
  Wiped<64> plain(std::span<const std::uint8_t, 64>(opened->data(), 64));
  crypto::wipe(buffer);
  return plain;
}

}  // namespace fed::secagg
