#include <algorithm>
#include <catch2/catch.hpp>

#include "crypto/ed25519.h"
#include "crypto/x25519.h"

namespace fed::crypto {
namespace {

template <std::size_t N = 32>
std::array<std::uint8_t, N> hex(std::string_view digits) {
  const Bytes bytes = from_hex(digits).value();
  REQUIRE(bytes.size() == N);
  std::array<std::uint8_t, N> out{};
  std::copy(bytes.begin(), bytes.end(), out.begin());
  return out;
}
SecretKey secret(std::string_view digits) { return SecretKey(hex(digits), Memory::plain); }

std::string shared(std::string_view private_key, std::string_view public_key) {
  return to_hex(X25519KeyPair(secret(private_key)).dh(hex(public_key)).value().view());
}

TEST_CASE("X25519 gives the vectors of RFC 7748, section 5.2") {
  CHECK(shared("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
               "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c") ==
        "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");

  std::string k = "0900000000000000000000000000000000000000000000000000000000000000";
  std::string u = k;
  for (int i = 1; i <= 1000; ++i) {
    const std::string next = shared(k, u);
    u = std::exchange(k, next);
    if (i == 1) CHECK(k == "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079");
  }
  CHECK(k == "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51");
}

TEST_CASE("X25519 gives the Diffie-Hellman of RFC 7748, section 6.1") {
  const char* bob = "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb";
  CHECK(to_hex(X25519KeyPair(secret(bob)).public_key()) ==
        "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
  CHECK(shared(bob, "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a") ==
        "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
}

TEST_CASE("generated X25519 pairs differ and agree on a secret") {
  const auto a = X25519KeyPair::generate();
  const auto b = X25519KeyPair::generate(Memory::plain);
  CHECK(a.public_key() != b.public_key());
  const auto ab = a.dh(b.public_key());
  const auto ba = b.dh(a.public_key());
  CHECK(constant_time_equal(ab->view(), ba->view()));
}

TEST_CASE("public keys of small order are refused") {
  // From "May the Fourth Be With You" (Cremers and Jackson 2019): the points of order 1, 2, 4
  // and 8.
  const auto own = X25519KeyPair::generate(Memory::plain);
  for (const char* point : {"0000000000000000000000000000000000000000000000000000000000000000",
                            "0100000000000000000000000000000000000000000000000000000000000000",
                            "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
                            "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
                            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"}) {
    const auto result = own.dh(hex(point));
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().code == ErrorCode::unauthentic);
  }
}

struct SignatureVector {
  const char* seed;
  const char* verify_key;
  const char* message;
  const char* signature;
};

// RFC 8032, section 7.1, tests 1 to 3.
const SignatureVector kSignatures[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9"
     "b46bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f1"
     "1d8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984d"
     "c6594a7c15e9716ed28dc027beceea1ec40a"},
};

TEST_CASE("Ed25519 gives the vectors of RFC 8032") {
  for (const SignatureVector& vector : kSignatures) {
    const Ed25519KeyPair pair(secret(vector.seed));
    const Bytes message = from_hex(vector.message).value();
    CHECK(to_hex(pair.verify_key()) == vector.verify_key);
    CHECK(to_hex(pair.sign(message)) == vector.signature);
    CHECK(verify(hex(vector.verify_key), message, hex<64>(vector.signature)));
  }
}

TEST_CASE("a signature does not verify for anything else") {
  const auto pair = Ed25519KeyPair::generate();
  const Bytes message = copy(view("exactly this"));
  const Signature signature = pair.sign(message);
  REQUIRE(verify(pair.verify_key(), message, signature));
  for (std::size_t i = 0; i < signature.size(); ++i) {
    Signature altered = signature;
    altered[i] ^= 1;
    CHECK(verify(pair.verify_key(), message, altered).error().code == ErrorCode::unauthentic);
  }
  CHECK_FALSE(verify(pair.verify_key(), view("exactly thIs"), signature));
  CHECK_FALSE(verify(Ed25519KeyPair::generate().verify_key(), message, signature));
}

}  // namespace
}  // namespace fed::crypto
