// The public side of the Paillier cryptosystem: encrypt, and add what is encrypted.
//
// Sources: Paillier 1999, section 4 (the scheme) and section 8 (its homomorphic properties);
// Damgard, Jurik and Nielsen 2010, the case s = 1, for g = n + 1. With the modulus n and a fresh
// random r of Z*_n, the ciphertext of m is
//
//   c = (1 + m n) r^n  mod n^2,       since (1 + n)^m = 1 + m n  (mod n^2),
//
// and the product of the ciphertexts of m1 and m2 is one of m1 + m2 mod n. Whoever holds only the
// public key learns nothing from a ciphertext under the decisional composite residuosity assumption
// (Paillier 1999, section 4), as long as every r is secret, uniform and used once: this is what
// Randomness is for. Anybody can change a ciphertext into that of another number: who needs to know
// that it came as it was sent uses an authenticated channel.
//
// The secret m and r go through constant-time arithmetic (paillier/arithmetic.h) and are wiped;
// the rejections in Randomness::draw show how many candidates were thrown away, and nothing of the
// one that was taken. Ciphertexts are public and are handled as fast as can be. Nothing here can
// decrypt: that is paillier/secret_key.h, in another library. Thread-safe but for the objects.
#pragma once

#include "base/bytes.h"
#include "base/error.h"
#include "paillier/plaintext.h"
#include "paillier/public_key.h"

namespace fed::paillier {

// The r of one encryption under one key: of Z*_n, secret, wiped, and consumed by encrypt, since two
// ciphertexts with the same r tell the difference of their plaintexts. Move-only.
class Randomness {
 public:
  // Uniform in Z*_n, by rejection: 384 bytes of `random` at a time until they are one of it, which
  // takes at most two draws on average, as n >= 2^3071.
  static Randomness draw(const PublicKey& key, const RandomSource& random);

  // This r, for repeatable tests. Errors: malformed unless there are 384 bytes (little-endian),
  // invalid unless the number is in Z*_n.
  static Result<Randomness> from_bytes(const PublicKey& key, ByteView bytes);

  std::span<const std::uint64_t, kModulusLimbs> view() const { return number_.view(); }

 private:
  SecretLimbs<kModulusLimbs> number_;
};

// A number of Z*_{n^2}, under the key that made or checked it. A value; reads are safe from any
// thread. To mix ciphertexts of different keys is a bug that shows as a wrong sum or an `invalid`.
class Ciphertext {
 public:
  static constexpr std::size_t kBytes = kSquareBytes;

  // The neutral element of `add`: an encryption of 0 that hides nothing.
  static Ciphertext one();

  // A ciphertext from somebody else: 768 bytes, little-endian. Errors: malformed for another size,
  // invalid unless 0 < c < n^2 and gcd(c, n) = 1. A number that shares a factor with n has no
  // plaintext, and would make every sum it enters undecryptable.
  static Result<Ciphertext> from_bytes(const PublicKey& key, ByteView bytes);

  ByteView bytes() const { return bytes_of(number_); }
  const Limbs<kSquareLimbs>& number() const { return number_; }

  bool operator==(const Ciphertext&) const = default;

 private:
  friend Result<Ciphertext> encrypt(const PublicKey&, const Plaintext&, Randomness&&);
  friend void add(const PublicKey&, Ciphertext&, const Ciphertext&);
  Ciphertext() = default;

  Limbs<kSquareLimbs> number_{};
};

// ErrorCode::invalid unless 0 < c < n^2 and gcd(c, n) = 1.
Status check(const PublicKey& key, const Ciphertext& ciphertext);

// ErrorCode::invalid unless plaintext < n, and unless `randomness` is below n, which one that was
// drawn for another key need not be.
Result<Ciphertext> encrypt(const PublicKey& key, const Plaintext& plaintext,
                           Randomness&& randomness);

// `sum` becomes a ciphertext of its plaintext plus that of `summand`, modulo n. How many summands a
// packed plaintext has room for is for who counts them: paillier/packing.h.
void add(const PublicKey& key, Ciphertext& sum, const Ciphertext& summand);

}  // namespace fed::paillier
