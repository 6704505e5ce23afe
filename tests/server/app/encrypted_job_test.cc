// A job with homomorphic encryption: what it takes from clients, and from whom it takes a sum.
#include <catch2/catch.hpp>

#include "app/job.h"
#include "base/checksum.h"
#include "coding/encrypted_vector.h"
#include "job_bench.h"
#include "paillier/secret_key.h"

namespace fed::app {
namespace {

using test::JobBench;

constexpr std::int64_t kHolder = 9;

const paillier::SecretKey& key() {
  static const paillier::SecretKey made = [] {
    crypto::Wiped<crypto::kKeyBytes> seed;
    seed.span()[0] = 2;
    return paillier::SecretKey::from_seed(seed.view());
  }();
  return made;
}

std::string job_text() {
  return R"({"name": "a", "model": {"type": "linear", "inputs": 400},
    "rounds": {"max": 1, "cohort": 3}, "aggregation": {"weighting": "uniform"},
    "quantisation": {"clipping_norm": 4, "steps": 1000},
    "homomorphic_encryption": {"key_holder": "site-9", "public_key": ")" +
         coding::to_text(key().public_key()) + "\"}}";
}

const config::JobSpec& spec() {
  static const config::JobSpec parsed = config::parse_job(job_text()).value();
  return parsed;
}

secagg::Codec codec(std::int64_t base_version) {
  return coding::codec_of(spec(), 401, base_version).value();
}

// An update of all the same coordinates, as its client sends it.
Bytes update(float value, std::int64_t base_version) {
  const secagg::Codec how = codec(base_version);
  const std::vector<float> coordinates(401, value);
  const crypto::Hash rounding = crypto::sha256(view("rounding"));
  const auto words = how.encode(coordinates, 1, coding::measures_of(spec(), std::nullopt),
                                crypto::KeyView(rounding));
  const auto vector = coding::encrypted_vector_of(spec(), coding::shape_of(how)).value();
  return vector.encrypt(*words, crypto::random_bytes).value();
}

wire::Offer offer_of(const wire::Task& task, const Bytes& body) {
  wire::Offer offer;
  offer.job = task.job;
  offer.task = task.task;
  offer.base_version = task.base_version;
  offer.examples = 1;
  offer.bytes = body.size();
  offer.checksum = checksum(body);
  offer.body = body;
  return offer;
}

// What an honest key holder answers.
wire::DecryptedSum answer_to(const wire::DecryptSum& question) {
  wire::DecryptedSum answer{question.job, question.round, question.first, {}};
  for (std::size_t at = 0; at < question.ciphertexts.size(); at += wire::kCiphertextBytes) {
    const auto part = paillier::Ciphertext::from_bytes(
        key().public_key(), ByteView(question.ciphertexts).subspan(at, wire::kCiphertextBytes));
    append(answer.plaintexts, key().decrypt(*part)->bytes());
  }
  return answer;
}

struct World : JobBench {
  World() : JobBench(job_text()) { start(); }

  void begins(std::int64_t which) {
    connect(which).says(wire::JobAnswer{"a", true, 1, ""});
    pass(1);
  }
  wire::Task task_of(std::int64_t which) { return client(which).heard<wire::Task>().back(); }
  void delivers(std::int64_t which, float value) {
    const wire::Task task = task_of(which);
    client(which).says(offer_of(task, update(value, task.base_version)));
    pass(1);
  }
  // Three updates are there, and their sum waits.
  void complete() {
    for (const std::int64_t each : {1, 2, 3}) begins(each);
    for (const std::int64_t each : {1, 2, 3}) delivers(each, 0.01F * static_cast<float>(each));
  }
  void holder_comes() {
    connect(kHolder).says(wire::KeyHeld{"a"});
    pass(1);
  }
  wire::DecryptSum question() { return client(kHolder).heard<wire::DecryptSum>().back(); }
  std::size_t questions() { return client(kHolder).heard<wire::DecryptSum>().size(); }
  void holder_answers(const wire::Message& answer) {
    client(kHolder).says(answer);
    pass(1);
  }
};

TEST_CASE("an encrypted job: its version is made of the sum that the key holder decrypts") {
  World world;
  world.complete();
  CHECK(world.job().version() == 0);
  CHECK_THAT(world.job().decryption_state().value_or(""), Catch::Contains("not connected"));
  CHECK(world.job().key_holder_missing() == "site-9");
  world.holder_comes();
  CHECK(world.job().key_holder_missing().empty());
  CHECK(world.question().clients == 3);
  world.holder_answers(answer_to(world.question()));
  REQUIRE(world.job().version() == 1);
  CHECK_FALSE(world.job().decryption_state());
}

TEST_CASE("an encrypted job: after a restart the same sum is asked for") {
  World world;
  world.complete();
  world.holder_comes();
  const wire::DecryptSum first = world.question();
  world.restart();
  world.start();
  world.pass(1);
  world.holder_comes();
  const wire::DecryptSum again = world.question();
  CHECK(again.ciphertexts == first.ciphertexts);
  CHECK(again.clients == first.clients);
  world.holder_answers(answer_to(again));
  CHECK(world.job().version() == 1);
}

TEST_CASE("an encrypted job: a key holder that reconnects is asked again, and counts once") {
  World world;
  world.complete();
  world.holder_comes();
  const auto answer = answer_to(world.question());
  world.holder_comes();
  CHECK(world.questions() == 1);  // on the new connection
  world.client(kHolder).says(answer);
  world.client(kHolder).says(answer);
  world.pass(1);
  CHECK(world.job().version() == 1);
}

TEST_CASE("an encrypted job: others than the key holder are not asked and not heard") {
  World world;
  world.complete();
  world.client(1).says(wire::KeyHeld{"a"});
  world.pass(1);
  CHECK(world.client(1).heard<wire::DecryptSum>().empty());
  world.holder_comes();
  world.client(1).says(answer_to(world.question()));
  world.client(1).says(wire::DecryptionRefused{"a", 1, "no"});
  world.pass(1);
  CHECK(world.job().version() == 0);
  CHECK(world.job().state() == round::JobState::running);
}

TEST_CASE("an encrypted job: a refusal, and what is no sum, pause it with the reason") {
  World world;
  world.complete();
  world.holder_comes();
  world.holder_answers(wire::DecryptionRefused{"a", 1, "not today"});
  REQUIRE(world.job().state() == round::JobState::paused);
  CHECK_THAT(world.job().report()->job_reason.detail, Catch::Contains("not today"));
  world.job().order(round::JobState::running).value();
  world.pass(1);
  auto wrong = answer_to(world.question());
  wrong.plaintexts.back() = 0xff;
  world.holder_answers(wrong);
  REQUIRE(world.job().state() == round::JobState::paused);
  CHECK_THAT(world.job().report()->job_reason.detail, Catch::Contains("is not the sum"));
  world.job().order(round::JobState::running).value();
  world.pass(1);
  world.holder_answers(answer_to(world.question()));
  CHECK(world.job().version() == 1);  // nothing was lost
}

TEST_CASE("an encrypted job: an update that is no ciphertexts costs its sender's part only") {
  World world;
  for (const std::int64_t each : {1, 2, 3}) world.begins(each);
  world.delivers(1, 0.01F);
  const wire::Task task = world.task_of(2);
  Bytes garbage = update(0.02F, task.base_version);
  std::fill(garbage.begin(), garbage.begin() + wire::kCiphertextBytes, 0);
  world.client(2).says(offer_of(task, garbage));
  world.pass(1);
  REQUIRE(world.client(2).heard<wire::Receipt>().size() == 1);
  CHECK(world.client(2).heard<wire::Receipt>()[0].outcome == wire::Outcome::refused);
  CHECK(world.client(1).heard<wire::Receipt>()[0].outcome == wire::Outcome::accepted);
  world.delivers(3, 0.03F);
  CHECK(world.client(3).heard<wire::Receipt>()[0].outcome == wire::Outcome::accepted);
}

TEST_CASE("an encrypted job: one that is cancelled waits no more") {
  World world;
  world.complete();
  world.job().order(round::JobState::cancelled).value();
  world.pass(1);
  CHECK(world.job().ended());
  CHECK(world.staging().list()->empty());
  world.holder_comes();
  CHECK(world.questions() == 0);
}

TEST_CASE(
    "an encrypted job: one whose model is too large says how large, and which keys make it so") {
  std::string text = job_text();
  const std::string model = R"({"type": "linear", "inputs": 400})";
  text.replace(text.find(model), model.size(),
               R"({"type": "mlp", "inputs": 400, "hidden": [200, 3], "outputs": 1})");
  const auto plan = make_plan(config::parse_job(text).value());
  REQUIRE_FALSE(plan.has_value());
  const int parameters = 401 * 200 + 201 * 3 + 4;
  CHECK(
      plan.error().detail ==
      "homomorphic_encryption is for models of at most 50000 parameters, and this one has " +
          std::to_string(parameters) +
          " (model.inputs is 400, model.hidden [200, 3], model.outputs 1): take a smaller one, or "
          "secure_aggregation, which hides the updates of models of any size");
}

}  // namespace
}  // namespace fed::app
