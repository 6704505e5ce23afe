#include "paillier/public_key.h"

#include "paillier_testing.h"

namespace fed::paillier {
namespace {

using Modulus = Limbs<kModulusLimbs>;

Error refused(const Modulus& modulus) {
  const auto key = PublicKey::from_modulus(modulus);
  REQUIRE_FALSE(key.has_value());
  CHECK(key.error().code == ErrorCode::invalid);
  return key.error();
}

Modulus from_text(const std::string& hex) {
  const Bytes bytes = little_endian(hex);
  REQUIRE(bytes.size() == kModulusBytes);
  Modulus modulus;
  std::memcpy(modulus.data(), bytes.data(), bytes.size());
  return modulus;
}

TEST_CASE("a public key survives its bytes, whose form is stated") {
  const PublicKey& key = test_public_key();
  const Bytes bytes = key.to_bytes();
  REQUIRE(bytes.size() == PublicKey::kBytes);
  CHECK(Bytes(bytes.begin(), bytes.begin() + 3) == Bytes{1, 0x80, 0x01});  // version, 384
  CHECK(Bytes(bytes.begin() + 3, bytes.end()) == modulus_bytes());
  CHECK(PublicKey::from_bytes(bytes).value() == key);
  CHECK(PublicKey::from_modulus(key.modulus()).value() == key);
}

TEST_CASE("another size, length or version is no public key") {
  const Bytes good = test_public_key().to_bytes();
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{3}, good.size() - 1}) {
    const auto refused = PublicKey::from_bytes(ByteView(good).first(size));
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == ErrorCode::malformed);
    CHECK_THAT(refused.error().detail, Catch::Contains("387 bytes, not " + std::to_string(size)));
  }
  Bytes longer = good;
  longer.push_back(0);
  CHECK(PublicKey::from_bytes(longer).error().code == ErrorCode::malformed);
  Bytes other_length = good;
  other_length[1] ^= 1;
  CHECK(PublicKey::from_bytes(other_length).error().code == ErrorCode::malformed);
  Bytes other_version = good;
  other_version[0] = 2;
  CHECK(PublicKey::from_bytes(other_version).error().code == ErrorCode::unsupported);
}

TEST_CASE("an even or a short modulus is refused") {
  Modulus modulus = test_public_key().modulus();
  modulus[0] ^= 1;
  CHECK_THAT(refused(modulus).detail, Catch::Contains("even"));
  modulus[0] ^= 1;
  modulus.back() &= ~std::uint64_t{0} >> 1;
  CHECK_THAT(refused(modulus).detail, Catch::Contains("fewer than 3,072 bits"));
  CHECK_THAT(refused({}).detail, Catch::Contains("fewer than 3,072 bits"));
}

TEST_CASE("a modulus with a small factor is refused") {
  Modulus multiple_of_three =
      test_public_key().modulus();  // 2^64 = 1 modulo 3, so one word decides
  while (PublicKey::from_modulus(multiple_of_three)) multiple_of_three[0] += 2;
  CHECK_THAT(refused(multiple_of_three).detail, Catch::Contains("small factor"));
  Modulus all_ones;
  all_ones.fill(~std::uint64_t{0});  // 2^3072 - 1
  CHECK_THAT(refused(all_ones).detail, Catch::Contains("small factor"));
}

// rest * factor, which fits.
Modulus times(const Modulus& rest, std::uint64_t factor) {
  Modulus product{};
  Wide carry = 0;
  for (std::size_t i = 0; i < kModulusLimbs; ++i) {
    carry += static_cast<Wide>(rest[i]) * factor;
    product[i] = static_cast<std::uint64_t>(carry);
    carry >>= 64;
  }
  REQUIRE(carry == 0);
  return product;
}

TEST_CASE("factors are looked for up to 65,521, the last prime below 2^16") {
  // 3 * 2^3054 - 13 has no prime factor below 2^17 (sieved in Python).
  Modulus rest;
  rest.fill(~std::uint64_t{0});
  rest.back() = (std::uint64_t{3} << 46) - 1;
  rest[0] -= 12;
  CHECK_THAT(refused(times(rest, 65521)).detail, Catch::Contains("small factor"));
  CHECK(PublicKey::from_modulus(times(rest, 65537)).has_value());
}

TEST_CASE("a prime modulus and a square are refused") {
  SecretLimbs<kPrimeLimbs> root;
  const Bytes p = little_endian(kTestP);
  std::memcpy(root.span().data(), p.data(), p.size());
  Modulus square{};
  for (std::size_t i = 0; i < kPrimeLimbs; ++i) {
    Wide carry = 0;
    for (std::size_t j = 0; j < kPrimeLimbs; ++j) {
      carry += square[i + j] + static_cast<Wide>(root.view()[i]) * root.view()[j];
      square[i + j] = static_cast<std::uint64_t>(carry);
      carry >>= 64;
    }
    square[i + kPrimeLimbs] = static_cast<std::uint64_t>(carry);
  }
  CHECK_THAT(refused(square).detail, Catch::Contains("power"));
  // The prime modulus of the 3,072-bit MODP group, RFC 3526, section 4.
  const std::string group15 =
      "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E34"
      "04"
      "DDEF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F4"
      "06"
      "B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8"
      "FD"
      "24CF5F83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E"
      "46"
      "2E36CE3BE39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2"
      "26"
      "1898FA051015728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3"
      "97"
      "0F85A6E1E4C7ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864D87602733EC86A64"
      "52"
      "1F2B18177B200CBBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2"
      "CA"
      "FFFFFFFFFFFFFFFF";
  CHECK_THAT(refused(from_text(group15)).detail, Catch::Contains("is a prime"));
}

}  // namespace
}  // namespace fed::paillier
