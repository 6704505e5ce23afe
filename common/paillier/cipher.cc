#include "paillier/cipher.h"

#include <gmp.h>

#include "paillier/arithmetic.h"

namespace fed::paillier {
namespace {

// Whether r is in Z*_n, without a branch on r before the answer.
bool is_unit(const PublicKey& key, LimbView r) {
  if (is_zero(r) || !less(r, key.modulus())) return false;
  SecretLimbs<kModulusLimbs> inverse;
  return invert(inverse.span(), r, key.modulus());
}

Error not_a_ciphertext(const char* why) {
  return Error{ErrorCode::invalid, std::string("not a ciphertext under this key: ") + why};
}

}  // namespace

Randomness Randomness::draw(const PublicKey& key, const RandomSource& random) {
  Randomness randomness;
  do {
    random(writable_bytes(randomness.number_.span()));
  } while (!is_unit(key, randomness.view()));
  return randomness;
}

Result<Randomness> Randomness::from_bytes(const PublicKey& key, ByteView bytes) {
  if (bytes.size() != kModulusBytes) {
    return Error{ErrorCode::malformed, "the randomness of an encryption has 384 bytes, not " +
                                           std::to_string(bytes.size())};
  }
  Randomness randomness;
  std::memcpy(randomness.number_.span().data(), bytes.data(), kModulusBytes);
  if (!is_unit(key, randomness.view())) {
    return Error{ErrorCode::invalid, "the randomness of an encryption is not invertible modulo n"};
  }
  return randomness;
}

Ciphertext Ciphertext::one() {
  Ciphertext ciphertext;
  ciphertext.number_[0] = 1;
  return ciphertext;
}

Result<Ciphertext> Ciphertext::from_bytes(const PublicKey& key, ByteView bytes) {
  if (bytes.size() != kBytes) {
    return Error{ErrorCode::malformed,
                 "a ciphertext has 768 bytes, not " + std::to_string(bytes.size())};
  }
  Ciphertext ciphertext;
  std::memcpy(ciphertext.number_.data(), bytes.data(), kBytes);
  FED_TRY(check(key, ciphertext));
  return ciphertext;
}

Status check(const PublicKey& key, const Ciphertext& ciphertext) {
  mpz_t number, square, modulus;
  const mpz_srcptr c = mpz_roinit_n(number, ciphertext.number().data(), kSquareLimbs);
  const mpz_srcptr n = mpz_roinit_n(modulus, key.modulus().data(), kModulusLimbs);
  if (mpz_sgn(c) == 0) return not_a_ciphertext("it is 0");
  if (mpz_cmp(c, mpz_roinit_n(square, key.square().data(), kSquareLimbs)) >= 0) {
    return not_a_ciphertext("it is not less than the square of the modulus");
  }
  mpz_t divisor;
  mpz_init(divisor);
  mpz_gcd(divisor, c, n);
  const bool coprime = mpz_cmp_ui(divisor, 1) == 0;
  mpz_clear(divisor);
  if (!coprime) return not_a_ciphertext("it shares a factor with the modulus");
  return {};
}

Result<Ciphertext> encrypt(const PublicKey& key, const Plaintext& plaintext,
                           Randomness&& randomness) {
  const Randomness used = std::move(randomness);
  if (!less(plaintext.view(), key.modulus())) {
    return Error{ErrorCode::invalid, "the plaintext is not less than the modulus"};
  }
  if (is_zero(used.view()) || !less(used.view(), key.modulus())) {
    return Error{ErrorCode::invalid, "the randomness was used before, or drawn for another key"};
  }
  SecretLimbs<kSquareLimbs> message;
  multiply(message.span(), plaintext.view(), key.modulus());
  increment(message.span());
  SecretLimbs<kSquareLimbs> mask;
  power(mask.span(), used.view(), key.modulus(), key.square());

  SecretLimbs<2 * kSquareLimbs> product;
  multiply(product.span(), message.view(), mask.view());
  reduce(product.span(), key.square());
  Ciphertext ciphertext;
  std::copy_n(product.view().begin(), kSquareLimbs, ciphertext.number_.begin());
  return ciphertext;
}

void add(const PublicKey& key, Ciphertext& sum, const Ciphertext& summand) {
  Limbs<2 * kSquareLimbs> product;
  mpn_mul_n(product.data(), sum.number_.data(), summand.number_.data(), kSquareLimbs);
  Limbs<kSquareLimbs + 1> quotient;
  mpn_tdiv_qr(quotient.data(), sum.number_.data(), 0, product.data(), 2 * kSquareLimbs,
              key.square().data(), kSquareLimbs);
}

}  // namespace fed::paillier
