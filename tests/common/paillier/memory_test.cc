// What stays behind of secrets: holders that wipe, and a search of the whole process for the primes
// of a key that is gone.
#include <fcntl.h>
#include <gmp.h>
#include <unistd.h>

#include <fstream>
#include <new>
#include <sstream>

#include "paillier/arithmetic.h"
#include "paillier/primes.h"
#include "paillier_testing.h"
#include "support/sanitized.h"

namespace fed::paillier {
namespace {

TEST_CASE("a secret number leaves zeros behind when moved from and when destroyed") {
  using Four = SecretLimbs<4>;
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<Four>);
  STATIC_REQUIRE_FALSE(std::is_copy_assignable_v<Four>);
  alignas(Four) std::array<std::uint8_t, sizeof(Four)> memory;
  memory.fill(0xcc);
  const Limbs<4> content{1, 2, 3, 4};
  auto* holder = new (memory.data()) Four(content);
  CHECK(std::equal(content.begin(), content.end(), holder->view().begin()));

  Four other(std::move(*holder));
  CHECK(memory == std::array<std::uint8_t, sizeof(Four)>{});
  CHECK(std::equal(content.begin(), content.end(), other.view().begin()));
  *holder = std::move(other);
  CHECK(std::equal(content.begin(), content.end(), holder->view().begin()));
  holder->~Four();
  CHECK(memory == std::array<std::uint8_t, sizeof(Four)>{});
}

TEST_CASE("GMP's memory keeps its content when it grows, under the functions that wipe") {
  make_gmp_wipe();
  make_gmp_wipe();  // once is enough
  mpz_t number;
  mpz_init_set_ui(number, 3);
  for (int i = 0; i < 12; ++i) mpz_mul(number, number, number);  // 3^4096
  CHECK(mpz_sizeinbase(number, 2) == 6493);
  CHECK(mpz_fdiv_ui(number, 1'000'003) == [] {
    std::uint64_t power = 3;
    for (int i = 0; i < 12; ++i) power = power * power % 1'000'003;
    return power;
  }());
  mpz_realloc2(number, 64);  // too small for the value, which GMP then sets to 0
  CHECK(mpz_sgn(number) == 0);
  mpz_clear(number);
}

// Their shadows are terabytes.
#ifndef FED_SANITIZED

// Three words from within a secret number, each kept with its bits inverted so that the needle is
// not found itself.
struct Needle {
  std::array<std::uint64_t, 3> inverted;

  explicit Needle(LimbView number) {
    for (std::size_t i = 0; i < 3; ++i) inverted[i] = ~number[8 + i];
  }
  bool at(const std::uint64_t* word) const {
    return word[0] == ~inverted[0] && word[1] == ~inverted[1] && word[2] == ~inverted[2];
  }
};

// How often it stands in what this process can write to, at an address that 8 divides.
std::size_t found(const Needle& needle) {
  const int memory = ::open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
  REQUIRE(memory >= 0);
  std::size_t count = 0;
  std::vector<std::uint64_t> words;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    std::istringstream fields(line);
    std::uint64_t first = 0, last = 0;
    char dash = 0;
    std::string access;
    fields >> std::hex >> first >> dash >> last >> access;
    if (!access.starts_with("rw")) continue;
    words.assign((last - first) / 8, 0);
    const ssize_t got = ::pread(memory, words.data(), words.size() * 8, static_cast<off_t>(first));
    for (std::size_t i = 0; got > 0 && i + 2 < static_cast<std::size_t>(got) / 8; ++i) {
      count += needle.at(&words[i]) ? 1U : 0U;
    }
    crypto::wipe(writable_bytes(words));  // or the next region would show it again
  }
  ::close(memory);
  return count;
}

struct Needles {
  Needle p, q, p_square, order;
};

Needles needles_of(const SecretKey& key) {
  const auto bytes = key.to_bytes();
  SecretLimbs<kPrimeLimbs> p, q;
  std::memcpy(p.span().data(), bytes.view().data() + 3, kPrimeBytes);
  std::memcpy(q.span().data(), bytes.view().data() + 3 + kPrimeBytes, kPrimeBytes);
  SecretLimbs<kModulusLimbs> square;
  multiply(square.span(), p.view(), p.view());
  SecretLimbs<kModulusLimbs> order;
  const Needle of_p(p.view()), of_q(q.view());
  decrement(p.span());
  decrement(q.span());
  multiply(order.span(), p.view(), q.view());
  return {of_p, of_q, Needle(square.view()), Needle(order.view())};
}

// A key that is made, saved, loaded, used and destroyed; and what to look for afterwards.
[[gnu::noinline]] Needles use_a_key() {
  const SecretKey made = SecretKey::generate(seeded(11));
  const SecretKey key = SecretKey::from_bytes(made.to_bytes().view()).value();
  const PublicKey& public_key = key.public_key();
  const auto ciphertext =
      encrypt(public_key, small(3), Randomness::draw(public_key, seeded(12))).value();
  REQUIRE(key.decrypt(ciphertext)->view()[0] == 3);
  const Needles needles = needles_of(key);
  // While it lives it is there: the search can find.
  REQUIRE(found(needles.p) >= 2);
  REQUIRE(found(needles.q) >= 2);
  REQUIRE(found(needles.p_square) >= 2);
  return needles;
}

TEST_CASE(
    "nothing of a key's primes and of the order they give is left in memory when the key is gone") {
  const Needles needles = use_a_key();
  CHECK(found(needles.p) == 0);
  CHECK(found(needles.q) == 0);
  CHECK(found(needles.p_square) == 0);
  CHECK(found(needles.order) == 0);
}

// The same search where nothing has run since.
[[gnu::noinline]] Needle draw_a_prime() {
  SecretLimbs<kPrimeLimbs> prime;
  draw_prime(prime.span(), seeded(14));
  return Needle(prime.view());
}

TEST_CASE("a primality test leaves nothing on the stack") {
  const Needle needle = draw_a_prime();
  CHECK(found(needle) == 0);
}

[[gnu::noinline]] Needle use_scratch() {
  SecretLimbs<kPrimeLimbs> number;
  seeded(15)(writable_bytes(number.span()));
  Scratch scratch(kPrimeLimbs);
  std::copy(number.view().begin(), number.view().end(), scratch.data());
  const Needle needle(number.view());
  CHECK(found(needle) == 2);
  return needle;
}

TEST_CASE("working memory leaves nothing behind") { CHECK(found(use_scratch()) == 0); }

[[gnu::noinline]] Needle use_gmp(bool clear) {
  SecretLimbs<kPrimeLimbs> number;
  seeded(13)(writable_bytes(number.span()));
  mpz_t in_gmp;
  mpz_init(in_gmp);
  mpz_import(in_gmp, kPrimeLimbs, -1, 8, 0, 0, number.view().data());
  if (clear) mpz_clear(in_gmp);
  const Needle needle(number.view());
  if (!clear) {
    CHECK(found(needle) >= 2);  // the number and GMP's copy
    mpz_realloc2(in_gmp, 64);
    CHECK(found(needle) == 1);
    mpz_clear(in_gmp);
  }
  return needle;
}

TEST_CASE("GMP wipes what it frees and what it moves") {
  make_gmp_wipe();
  CHECK(found(use_gmp(true)) == 0);
  CHECK(found(use_gmp(false)) == 0);
}

#endif

}  // namespace
}  // namespace fed::paillier
