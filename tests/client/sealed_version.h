// A model version as a server has it.
#pragma once

#include "channel/sealed_blob.h"
#include "crypto/hash.h"
#include "wire/messages.h"

namespace fed::test {

inline constexpr std::size_t kChunk = channel::kBlobChunkBytes;

// The plain weights, the seal, and what its task says.
struct Version {
  // Some bytes.
  explicit Version(std::size_t bytes, std::uint8_t seed = 1) : Version(some_bytes(bytes, seed)) {}

  explicit Version(Bytes weights) : plain(std::move(weights)) {
    const std::size_t bytes = plain.size();
    const channel::BlobKey key{crypto::Aead::chacha20_poly1305,
                               crypto::SecretKey::random(crypto::Memory::plain)};
    const channel::SealedBlob blob(key, bytes);
    sealed.resize(channel::sealed_size(bytes));
    for (std::uint64_t i = 0; i < channel::chunk_count(bytes); ++i) {
      const auto from = channel::plain_range(bytes, i), to = channel::sealed_range(bytes, i);
      blob.seal_chunk(i, ByteView(plain).subspan(from.offset, from.bytes),
                      ByteSpan(sealed).subspan(to.offset, to.bytes));
    }
    ref.hash = crypto::sha256(plain);
    ref.bytes = bytes;
    ref.cipher = static_cast<std::uint8_t>(crypto::Aead::chacha20_poly1305);
    std::copy(key.key.view().begin(), key.key.view().end(), ref.key.begin());
  }

  static Bytes some_bytes(std::size_t bytes, std::uint8_t seed) {
    Bytes some(bytes);
    for (std::size_t i = 0; i < bytes; ++i) {
      some[i] = static_cast<std::uint8_t>(i * 31 + i / 256 + seed);
    }
    return some;
  }

  // The sealed bytes that answer a Fetch.
  ByteView from(std::uint64_t plain_offset) const {
    const std::uint64_t chunks = plain_offset / kChunk;
    return ByteView(sealed).subspan(chunks * channel::kSealedChunkBytes);
  }

  Bytes plain, sealed;
  wire::ModelRef ref;
};

}  // namespace fed::test
