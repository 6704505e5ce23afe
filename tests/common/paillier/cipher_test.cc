#include "paillier/cipher.h"

#include "crypto/random.h"
#include "paillier_testing.h"

namespace fed::paillier {
namespace {

Bytes decrypted(const Ciphertext& ciphertext) {
  return copy(test_key().decrypt(ciphertext).value().bytes());
}

Bytes number(std::uint64_t value) { return copy(small(value).bytes()); }

Plaintext of_bytes(const Bytes& bytes) { return Plaintext::from_bytes(bytes).value(); }

// n - 1, since n is odd.
Bytes largest() {
  Bytes bytes = modulus_bytes();
  bytes[0] ^= 1;
  return bytes;
}

TEST_CASE("what is encrypted comes back, from 0 to n - 1") {
  CHECK(decrypted(encrypted(small(0), 1)) == number(0));
  CHECK(decrypted(encrypted(of_bytes(largest()), 3)) == largest());
  Bytes bytes(kModulusBytes);
  seeded(4)(bytes);
  bytes.back() = 0;
  CHECK(decrypted(encrypted(of_bytes(bytes), 5)) == bytes);
}

TEST_CASE("the product of ciphertexts is a ciphertext of the sum, modulo n") {
  const PublicKey& key = test_public_key();
  Ciphertext sum = Ciphertext::one();
  CHECK(decrypted(sum) == number(0));
  add(key, sum, encrypted(small(20), 1));
  add(key, sum, encrypted(small(22), 2));
  CHECK(decrypted(sum) == number(42));
  add(key, sum, sum);
  CHECK(decrypted(sum) == number(84));
  add(key, sum, encrypted(of_bytes(largest()), 3));
  CHECK(decrypted(sum) == number(83));
}

TEST_CASE("the order of the summands does not change a bit of the sum") {
  const PublicKey& key = test_public_key();
  const Ciphertext a = encrypted(small(1), 1), b = encrypted(small(2), 2);
  Ciphertext ab = a, ba = b;
  add(key, ab, b);
  add(key, ba, a);
  CHECK(ab == ba);
  Ciphertext with_one = ab;
  add(key, with_one, Ciphertext::one());
  CHECK(with_one == ab);
}

TEST_CASE("the same plaintext with the same r is the same ciphertext, with another r another") {
  const Ciphertext ciphertext = encrypted(small(7), 1);
  CHECK(ciphertext == encrypted(small(7), 1));
  CHECK_FALSE(ciphertext == encrypted(small(7), 2));
  CHECK_FALSE(ciphertext == encrypted(small(8), 1));
}

TEST_CASE("a plaintext of n or more is refused") {
  const PublicKey& key = test_public_key();
  for (const Bytes& bytes : {modulus_bytes(), Bytes(kModulusBytes, 0xff)}) {
    const auto refused = encrypt(key, of_bytes(bytes), Randomness::draw(key, seeded(1)));
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == ErrorCode::invalid);
    CHECK_THAT(refused.error().detail, Catch::Contains("not less than the modulus"));
  }
  CHECK(Plaintext::from_bytes(Bytes(383)).error().code == ErrorCode::malformed);
  CHECK(Plaintext::from_bytes(Bytes(385)).error().code == ErrorCode::malformed);
}

TEST_CASE("randomness is used once") {
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<Randomness>);
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<Plaintext>);
  const PublicKey& key = test_public_key();
  Randomness randomness = Randomness::draw(key, seeded(1));
  CHECK(encrypt(key, small(1), std::move(randomness)).has_value());
  const auto again = encrypt(key, small(2), std::move(randomness));  // NOLINT: what this is about
  REQUIRE_FALSE(again.has_value());
  CHECK(again.error().code == ErrorCode::invalid);
}

TEST_CASE("randomness is drawn until it is invertible modulo n") {
  const Bytes zero(kModulusBytes);
  const Bytes too_large(kModulusBytes, 0xff);
  Bytes multiple_of_p = little_endian(kTestP);
  multiple_of_p.resize(kModulusBytes);
  Bytes good(kModulusBytes, 0x11);
  const std::vector<Bytes> candidates{too_large, zero, modulus_bytes(), multiple_of_p, good};
  std::size_t next = 0;
  const Randomness drawn = Randomness::draw(test_public_key(), [&](ByteSpan into) {
    REQUIRE(next < candidates.size());
    const Bytes& from = candidates[next++];
    REQUIRE(into.size() == from.size());
    std::copy(from.begin(), from.end(), into.begin());
  });
  CHECK(next == candidates.size());
  CHECK(copy(bytes_of(drawn.view())) == good);

  for (std::size_t i = 0; i + 1 < candidates.size(); ++i) {
    const auto refused = Randomness::from_bytes(test_public_key(), candidates[i]);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == ErrorCode::invalid);
  }
  CHECK(Randomness::from_bytes(test_public_key(), good).has_value());
  CHECK(Randomness::from_bytes(test_public_key(), Bytes(383)).error().code == ErrorCode::malformed);
}

TEST_CASE("the randomness of the system differs each time") {
  const PublicKey& key = test_public_key();
  const Randomness a = Randomness::draw(key, crypto::random_bytes);
  const Randomness b = Randomness::draw(key, crypto::random_bytes);
  CHECK(copy(bytes_of(a.view())) != copy(bytes_of(b.view())));
}

TEST_CASE("a ciphertext survives its bytes") {
  const Ciphertext ciphertext = encrypted(small(5), 1);
  REQUIRE(ciphertext.bytes().size() == 768);
  const auto read = Ciphertext::from_bytes(test_public_key(), ciphertext.bytes());
  CHECK(read.value() == ciphertext);
  CHECK(decrypted(*read) == number(5));
}

TEST_CASE("ciphertexts of another size are refused") {
  for (const std::size_t size : {0, 1, 384, 767, 769, 1536}) {
    const auto refused = Ciphertext::from_bytes(test_public_key(), Bytes(size, 1));
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == ErrorCode::malformed);
    CHECK_THAT(refused.error().detail, Catch::Contains("768 bytes, not " + std::to_string(size)));
  }
}

TEST_CASE("a number that is no ciphertext is refused with the reason") {
  const auto why = [](Bytes bytes) {
    bytes.resize(Ciphertext::kBytes);
    const auto refused = Ciphertext::from_bytes(test_public_key(), bytes);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == ErrorCode::invalid);
    return refused.error().detail;
  };
  CHECK_THAT(why({}), Catch::Contains("is 0"));
  CHECK_THAT(why(square_bytes()), Catch::Contains("not less than the square"));
  CHECK_THAT(why(Bytes(Ciphertext::kBytes, 0xff)), Catch::Contains("not less than the square"));
  CHECK_THAT(why(modulus_bytes()), Catch::Contains("shares a factor"));
  CHECK_THAT(why(little_endian(kTestP)), Catch::Contains("shares a factor"));
  CHECK_THAT(why(little_endian(kTestQ)), Catch::Contains("shares a factor"));

  Bytes last = square_bytes();  // n^2 - 1 = -1, which is invertible
  last[0] -= 1;
  CHECK(Ciphertext::from_bytes(test_public_key(), last).has_value());
}

TEST_CASE("changing any bit of a ciphertext changes what it decrypts to") {
  const Ciphertext ciphertext = encrypted(small(5), 1);
  Random random(6);
  for (int i = 0; i < 8; ++i) {
    Bytes bytes = copy(ciphertext.bytes());
    const std::uint64_t bit = random.below(8 * 767);  // the highest bits may leave Z*_{n^2}
    bytes[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    const auto changed = Ciphertext::from_bytes(test_public_key(), bytes);
    CHECK(decrypted(changed.value()) != number(5));
  }
}

}  // namespace
}  // namespace fed::paillier
