#include "crypto/hash.h"

#include <catch2/catch.hpp>
#include <numeric>

#include "crypto/hkdf.h"

namespace fed::crypto {
namespace {

// The numbers 0 to 255, one a byte.
Bytes all_bytes() {
  Bytes bytes(256);
  std::iota(bytes.begin(), bytes.end(), std::uint8_t{0});
  return bytes;
}

TEST_CASE("SHA-256 gives the vectors of FIPS 180-4") {
  CHECK(to_hex(sha256({})) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(to_hex(sha256(view("abc"))) ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(to_hex(sha256(view("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"))) ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST_CASE("a stream hashes like the whole, may be asked in between and be copied") {
  const Bytes bytes = all_bytes();
  for (std::size_t step : {1u, 7u, 64u, 100u, 128u}) {
    Sha256 hasher;
    for (std::size_t at = 0; at < bytes.size(); at += step) {
      CHECK(hasher.finish() == sha256(ByteView(bytes).first(at)));
      hasher.update(ByteView(bytes).subspan(at, std::min(step, bytes.size() - at)));
    }
    Sha256 branch = hasher;
    branch.update(view("x"));
    CHECK(hasher.finish() == sha256(bytes));
    CHECK(branch.finish() != hasher.finish());
  }
}

TEST_CASE("HMAC-SHA256 gives the vectors of RFC 4231") {
  CHECK(to_hex(hmac_sha256(Bytes(20, 0x0b), {view("Hi There")})) ==
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  CHECK(to_hex(hmac_sha256(view("Jefe"), {view("what do ya want "), view("for nothing?")})) ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK(to_hex(hmac_sha256(Bytes(131, 0xaa),
                           {view("Test Using Larger Than Block-Size Key - Hash Key First")})) ==
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST_CASE("HKDF is that of RFC 5869 with an empty info (test case 3), also onto its own input") {
  const Bytes material(22, 0x0b);
  const std::string first = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d";
  Wiped<32> chaining_key;  // zeros stand for the empty salt
  Wiped<32> second, third;
  hkdf(chaining_key.view(), material, {&chaining_key, &second, &third});
  CHECK(to_hex(chaining_key.view()) == first);
  CHECK(to_hex(second.view()) ==
        "9d201395faa4b61a96c8b2fb61057244b36c6ddd287f634795e7d80d5fe26bfc");
  CHECK(to_hex(third.view()) == "36def6dc129c29271a0eb7ab14bd2ca88259f8a3a92ac2ec0e3e4fa046a4b90b");
  Wiped<32> only;
  hkdf({}, material, {&only});
  CHECK(to_hex(only.view()) == first);
}

}  // namespace
}  // namespace fed::crypto
