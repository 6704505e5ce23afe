#include "coding/encrypted_vector.h"

#include <algorithm>
#include <bit>
#include <mutex>
#include <optional>

namespace fed::coding {
namespace {

using paillier::Ciphertext;
using paillier::Plaintext;
using paillier::PublicKey;

// An element as the signed number that it stands for.
std::int64_t signed_value(std::uint64_t word, unsigned bits) {
  const std::uint64_t sign = std::uint64_t{1} << (bits - 1);
  const std::uint64_t value = word & secagg::modulus_mask(bits);
  return static_cast<std::int64_t>((value ^ sign) - sign);
}

std::vector<std::int64_t> signed_values(const secagg::Words& vector, std::size_t first,
                                        std::size_t count, unsigned bits) {
  std::vector<std::int64_t> values(count);
  std::visit(
      [&](const auto& words) {
        for (std::size_t i = 0; i < count; ++i) values[i] = signed_value(words[first + i], bits);
      },
      vector);
  return values;
}

void put(const std::vector<std::int64_t>& values, std::size_t first, secagg::Words& into) {
  std::visit(
      [&](auto& words) {
        using Word = typename std::decay_t<decltype(words)>::value_type;
        for (std::size_t i = 0; i < values.size(); ++i) {
          words[first + i] = static_cast<Word>(values[i]);
        }
      },
      into);
}

void wipe(std::vector<std::int64_t>& values) { crypto::wipe(as_writable_bytes(std::span(values))); }

ByteView item(ByteView bytes, std::size_t index, std::size_t item_bytes) {
  return bytes.subspan(index * item_bytes, item_bytes);
}

}  // namespace

Result<PublicKey> public_key_of(std::string_view text) {
  const Error wrong{ErrorCode::invalid,
                    "this is no public key for homomorphic encryption (cut, or altered where it "
                    "was copied?); `fedclient key FILE` prints it on the key holder"};
  const auto bytes = from_base64url(text);
  if (!bytes) return wrong;
  auto key = PublicKey::from_bytes(*bytes);
  if (!key) return wrong;
  return std::move(*key);
}

std::string to_text(const PublicKey& key) { return to_base64url(key.to_bytes()); }

Result<EncryptedVector> EncryptedVector::make(PublicKey key, const VectorShape& shape,
                                              std::uint32_t clients_max, Elements elements) {
  const auto whole = static_cast<unsigned>(std::bit_width(clients_max)) - 1;
  const unsigned spare = elements == Elements::shares ? whole : 0;
  auto layout = paillier::Layout::make(shape.modulus_bits - spare, clients_max);
  if (layout) return EncryptedVector(key, shape, *layout);
  return Error{ErrorCode::invalid,
               "there is no room for sums of " + std::to_string(shape.modulus_bits) +
                   " bits: quantisation.steps, quantisation.weight_max or rounds.cohort is to be "
                   "smaller"};
}

std::size_t EncryptedVector::count_in(std::size_t ciphertext) const {
  return std::min<std::size_t>(layout_.capacity(), shape_.length - ciphertext * layout_.capacity());
}

Result<Bytes> EncryptedVector::encrypt(const secagg::Words& vector,
                                       const crypto::RandomSource& random,
                                       const secagg::Parallel& parallel) const {
  Bytes update(bytes());
  std::mutex mutex;  // of what follows
  std::optional<Error> problem;
  parallel(ciphertexts(), [&](std::size_t i) {
    auto values = signed_values(vector, i * layout_.capacity(), count_in(i), shape_.modulus_bits);
    auto plaintext = layout_.pack(values);
    wipe(values);
    auto encrypted =
        plaintext ? paillier::encrypt(key_, *plaintext, paillier::Randomness::draw(key_, random))
                  : Result<Ciphertext>(plaintext.error());
    if (encrypted) {
      std::ranges::copy(encrypted->bytes(), update.begin() + i * Ciphertext::kBytes);
    } else {
      const std::lock_guard lock(mutex);
      problem = encrypted.error();
    }
  });
  if (problem) return *problem;
  return update;
}

Status EncryptedVector::check(ByteView update) const {
  if (update.size() != bytes()) {
    return Error{ErrorCode::malformed, "an encrypted update has " + std::to_string(bytes()) +
                                           " bytes, not " + std::to_string(update.size())};
  }
  for (std::size_t i = 0; i < ciphertexts(); ++i) {
    const auto part = Ciphertext::from_bytes(key_, item(update, i, Ciphertext::kBytes));
    if (!part) return Error{ErrorCode::malformed, part.error().detail};
  }
  return {};
}

EncryptedVector::Sum EncryptedVector::zeros() const {
  return Sum(ciphertexts(), Ciphertext::one());
}

Status EncryptedVector::add(ByteView update, Sum& sum) const {
  FED_TRY(check(update));
  for (std::size_t i = 0; i < sum.size(); ++i) {
    paillier::add(key_, sum[i], *Ciphertext::from_bytes(key_, item(update, i, Ciphertext::kBytes)));
  }
  return {};
}

Bytes EncryptedVector::bytes_of(const Sum& sum) {
  Bytes bytes;
  for (const Ciphertext& part : sum) append(bytes, part.bytes());
  return bytes;
}

Result<secagg::Words> EncryptedVector::decode(ByteView plaintexts, std::uint32_t clients) const {
  if (plaintexts.size() != ciphertexts() * paillier::kModulusBytes) {
    return Error{ErrorCode::malformed, "the decrypted sum has another size than it should"};
  }
  secagg::Words sum = secagg::zero_words(shape_.modulus_bits, shape_.length);
  for (std::size_t i = 0; i < ciphertexts(); ++i) {
    FED_ASSIGN(plaintext, Plaintext::from_bytes(item(plaintexts, i, paillier::kModulusBytes)));
    FED_ASSIGN(values, layout_.unpack(plaintext, count_in(i), clients));
    put(values, i * layout_.capacity(), sum);
  }
  return sum;
}

Result<EncryptedVector> encrypted_vector_of(const config::JobSpec& job, const VectorShape& shape) {
  const auto key = public_key_of(job.homomorphic_encryption->public_key);
  if (!key) {
    return Error{key.error().code, "homomorphic_encryption.public_key: " + key.error().detail};
  }
  using Elements = EncryptedVector::Elements;
  auto made = EncryptedVector::make(*key, shape, static_cast<std::uint32_t>(job.rounds.cohort),
                                    has_client_noise(job) ? Elements::any : Elements::shares);
  if (made) return made;
  return Error{made.error().code, "homomorphic_encryption: " + made.error().detail};
}

}  // namespace fed::coding
