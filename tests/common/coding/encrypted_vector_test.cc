// Encrypted sums are the sums of the integers, modulo 2^b as masks have it, and what is no update
// is found. The scheme itself is tested in tests/common/paillier.
#include "coding/encrypted_vector.h"

#include <catch2/catch.hpp>
#include <random>

#include "coding/job_noise.h"
#include "paillier/secret_key.h"

namespace fed::coding {
namespace {

using paillier::Ciphertext;
using paillier::SecretKey;

const SecretKey& key() {
  static const SecretKey made = [] {
    crypto::Wiped<crypto::kKeyBytes> seed;
    seed.span()[0] = 1;
    return SecretKey::from_seed(seed.view());
  }();
  return made;
}

EncryptedVector vector_of(const VectorShape& shape, std::uint32_t clients_max) {
  return EncryptedVector::make(key().public_key(), shape, clients_max).value();
}

Bytes decrypted(const EncryptedVector::Sum& sum) {
  Bytes plaintexts;
  for (const Ciphertext& part : sum) append(plaintexts, key().decrypt(part)->bytes());
  return plaintexts;
}

std::vector<std::uint64_t> values(const secagg::Words& words, unsigned bits) {
  return std::visit(
      [bits](const auto& all) {
        std::vector<std::uint64_t> cut;
        for (const auto each : all) cut.push_back(each & secagg::modulus_mask(bits));
        return cut;
      },
      words);
}

// Words of numbers from -most to most, with both of them in it.
secagg::Words random_words(const VectorShape& shape, std::int64_t most, unsigned seed) {
  std::mt19937_64 random(seed);
  std::uniform_int_distribution<std::int64_t> number(-most, most);
  secagg::Words words = secagg::zero_words(shape.modulus_bits, shape.length);
  std::visit(
      [&](auto& all) {
        using Word = typename std::decay_t<decltype(all)>::value_type;
        for (auto& each : all) each = static_cast<Word>(number(random));
        all.front() = static_cast<Word>(most);
        all.back() = static_cast<Word>(-most);
      },
      words);
  return words;
}

TEST_CASE("an encrypted sum is the sum of the integers") {
  struct Case {
    VectorShape shape;
    std::uint32_t clients_max, clients;
  };
  for (const auto& [shape, clients_max, clients] :
       {Case{{20, 300}, 5, 4}, Case{{20, 300}, 5, 5}, Case{{33, 100}, 4, 4}, Case{{2, 1}, 1, 1},
        Case{{62, 60}, 3, 3}, Case{{26, 117}, 100, 3}}) {
    const EncryptedVector vector = vector_of(shape, clients_max);
    // Sums of clients_max of these do not wrap.
    const std::int64_t most = ((std::int64_t{1} << (shape.modulus_bits - 1)) - 1) / clients_max;
    EncryptedVector::Sum sum = vector.zeros();
    std::vector<std::uint64_t> expected(shape.length);
    for (std::uint32_t i = 0; i < clients; ++i) {
      const secagg::Words words = random_words(shape, most, i);
      const auto numbers = values(words, shape.modulus_bits);
      for (std::size_t j = 0; j < expected.size(); ++j) expected[j] += numbers[j];
      const Bytes update = vector.encrypt(words, crypto::random_bytes).value();
      CHECK(update.size() == vector.bytes());
      REQUIRE(vector.add(update, sum).has_value());
    }
    for (auto& each : expected) each &= secagg::modulus_mask(shape.modulus_bits);
    const auto decoded = vector.decode(decrypted(sum), clients);
    REQUIRE(decoded.has_value());
    CHECK(values(*decoded, shape.modulus_bits) == expected);
    // Told that they were more than there can be.
    CHECK(vector.decode(decrypted(sum), clients_max + 1).error().code == ErrorCode::invalid);
  }
}

TEST_CASE("elements with noise may be any number modulo 2^b, and their sum is exact") {
  const VectorShape shape{24, 200};
  const std::uint32_t clients = 10;
  const auto vector =
      EncryptedVector::make(key().public_key(), shape, clients, EncryptedVector::Elements::any)
          .value();
  EncryptedVector::Sum sum = vector.zeros();
  std::vector<std::uint64_t> expected(shape.length);
  for (std::uint32_t i = 0; i < clients; ++i) {
    const secagg::Words words = random_words(shape, std::int64_t{1} << 40, i);
    const auto numbers = values(words, shape.modulus_bits);
    for (std::size_t j = 0; j < expected.size(); ++j) expected[j] += numbers[j];
    vector.add(vector.encrypt(words, crypto::random_bytes).value(), sum).value();
  }
  for (auto& each : expected) each &= secagg::modulus_mask(shape.modulus_bits);
  CHECK(values(vector.decode(decrypted(sum), clients).value(), shape.modulus_bits) == expected);
}

// A job's own vectors: with local noise, elements are beyond their share of the sum.
TEST_CASE("what a client with local noise sends can be encrypted") {
  config::JobSpec job;
  job.rounds.cohort = job.rounds.contributions_goal = 100;
  job.rounds.contributions_min = 3;
  job.privacy = config::PrivacySpec{.mechanism = config::PrivacySpec::Mechanism::local_gaussian,
                                    .clipping_norm = 1,
                                    .noise_multiplier = 7,
                                    .delta = 1e-5,
                                    .epsilon_max = 1000};
  job.quantisation = config::QuantisationSpec{.clipping_norm = 1, .steps = 1000};
  job.homomorphic_encryption = {to_text(key().public_key()), "holder"};
  const secagg::Codec codec = codec_of(job, 200, 0).value();
  const JobNoise noise = JobNoise::make(job, codec).value();
  auto source = privacy::RandomSource::seeded(1);
  const auto rounded = noise.round(std::vector<float>(200, 0.01F), codec, source).value();
  secagg::Words words = codec.assemble(rounded);
  noise.add(words, source);
  const auto vector = encrypted_vector_of(job, shape_of(codec)).value();
  EncryptedVector::Sum sum = vector.zeros();
  vector.add(vector.encrypt(words, crypto::random_bytes).value(), sum).value();
  CHECK(values(vector.decode(decrypted(sum), 1).value(), codec.modulus_bits()) ==
        values(words, codec.modulus_bits()));
}

TEST_CASE("the same vector is never the same ciphertexts") {
  const VectorShape shape{20, 200};
  const EncryptedVector vector = vector_of(shape, 3);
  const secagg::Words zeros = secagg::zero_words(20, 200);
  CHECK(vector.encrypt(zeros, crypto::random_bytes).value() !=
        vector.encrypt(zeros, crypto::random_bytes).value());
}

TEST_CASE("an element that one client cannot have is not sent") {
  const VectorShape shape{20, 3};
  const EncryptedVector vector = vector_of(shape, 4);  // 18 bits each
  secagg::Words words = secagg::zero_words(20, 3);
  std::get<0>(words)[1] = (1U << 17) - 1;
  CHECK(vector.encrypt(words, crypto::random_bytes).has_value());
  std::get<0>(words)[1] = 1U << 17;
  CHECK(vector.encrypt(words, crypto::random_bytes).error().code == ErrorCode::invalid);
}

TEST_CASE("what is no update is found") {
  const EncryptedVector vector = vector_of({20, 300}, 5);
  Bytes update = vector.encrypt(secagg::zero_words(20, 300), crypto::random_bytes).value();
  REQUIRE(vector.check(update).has_value());
  CHECK(vector.check(ByteView(update).first(update.size() - 1)).error().code ==
        ErrorCode::malformed);
  CHECK_FALSE(vector.check({}).has_value());
  std::fill(update.begin() + Ciphertext::kBytes, update.begin() + 2 * Ciphertext::kBytes, 0);
  CHECK(vector.check(update).error().code == ErrorCode::malformed);
  std::fill(update.begin() + Ciphertext::kBytes, update.begin() + 2 * Ciphertext::kBytes, 0xff);
  CHECK(vector.check(update).error().code == ErrorCode::malformed);
  EncryptedVector::Sum sum = vector.zeros();
  CHECK_FALSE(vector.add(update, sum).has_value());
}

TEST_CASE("plaintexts that are no sum are found") {
  const EncryptedVector vector = vector_of({20, 300}, 5);
  Bytes plaintexts(vector.ciphertexts() * paillier::kModulusBytes);
  CHECK(vector.decode(plaintexts, 3).has_value());
  CHECK_FALSE(vector.decode(ByteView(plaintexts).first(plaintexts.size() - 1), 3).has_value());
  plaintexts.back() = 0x40;  // beyond the last field
  CHECK(vector.decode(plaintexts, 3).error().code == ErrorCode::malformed);
}

TEST_CASE("keys are text in job files") {
  const std::string text = to_text(key().public_key());
  CHECK(text.size() == 516);
  CHECK(public_key_of(text).value() == key().public_key());
  CHECK_FALSE(public_key_of(text.substr(1)).has_value());
  CHECK_FALSE(public_key_of(std::string(516, 'A')).has_value());
  CHECK_FALSE(public_key_of("not base64!").has_value());
}

TEST_CASE("sums that are too wide are refused with what to change") {
  const auto wide = EncryptedVector::make(key().public_key(), {64, 10}, 3);
  REQUIRE_FALSE(wide.has_value());
  CHECK_THAT(wide.error().detail, Catch::Contains("quantisation.steps"));
  CHECK(EncryptedVector::make(key().public_key(), {62, 10}, 3).has_value());
}

}  // namespace
}  // namespace fed::coding
