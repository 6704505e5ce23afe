#include "channel/sealed_blob.h"

#include <algorithm>
#include <array>

namespace fed::channel {
namespace {

crypto::Nonce nonce_of(std::uint64_t index) {
  crypto::Nonce nonce{};
  store_le<std::uint64_t>(nonce.data() + 4, index);
  return nonce;
}

std::array<std::uint8_t, 8> ad_of(std::uint64_t plain_bytes) {
  std::array<std::uint8_t, 8> ad;
  store_le<std::uint64_t>(ad.data(), plain_bytes);
  return ad;
}

}  // namespace

std::uint64_t chunk_count(std::uint64_t plain_bytes) {
  FED_CHECK(plain_bytes <= kBlobBytesMax);
  return (plain_bytes + kBlobChunkBytes - 1) / kBlobChunkBytes;
}

std::uint64_t sealed_size(std::uint64_t plain_bytes) {
  return plain_bytes + chunk_count(plain_bytes) * crypto::kTagBytes;
}

ByteRange plain_range(std::uint64_t plain_bytes, std::uint64_t index) {
  FED_CHECK(index < chunk_count(plain_bytes));
  const std::uint64_t offset = index * kBlobChunkBytes;
  return {offset,
          static_cast<std::size_t>(std::min<std::uint64_t>(kBlobChunkBytes, plain_bytes - offset))};
}

ByteRange sealed_range(std::uint64_t plain_bytes, std::uint64_t index) {
  return {index * kSealedChunkBytes, plain_range(plain_bytes, index).bytes + crypto::kTagBytes};
}

BlobKey BlobKey::random() { return {crypto::preferred_aead(), crypto::SecretKey::random()}; }

Result<BlobKey> BlobKey::from(std::uint8_t aead, crypto::KeyView key) {
  if (!crypto::available(crypto::Aead{aead})) {
    return Error{ErrorCode::unsupported,
                 "the model is sealed with a cipher (number " + std::to_string(aead) +
                     ") that this machine does not have: the server must use ChaCha20-Poly1305"};
  }
  return BlobKey{crypto::Aead{aead}, crypto::SecretKey(key)};
}

SealedBlob::SealedBlob(const BlobKey& key, std::uint64_t plain_bytes)
    : key_(key.aead, key.key.view()), plain_bytes_(plain_bytes) {
  FED_CHECK(plain_bytes <= kBlobBytesMax);
}

void SealedBlob::seal_chunk(std::uint64_t index, ByteView plain, ByteSpan out) const {
  FED_CHECK(plain.size() == plain_range(plain_bytes_, index).bytes);
  key_.seal(nonce_of(index), ad_of(plain_bytes_), plain, out);
}

Result<ByteSpan> SealedBlob::open_chunk(std::uint64_t index, ByteSpan sealed) const {
  if (index >= chunk_count(plain_bytes_) ||
      sealed.size() != sealed_range(plain_bytes_, index).bytes) {
    return Error{ErrorCode::mismatch, "not a chunk of this sealed model"};
  }
  return key_.open(nonce_of(index), ad_of(plain_bytes_), sealed);
}

}  // namespace fed::channel
