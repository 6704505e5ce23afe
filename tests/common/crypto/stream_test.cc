#include <catch2/catch.hpp>
#include <numeric>

#include "crypto/chacha20.h"

namespace fed::crypto {
namespace {

Bytes stream(KeyView key, std::uint64_t first_block, std::size_t size) {
  Bytes bytes(size, 0xaa);
  chacha20_stream(key, first_block, bytes);
  return bytes;
}

Wiped<32> counting_key() {
  Wiped<32> key;
  std::iota(key.span().begin(), key.span().end(), std::uint8_t{0});
  return key;
}

TEST_CASE("the stream of ChaCha20 gives the vectors of RFC 8439, appendix A.1") {
  const Wiped<32> zero;
  CHECK(to_hex(stream(zero.view(), 0, 32)) ==
        "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7");
  CHECK(to_hex(stream(zero.view(), 1, 32)) ==
        "9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed");
}

TEST_CASE("any stretch of the stream is the same as within the whole") {
  const Wiped<32> key = counting_key();
  const Bytes whole = stream(key.view(), 0, 5000);
  for (std::size_t block : {0u, 1u, 7u, 60u}) {
    for (std::size_t size : {0u, 1u, 63u, 64u, 65u, 1000u}) {
      const auto expected = ByteView(whole).subspan(block * kChaCha20BlockBytes, size);
      CHECK(stream(key.view(), block, size) == copy(expected));
    }
  }
}

// OpenSSL's ChaCha20 with a counter of 64 bits.
TEST_CASE("the stream goes on after 2^32 blocks") {
  CHECK(to_hex(stream(counting_key().view(), (std::uint64_t{1} << 32) + 5, 32)) ==
        "95236a13dedf0cccdce8b09346caeb6f3e3f2b635fcffbef0d6fc1b364d9a23a");
}

}  // namespace
}  // namespace fed::crypto
