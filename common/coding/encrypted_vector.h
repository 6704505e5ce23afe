// Vectors of integers under homomorphic encryption (common/paillier): what a client sends, how the
// server adds such vectors up, and the vector that a decrypted sum is.
//
// The elements are those that masks would hide, modulo 2^b (job_codec.h), so the sum is the same
// integers either way. Of what b leaves room for, one client of n needs b - floor(log2 n) bits, as
// sums of n never wrap; fields have b or b + 1 bits. With noise of clients one element may be any
// number modulo 2^b, though their sum does not wrap: then fields have b + ceil(log2 n) bits. An
// update is the ciphertexts of consecutive stretches of the vector, one behind the other.
//
// Immutable; thread-safe. Nothing here can decrypt.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "coding/job_codec.h"
#include "crypto/random.h"
#include "paillier/cipher.h"
#include "paillier/packing.h"

namespace fed::coding {

// An encryption takes tens of milliseconds and a ciphertext 768 bytes: this is for small models.
inline constexpr std::uint64_t kEncryptedCoordinatesMax = 50'000;

// The key in a job file or a client file: base64url of PublicKey::to_bytes. ErrorCode::invalid,
// with what to do, for anything else.
Result<paillier::PublicKey> public_key_of(std::string_view text);
std::string to_text(const paillier::PublicKey& key);

class EncryptedVector {
 public:
  // How large one client's element may be: its share of what a sum may be, or anything.
  enum class Elements { shares, any };

  // Of sums of up to `clients_max` vectors of that shape. ErrorCode::invalid, for the operator, for
  // one that is too wide.
  static Result<EncryptedVector> make(paillier::PublicKey key, const VectorShape& shape,
                                      std::uint32_t clients_max,
                                      Elements elements = Elements::shares);

  std::size_t ciphertexts() const { return layout_.plaintexts(shape_.length); }
  std::uint64_t bytes() const { return ciphertexts() * paillier::Ciphertext::kBytes; }

  // A client's vector. ErrorCode::invalid for an element that is larger than one client's may be.
  Result<Bytes> encrypt(const secagg::Words& vector, const crypto::RandomSource& random,
                        const secagg::Parallel& parallel = secagg::one_by_one) const;

  // ErrorCode::malformed unless it is as many ciphertexts.
  Status check(ByteView update) const;

  // An encryption of zeros that hides nothing, to add updates to.
  using Sum = std::vector<paillier::Ciphertext>;
  Sum zeros() const;
  // Errors as of `check`; the sum is then spoilt.
  Status add(ByteView update, Sum& sum) const;
  static Bytes bytes_of(const Sum& sum);

  // The vector's sum, from the plaintexts of the sum of exactly `clients` updates, 384 bytes each.
  // ErrorCode::malformed where they cannot be those.
  Result<secagg::Words> decode(ByteView plaintexts, std::uint32_t clients) const;

 private:
  EncryptedVector(paillier::PublicKey key, const VectorShape& shape, paillier::Layout layout)
      : key_(key), shape_(shape), layout_(layout) {}
  std::size_t count_in(std::size_t ciphertext) const;

  paillier::PublicKey key_;
  VectorShape shape_;
  paillier::Layout layout_;
};

// Of such vectors in a job with a section "homomorphic_encryption".
Result<EncryptedVector> encrypted_vector_of(const config::JobSpec& job, const VectorShape& shape);

}  // namespace fed::coding
