#include "channel/sealed_blob.h"

#include <catch2/catch.hpp>

#include "channel_testing.h"

namespace fed::channel {
namespace {

std::vector<crypto::Aead> aeads() {
  std::vector<crypto::Aead> all{crypto::Aead::chacha20_poly1305};
  if (crypto::aes_available()) all.push_back(crypto::Aead::aes256_gcm);
  return all;
}

BlobKey counting_key(crypto::Aead aead) {
  Bytes key(32);
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<std::uint8_t>(i);
  return BlobKey::from(static_cast<std::uint8_t>(aead), crypto::KeyView(key.data(), 32)).value();
}

Bytes seal(const SealedBlob& blob, const Bytes& plain) {
  Bytes out(sealed_size(plain.size()));
  for (std::uint64_t i = 0; i < chunk_count(plain.size()); ++i) {
    const ByteRange from = plain_range(plain.size(), i);
    const ByteRange to = sealed_range(plain.size(), i);
    blob.seal_chunk(i, ByteView(plain).subspan(from.offset, from.bytes),
                    ByteSpan(out).subspan(to.offset, to.bytes));
  }
  return out;
}

TEST_CASE("chunks lie where the format says, for sizes beyond 4 GB too") {
  CHECK(chunk_count(0) == 0);
  CHECK(sealed_size(0) == 0);
  CHECK(sealed_size(1) == 17);
  CHECK(sealed_size(65536) == 65552);
  CHECK(sealed_size(65537) == 65552 + 17);
  CHECK(sealed_range(65537, 0) == ByteRange{0, 65552});
  CHECK(sealed_range(65537, 1) == ByteRange{65552, 17});
  CHECK(plain_range(65537, 1) == ByteRange{65536, 1});

  const std::uint64_t huge = 10'000'000'001;
  const std::uint64_t last = chunk_count(huge) - 1;
  CHECK(last == 152587);
  CHECK(plain_range(huge, last) == ByteRange{152587ull * 65536, 58369});
  CHECK(sealed_range(huge, last).offset == 152587ull * 65552);
  CHECK(sealed_range(huge, last).offset + sealed_range(huge, last).bytes == sealed_size(huge));
}

TEST_CASE("ranges tile the plaintext and the sealed file without a gap") {
  for (std::uint64_t size : {1ull, 15ull, 65535ull, 65536ull, 65537ull, 200000ull, 196608ull}) {
    std::uint64_t plain_end = 0;
    std::uint64_t sealed_end = 0;
    for (std::uint64_t i = 0; i < chunk_count(size); ++i) {
      CHECK(plain_range(size, i).offset == plain_end);
      CHECK(sealed_range(size, i).offset == sealed_end);
      CHECK(plain_range(size, i).bytes > 0);
      plain_end += plain_range(size, i).bytes;
      sealed_end += sealed_range(size, i).bytes;
    }
    CHECK(plain_end == size);
    CHECK(sealed_end == sealed_size(size));
  }
}

TEST_CASE("a blob comes back, its chunks in any order") {
  for (crypto::Aead aead : aeads()) {
    const BlobKey key = counting_key(aead);
    for (std::size_t size : {1u, 65536u, 200001u}) {
      Bytes plain(size);
      crypto::random_bytes(plain);
      const SealedBlob blob(key, size);
      Bytes sealed = seal(blob, plain);
      for (std::uint64_t i = chunk_count(size); i-- > 0;) {
        const ByteRange at = sealed_range(size, i);
        const auto opened = blob.open_chunk(i, ByteSpan(sealed).subspan(at.offset, at.bytes));
        REQUIRE(opened.has_value());
        const ByteRange range = plain_range(size, i);
        CHECK(std::equal(opened->begin(), opened->end(),
                         plain.begin() + static_cast<std::ptrdiff_t>(range.offset),
                         plain.begin() + static_cast<std::ptrdiff_t>(range.offset + range.bytes)));
      }
    }
  }
}

TEST_CASE("the last chunk is what python3-cryptography makes of it") {
  const struct {
    crypto::Aead aead;
    const char* sealed;
  } expected[] = {
      {crypto::Aead::aes256_gcm, "80f911e8af878bb59b3c7d6ef3172b3a85edf4"},
      {crypto::Aead::chacha20_poly1305, "fa39971e1c48659556200c23be61d2ac736647"},
  };
  for (const auto& row : expected) {
    if (!crypto::available(row.aead)) continue;
    const SealedBlob blob(counting_key(row.aead), 65536 + 3);
    Bytes out(3 + crypto::kTagBytes);
    blob.seal_chunk(1, view("end"), out);
    CHECK(to_hex(out) == row.sealed);
  }
}

TEST_CASE("a chunk opens only in its place, in a blob of its size, and unchanged") {
  for (crypto::Aead aead : aeads()) {
    const BlobKey key = counting_key(aead);
    const std::size_t size = 2 * kBlobChunkBytes + 40;
    const SealedBlob blob(key, size);
    const Bytes sealed = seal(blob, Bytes(size, 7));
    const Bytes first(sealed.begin(), sealed.begin() + kSealedChunkBytes);
    const Bytes last(sealed.begin() + 2 * kSealedChunkBytes, sealed.end());
    const auto error_of = [](const SealedBlob& in, std::uint64_t index, Bytes chunk) {
      const auto opened = in.open_chunk(index, chunk);
      return opened ? std::optional<ErrorCode>() : opened.error().code;
    };
    CHECK(error_of(blob, 0, first) == std::nullopt);
    CHECK(error_of(blob, 2, last) == std::nullopt);
    CHECK(error_of(blob, 1, first) == ErrorCode::unauthentic);
    CHECK(error_of(blob, 2, first) == ErrorCode::mismatch);
    CHECK(error_of(blob, 3, last) == ErrorCode::mismatch);
    CHECK(error_of(blob, ~0ull, first) == ErrorCode::mismatch);

    // Another total size: the first chunk has the same place and length there, but does not open.
    CHECK(error_of(SealedBlob(key, size - 40), 0, first) == ErrorCode::unauthentic);
    CHECK(error_of(SealedBlob(key, size + 1), 0, first) == ErrorCode::unauthentic);
    CHECK(error_of(SealedBlob(BlobKey::random(), size), 0, first) == ErrorCode::unauthentic);

    for (std::size_t i = 0; i < last.size(); ++i) {
      Bytes altered = last;
      altered[i] ^= 4;
      CHECK(error_of(blob, 2, altered) == ErrorCode::unauthentic);
      CHECK(error_of(blob, 2, Bytes(last.begin(), last.begin() + static_cast<std::ptrdiff_t>(i))) ==
            ErrorCode::mismatch);
    }
  }
}

TEST_CASE("blob keys are fresh, use an available cipher, and refuse unknown ones") {
  const BlobKey a = BlobKey::random();
  const BlobKey b = BlobKey::random();
  CHECK_FALSE(crypto::constant_time_equal(a.key.view(), b.key.view()));
  CHECK(crypto::available(a.aead));
  for (int number : {0, 3, 255}) {
    const auto refused = BlobKey::from(static_cast<std::uint8_t>(number), key_of(1).view());
    CHECK(refused.error().code == ErrorCode::unsupported);
  }
}

}  // namespace
}  // namespace fed::channel
