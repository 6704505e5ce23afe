#include "paillier/primes.h"

#include <gmp.h>

#include <cstdlib>
#include <mutex>

#include "paillier/arithmetic.h"

namespace fed::paillier {
namespace {

// In GMP 6.2 and later the first 24 rounds stand for the Baillie-PSW test, the others for one round
// of Miller and Rabin each.
constexpr int kBailliePsw = 24;
constexpr int kMillerRabinRounds = 40;
constexpr std::uint64_t kTopTwoBits = std::uint64_t{3} << (kLimbBits - 2);
constexpr std::size_t kDistanceBits = kModulusBits / 2 - 100;

// GMP's contract: never return without the memory.
void* allocate(std::size_t bytes) {
  void* memory = std::malloc(bytes);
  if (memory == nullptr) std::abort();
  return memory;
}

void release(void* memory, std::size_t bytes) {
  crypto::wipe({static_cast<std::uint8_t*>(memory), bytes});
  std::free(memory);
}

void* reallocate(void* memory, std::size_t bytes, std::size_t bytes_wanted) {
  void* larger = allocate(bytes_wanted);
  std::memcpy(larger, memory, std::min(bytes, bytes_wanted));
  release(memory, bytes);
  return larger;
}

bool is_prime(LimbView number, int rounds) {
  mpz_t view;
  mpz_roinit_n(view, number.data(), static_cast<mp_size_t>(number.size()));
  return mpz_probab_prime_p(view, rounds) != 0;
}

}  // namespace

void make_gmp_wipe() {
  static std::once_flag once;
  std::call_once(once, [] { mp_set_memory_functions(allocate, reallocate, release); });
}

[[gnu::noinline]] void wipe_stack_below() {
  std::array<std::uint8_t, 64 << 10> below;
  crypto::wipe(below);
}

void draw_prime(std::span<std::uint64_t, kPrimeLimbs> prime, const RandomSource& random) {
  make_gmp_wipe();
  do {
    random(writable_bytes(prime));
    prime.back() |= kTopTwoBits;
    prime.front() |= 1;
  } while (!is_prime(prime, kBailliePsw + kMillerRabinRounds));
  wipe_stack_below();
}

bool is_prime_of_a_key(std::span<const std::uint64_t, kPrimeLimbs> number) {
  make_gmp_wipe();
  const bool prime = number.back() >> (kLimbBits - 1) == 1 && is_prime(number, kBailliePsw);
  wipe_stack_below();
  return prime;
}

bool far_apart(std::span<const std::uint64_t, kPrimeLimbs> p,
               std::span<const std::uint64_t, kPrimeLimbs> q) {
  const bool p_is_less = less(p, q);
  const LimbView small = p_is_less ? p : q;
  const LimbView large = p_is_less ? q : p;
  SecretLimbs<kPrimeLimbs> distance;
  mpn_sub_n(distance.span().data(), large.data(), small.data(), kPrimeLimbs);
  Limbs<kPrimeLimbs> bound{};
  bound[kDistanceBits / kLimbBits] = std::uint64_t{1} << (kDistanceBits % kLimbBits);
  return less(bound, distance.view());
}

bool coprime_to_order(std::span<const std::uint64_t, kPrimeLimbs> p,
                      std::span<const std::uint64_t, kPrimeLimbs> q) {
  make_gmp_wipe();
  SecretLimbs<kPrimeLimbs> p_less(p), q_less(q);
  decrement(p_less.span());
  decrement(q_less.span());
  SecretLimbs<kModulusLimbs> modulus, order;
  multiply(modulus.span(), p, q);
  multiply(order.span(), p_less.view(), q_less.view());
  mpz_t n, phi, divisor;
  mpz_init(divisor);
  mpz_gcd(divisor, mpz_roinit_n(n, modulus.view().data(), kModulusLimbs),
          mpz_roinit_n(phi, order.view().data(), kModulusLimbs));
  const bool coprime = mpz_cmp_ui(divisor, 1) == 0;
  mpz_clear(divisor);
  wipe_stack_below();
  return coprime;
}

}  // namespace fed::paillier
