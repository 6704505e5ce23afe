// A model version, sealed once for everybody who may read it.
//
// The plaintext is cut into chunks of 64 KiB; chunk i is sealed with nonce i and lies at offset i *
// (65536 + 16) of the sealed file, the last one being shorter. The key is random, made for this
// version, and travels inside each member's secure channel; the ciphertext is the same for all and
// needs no protection. The plaintext's size is every chunk's associated data, so a chunk opens only
// at its place in a blob of exactly that size; where chunks end follows from the size, so a cut is
// seen.
//
// A member of the cohort holds the key and could therefore seal something else: the hash of the
// plain bytes, which also travels in the secure channel, guards against that. Sizes are 64 bits: a
// blob may exceed 4 GB.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "crypto/aead.h"
#include "crypto/secret.h"

namespace fed::channel {

inline constexpr std::size_t kBlobChunkBytes = 65536;
inline constexpr std::size_t kSealedChunkBytes = kBlobChunkBytes + crypto::kTagBytes;
inline constexpr std::uint64_t kBlobBytesMax = std::uint64_t{1} << 56;

struct ByteRange {
  std::uint64_t offset;
  std::size_t bytes;

  bool operator==(const ByteRange&) const = default;
};

// Arithmetic, for `plain_bytes` of at most kBlobBytesMax. An empty blob has no chunks and is sealed
// as nothing.
std::uint64_t chunk_count(std::uint64_t plain_bytes);
std::uint64_t sealed_size(std::uint64_t plain_bytes);
// Where chunk `index` < chunk_count(plain_bytes) lies in the plaintext, and in the sealed file.
ByteRange plain_range(std::uint64_t plain_bytes, std::uint64_t index);
ByteRange sealed_range(std::uint64_t plain_bytes, std::uint64_t index);

// What a reader needs besides the ciphertext and its size. The key is wiped. Move-only.
struct BlobKey {
  crypto::Aead aead;
  crypto::SecretKey key;

  // Fresh, for one blob: a key must never seal two different plaintexts.
  static BlobKey random();
  // As received from the server. Errors: unsupported for an aead that this machine lacks (or that
  // does not exist).
  static Result<BlobKey> from(std::uint8_t aead, crypto::KeyView key);
};

// Seals and opens the chunks of one blob, in any order. All functions are const and safe from any
// thread at once.
class SealedBlob {
 public:
  // `plain_bytes` is at most kBlobBytesMax.
  SealedBlob(const BlobKey& key, std::uint64_t plain_bytes);

  std::uint64_t plain_bytes() const { return plain_bytes_; }

  // Writes chunk `index` to `out`. The sizes are those of plain_range and sealed_range; anything
  // else is a bug.
  void seal_chunk(std::uint64_t index, ByteView plain, ByteSpan out) const;

  // Opens chunk `index` in place and returns its plaintext. Errors: mismatch if there is no such
  // chunk or it has another size; unauthentic if it is not what was sealed there.
  Result<ByteSpan> open_chunk(std::uint64_t index, ByteSpan sealed) const;

 private:
  crypto::AeadKey key_;
  std::uint64_t plain_bytes_;
};

}  // namespace fed::channel
