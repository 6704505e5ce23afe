#include "paillier/secret_key.h"

#include <set>

#include "crypto/random.h"
#include "paillier/primes.h"
#include "paillier_testing.h"

namespace fed::paillier {
namespace {

using Prime = std::array<std::uint64_t, kPrimeLimbs>;

Bytes p_bytes() { return little_endian(kTestP); }
Bytes q_bytes() { return little_endian(kTestQ); }

Prime prime_of(const Bytes& bytes) {
  Prime prime;
  REQUIRE(bytes.size() == sizeof prime);
  std::memcpy(prime.data(), bytes.data(), sizeof prime);
  return prime;
}

Error refused(const Bytes& bytes) {
  const auto key = SecretKey::from_bytes(bytes);
  REQUIRE_FALSE(key.has_value());
  return key.error();
}

TEST_CASE("a secret key survives its bytes, whose form is stated") {
  const auto bytes = test_key().to_bytes();
  CHECK(copy(bytes.view()) == secret_bytes(p_bytes(), q_bytes()));
  CHECK(SecretKey::kBytes == 387);
  const SecretKey read = SecretKey::from_bytes(bytes.view()).value();
  CHECK(read.public_key() == test_public_key());
  CHECK(read.decrypt(encrypted(small(9), 1))->view()[0] == 9);
}

TEST_CASE("the primes may come in either order") {
  const SecretKey key = SecretKey::from_bytes(secret_bytes(q_bytes(), p_bytes())).value();
  CHECK(key.public_key() == test_public_key());
  Bytes largest = modulus_bytes();
  largest[0] -= 1;
  for (const Bytes& number : {largest, Bytes(kModulusBytes, 0x55)}) {
    const Ciphertext ciphertext = encrypted(Plaintext::from_bytes(number).value(), 1);
    CHECK(copy(key.decrypt(ciphertext)->bytes()) == number);
  }
}

TEST_CASE("secret keys are moved only") {
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<SecretKey>);
  STATIC_REQUIRE_FALSE(std::is_copy_assignable_v<SecretKey>);
  STATIC_REQUIRE(std::is_nothrow_move_constructible_v<SecretKey>);
}

TEST_CASE("a generated key has the stated form, and decrypts what is encrypted to it") {
  const SecretKey key = SecretKey::generate(seeded(1));
  const auto bytes = key.to_bytes();
  const Prime p = prime_of(copy(bytes.view().subspan<3, kPrimeBytes>()));
  const Prime q = prime_of(copy(bytes.view().subspan<3 + kPrimeBytes>()));
  for (const Prime& prime : {p, q}) {
    CHECK(is_prime_of_a_key(prime));
    CHECK(prime.back() >> 62 == 3);
  }
  CHECK(p != q);
  CHECK(far_apart(p, q));
  CHECK(coprime_to_order(p, q));
  CHECK(key.public_key().modulus().back() >> 63 == 1);

  const PublicKey& public_key = key.public_key();
  const Ciphertext ciphertext =
      encrypt(public_key, small(77), Randomness::draw(public_key, crypto::random_bytes)).value();
  CHECK(key.decrypt(ciphertext)->view()[0] == 77);
  CHECK(public_key.modulus() != test_public_key().modulus());

  // A ciphertext under another key is refused where it is too large, and is else another number.
  const auto foreign = key.decrypt(encrypted(small(5), 1));
  if (foreign) {
    CHECK(copy(foreign->bytes()) != copy(small(5).bytes()));
  } else {
    CHECK(foreign.error().code == ErrorCode::invalid);
  }
}

TEST_CASE("generation draws again while the primes are the same or too close") {
  const Bytes p = p_bytes(), q = q_bytes();
  std::vector<Bytes> draws{p, p, q, q, p, q};
  std::size_t next = 0;
  const SecretKey key = SecretKey::generate([&](ByteSpan into) {
    REQUIRE(next < draws.size());
    std::copy(draws[next].begin(), draws[next].end(), into.begin());
    ++next;
  });
  CHECK(next == draws.size());
  CHECK(key.public_key() == test_public_key());
}

TEST_CASE("a drawn prime passes over what is composite") {
  Bytes composite = p_bytes();
  composite[0] ^= 2;  // no prime: checked below
  REQUIRE_FALSE(is_prime_of_a_key(prime_of(composite)));
  std::vector<Bytes> draws{composite, Bytes(kPrimeBytes, 0xff), q_bytes()};
  draws.back()[0] &= 0xfe;  // the lowest bit and the two highest are set whatever is drawn
  draws.back()[kPrimeBytes - 1] &= 0x3f;
  std::size_t next = 0;
  Prime prime;
  draw_prime(prime, [&](ByteSpan into) {
    const Bytes& from = draws.at(next++);
    std::copy(from.begin(), from.end(), into.begin());
  });
  CHECK(next == 3);
  CHECK(prime == prime_of(q_bytes()));
}

TEST_CASE("another size, length or version is no secret key") {
  const Bytes good = secret_bytes(p_bytes(), q_bytes());
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{3}, std::size_t{195}, good.size() - 1}) {
    CHECK(refused({good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)}).code ==
          ErrorCode::malformed);
  }
  Bytes longer = good;
  longer.push_back(0);
  CHECK(refused(longer).code == ErrorCode::malformed);
  Bytes other_length = good;
  other_length[2] = 1;
  CHECK(refused(other_length).code == ErrorCode::malformed);
  Bytes other_version = good;
  other_version[0] = 2;
  CHECK(refused(other_version).code == ErrorCode::unsupported);
}

TEST_CASE("numbers that make no key are refused") {
  const Bytes p = p_bytes(), q = q_bytes();
  const auto why = [](const Bytes& first, const Bytes& second) {
    const Error error = refused(secret_bytes(first, second));
    CHECK(error.code == ErrorCode::invalid);
    return error.detail;
  };
  Bytes composite = p;
  composite[0] ^= 2;
  Bytes even = q;
  even[0] ^= 1;
  Bytes short_prime(kPrimeBytes);
  short_prime[0] = 7;
  CHECK_THAT(why(composite, q), Catch::Contains("no two primes"));
  CHECK_THAT(why(p, composite), Catch::Contains("no two primes"));
  CHECK_THAT(why(p, even), Catch::Contains("no two primes"));
  CHECK_THAT(why(short_prime, q), Catch::Contains("no two primes"));
  CHECK_THAT(why(Bytes(kPrimeBytes), q), Catch::Contains("no two primes"));
  CHECK_THAT(why(p, p), Catch::Contains("too close"));
}

TEST_CASE("primes are far enough apart from 2^1436 on") {
  Prime a{}, b{};
  a.back() = b.back() = std::uint64_t{1} << 63;
  CHECK_FALSE(far_apart(a, b));
  const std::size_t word = 1436 / 64, bit = 1436 % 64;
  b[word] = std::uint64_t{1} << bit;
  CHECK_FALSE(far_apart(a, b));  // exactly 2^1436
  b[0] = 1;
  CHECK(far_apart(a, b));
  CHECK(far_apart(b, a));
  b[0] = 0;
  b[word] = (std::uint64_t{1} << bit) - 1;
  CHECK_FALSE(far_apart(a, b));
}

TEST_CASE("a modulus that shares a factor with its order is found") {
  const auto word = [](std::uint64_t value) {
    Prime number{};
    number[0] = value;
    return number;
  };
  CHECK(coprime_to_order(word(5), word(7)));          // 35 and 24
  CHECK_FALSE(coprime_to_order(word(3), word(7)));    // 21 and 12
  CHECK_FALSE(coprime_to_order(word(11), word(23)));  // 253 and 220
  CHECK(coprime_to_order(prime_of(p_bytes()), prime_of(q_bytes())));
}

TEST_CASE("primality: what passes weak tests does not pass") {
  // A strong pseudoprime cannot be had at this size by chance, so near misses: products, and
  // neighbours of primes.
  Random random(4);
  const Prime p = prime_of(p_bytes());
  int primes = 0;
  for (std::uint64_t step = 0; step < 40; ++step) {
    Prime near = p;
    near[0] += 2 * step;
    primes += is_prime_of_a_key(near) ? 1 : 0;
  }
  CHECK(primes == 1);  // p itself: Python finds no other among these
  Prime short_one = p;
  short_one.back() >>= 1;
  CHECK_FALSE(is_prime_of_a_key(short_one));
}

}  // namespace
}  // namespace fed::paillier
