// The secret side of the Paillier cryptosystem: key pairs and decryption. In a library of its own,
// fed_paillier_secret, so that a program that must not be able to decrypt does not link it.
//
// Sources: Paillier 1999, sections 4 and 7 (decryption with the Chinese remainder theorem); NIST
// FIPS 186-5, appendix A.1 (the form of the primes). With g = n + 1 and L_p(x) = (x - 1) / p,
//
//   m mod p = L_p(c^(p-1) mod p^2) h_p mod p,   h_p = L_p(g^(p-1) mod p^2)^-1 = (-q)^-1 mod p,
//
// the same for q, and m = m_p + p ((m_q - m_p) p^-1 mod q).
//
// What protects the secret: decryption is constant-time arithmetic in memory that is wiped; numbers
// are wiped when the key goes. Making and checking a key uses GMP's primality test, whose time
// depends on the primes; the first use in a process therefore replaces GMP's allocation functions
// by ones that wipe what they free (they stay compatible with GMP's own, which use malloc too), and
// wipes the stack below it. Not done: the key's memory is not locked against swap, and copies in
// processor registers and in a core dump taken meanwhile are beyond this.
//
// A key as bytes:
//
//   1    version, 1
//   2    bytes of a prime, little-endian: 192
//   192  p, little-endian
//   192  q, little-endian
#pragma once

#include <memory>

#include "base/error.h"
#include "crypto/secret.h"
#include "paillier/cipher.h"

namespace fed::paillier {

// Primes p and q and what decryption derives from them. Move-only; a moved-from key may only be
// destroyed or assigned to. Immutable: reads, and so decryption, are safe from any thread.
class SecretKey {
 public:
  static constexpr std::size_t kBytes = 3 + 2 * kPrimeBytes;

  // A new key pair: p and q uniform among the primes of 1,536 bits whose two highest bits are set,
  // drawn again until |p - q| > 2^1436. Takes less than a second of CPU.
  static SecretKey generate(const RandomSource& random);

  // The key pair of a seed, always the same: `generate` with the keystream of the seed
  // (crypto/chacha20.h) as its random bytes, each draw from a new block on. So a key fits into a
  // file of 32 bytes. The seed is random, secret and used for nothing else.
  static SecretKey from_seed(crypto::KeyView seed);

  // Errors: malformed for another size or length field; unsupported for another version; invalid
  // unless p and q are different probable primes of 1,536 bits, |p - q| > 2^1436, p q passes
  // PublicKey::from_modulus and gcd(p q, (p - 1)(q - 1)) = 1. The messages do not quote the key.
  static Result<SecretKey> from_bytes(ByteView bytes);

  crypto::Wiped<kBytes> to_bytes() const;

  const PublicKey& public_key() const;

  // The plaintext of a ciphertext or of a sum of them, which is modulo n. Errors: those of check()
  // in cipher.h. Any other ciphertext decrypts to something: only what it means can be checked.
  Result<Plaintext> decrypt(const Ciphertext& ciphertext) const;

  SecretKey(SecretKey&&) noexcept;
  SecretKey& operator=(SecretKey&&) noexcept;
  ~SecretKey();

 private:
  struct Parts;
  explicit SecretKey(std::unique_ptr<const Parts> parts);
  static Result<SecretKey> from_primes(SecretLimbs<kPrimeLimbs> p, SecretLimbs<kPrimeLimbs> q);

  std::unique_ptr<const Parts> parts_;
};

}  // namespace fed::paillier
