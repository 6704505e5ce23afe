#include "paillier/secret_key.h"

#include <gmp.h>

#include "crypto/chacha20.h"
#include "paillier/arithmetic.h"
#include "paillier/primes.h"

namespace fed::paillier {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kHeaderBytes = 3;

using Prime = SecretLimbs<kPrimeLimbs>;

Error refused(const char* why) {
  return Error{ErrorCode::invalid, std::string("not a secret Paillier key: ") + why};
}

// What decryption needs of one prime.
struct Half {
  Prime prime;
  Prime less_one;                     // prime - 1
  SecretLimbs<kModulusLimbs> square;  // prime^2
  Prime scale;                        // (-other)^-1 mod prime
};

// -number mod prime, for a number that is not divisible by it.
Prime negated(LimbView number, const Prime& prime) {
  Prime remainder(number.first<kPrimeLimbs>());
  reduce(remainder.span(), prime.view());
  Prime result;
  mpn_sub_n(result.span().data(), prime.view().data(), remainder.view().data(), kPrimeLimbs);
  return result;
}

Half make_half(const Prime& prime, const Prime& other) {
  Half half{Prime(prime.view()), Prime(prime.view()), {}, {}};
  decrement(half.less_one.span());
  multiply(half.square.span(), prime.view(), prime.view());
  FED_CHECK(invert(half.scale.span(), negated(other.view(), prime).view(), prime.view()));
  return half;
}

// L(c^(prime-1) mod prime^2) scale mod prime: the plaintext modulo the prime.
Prime decrypt_modulo(const Half& half, const Limbs<kSquareLimbs>& c) {
  SecretLimbs<kSquareLimbs> reduced(c);
  reduce(reduced.span(), half.square.view());
  SecretLimbs<kModulusLimbs> x;
  power(x.span(), reduced.view().first<kModulusLimbs>(), half.less_one.view(), half.square.view());
  decrement(x.span());

  Prime quotient;
  Scratch scratch(mpn_sec_div_qr_itch(kModulusLimbs, kPrimeLimbs));
  mpn_sec_div_qr(quotient.span().data(), x.span().data(), kModulusLimbs, half.prime.view().data(),
                 kPrimeLimbs, scratch.data());
  SecretLimbs<kModulusLimbs> product;
  multiply(product.span(), quotient.view(), half.scale.view());
  reduce(product.span(), half.prime.view());
  return Prime(product.view().first<kPrimeLimbs>());
}

}  // namespace

struct SecretKey::Parts {
  Half p;
  Half q;
  Prime p_inverse;  // p^-1 mod q
  PublicKey public_key;
};

SecretKey::SecretKey(std::unique_ptr<const Parts> parts) : parts_(std::move(parts)) {}
SecretKey::SecretKey(SecretKey&&) noexcept = default;
SecretKey& SecretKey::operator=(SecretKey&&) noexcept = default;
SecretKey::~SecretKey() = default;

const PublicKey& SecretKey::public_key() const { return parts_->public_key; }

Result<SecretKey> SecretKey::from_primes(Prime p, Prime q) {
  if (!is_prime_of_a_key(p.view()) || !is_prime_of_a_key(q.view())) {
    return refused("it has no two primes of 1,536 bits");
  }
  if (!far_apart(p.view(), q.view())) return refused("its primes are too close to each other");
  if (!coprime_to_order(p.view(), q.view())) return refused("its primes do not fit together");
  Limbs<kModulusLimbs> modulus;
  multiply(modulus, p.view(), q.view());
  FED_ASSIGN(public_key, PublicKey::from_modulus(modulus));

  Half of_q = make_half(q, p);
  Prime p_inverse = negated(of_q.scale.view(), q);
  return SecretKey(std::unique_ptr<const Parts>(
      new Parts{make_half(p, q), std::move(of_q), std::move(p_inverse), public_key}));
}

SecretKey SecretKey::generate(const RandomSource& random) {
  while (true) {
    Prime p, q;
    draw_prime(p.span(), random);
    draw_prime(q.span(), random);
    Result<SecretKey> key = from_primes(std::move(p), std::move(q));
    if (key) return std::move(*key);
  }
}

SecretKey SecretKey::from_seed(crypto::KeyView seed) {
  std::uint64_t block = 0;
  return generate([seed, &block](ByteSpan into) {
    crypto::chacha20_stream(seed, block, into);
    block += (into.size() + crypto::kChaCha20BlockBytes - 1) / crypto::kChaCha20BlockBytes;
  });
}

Result<SecretKey> SecretKey::from_bytes(ByteView bytes) {
  if (bytes.empty() || (bytes[0] == kVersion && bytes.size() != kBytes)) {
    return Error{ErrorCode::malformed, "a secret Paillier key has " + std::to_string(kBytes) +
                                           " bytes, not " + std::to_string(bytes.size())};
  }
  if (bytes[0] != kVersion) {
    return Error{ErrorCode::unsupported,
                 "a secret Paillier key of another version; this program knows version 1"};
  }
  if (load_le<std::uint16_t>(bytes.data() + 1) != kPrimeBytes) {
    return Error{ErrorCode::malformed, "a secret Paillier key whose primes have not 192 bytes"};
  }
  Prime p, q;
  std::memcpy(p.span().data(), bytes.data() + kHeaderBytes, kPrimeBytes);
  std::memcpy(q.span().data(), bytes.data() + kHeaderBytes + kPrimeBytes, kPrimeBytes);
  return from_primes(std::move(p), std::move(q));
}

crypto::Wiped<SecretKey::kBytes> SecretKey::to_bytes() const {
  crypto::Wiped<kBytes> bytes;
  std::uint8_t* at = bytes.span().data();
  at[0] = kVersion;
  store_le(at + 1, static_cast<std::uint16_t>(kPrimeBytes));
  std::memcpy(at + kHeaderBytes, parts_->p.prime.view().data(), kPrimeBytes);
  std::memcpy(at + kHeaderBytes + kPrimeBytes, parts_->q.prime.view().data(), kPrimeBytes);
  return bytes;
}

Result<Plaintext> SecretKey::decrypt(const Ciphertext& ciphertext) const {
  FED_TRY(check(parts_->public_key, ciphertext));
  const Prime m_p = decrypt_modulo(parts_->p, ciphertext.number());
  Prime difference = decrypt_modulo(parts_->q, ciphertext.number());  // m_q, then m_q - m_p mod q
  const Half& q = parts_->q;
  Prime m_p_mod_q(m_p.view());
  reduce(m_p_mod_q.span(), q.prime.view());
  std::uint64_t* into = difference.span().data();
  const mp_limb_t borrow = mpn_sub_n(into, into, m_p_mod_q.view().data(), kPrimeLimbs);
  mpn_cnd_add_n(borrow, into, into, q.prime.view().data(), kPrimeLimbs);

  SecretLimbs<kModulusLimbs> product;
  multiply(product.span(), difference.view(), parts_->p_inverse.view());
  reduce(product.span(), q.prime.view());
  SecretLimbs<kModulusLimbs> result, low;
  multiply(result.span(), parts_->p.prime.view(), product.view().first<kPrimeLimbs>());
  std::copy(m_p.view().begin(), m_p.view().end(), low.span().begin());
  mpn_add_n(result.span().data(), result.view().data(), low.view().data(), kModulusLimbs);
  return Plaintext(std::move(result));
}

}  // namespace fed::paillier
