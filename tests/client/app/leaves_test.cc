// What `fedclient check` says to leave is what the site's own demands, and the job, let leave.
#include "app/leaves.h"

#include <fmt/ranges.h>

#include <catch2/catch.hpp>

namespace fed::app {
namespace {

config::ClientSpec site() {
  config::ClientSpec spec;
  spec.data.path = "rows.csv";
  return spec;
}

std::string text_of(const config::ClientSpec& spec, const config::JobSpec* job = nullptr) {
  return fmt::format("{}", fmt::join(leaves_lines(spec, job), "\n"));
}

config::JobSpec job(const std::string& sections) {
  return config::parse_job(
             R"({"name": "job", "model": {"type": "linear", "inputs": 4, "outputs": 1},
      "rounds": {"max": 9, "cohort": 20, "contributions": {"min": 8}},
      "aggregation": {"weighting": "uniform"},
      "training": {"optimizer": {"type": "sgd", "learning_rate": 0.1}})" +
             sections + "}")
      .value();
}

bool has(const std::string& text, const char* words) {
  return text.find(words) != std::string::npos;
}

TEST_CASE("leaves: what the site does not demand is said to depend on the job") {
  const std::string text = text_of(site());
  CHECK(has(text, "masked if the job has secure_aggregation"));
  CHECK(has(text, "else the server sees it"));
  CHECK(has(text, "noise if the job has a section privacy"));
  CHECK(has(text, "how many rows this machine trains on: as a part of such sums only, where"));
  CHECK_FALSE(has(text, "encrypted for the key holder"));  // it has been given no key
  config::ClientSpec given = site();
  given.jobs.homomorphic_encryption.public_key = "key";
  CHECK(has(text_of(given), "encrypted for the key holder if"));
}

TEST_CASE("leaves: what the site demands is said with the key that demands it") {
  config::ClientSpec spec = site();
  spec.jobs.secure_aggregation.required = true;
  spec.jobs.secure_aggregation.clients_min = 7;
  spec.jobs.privacy.required = true;
  const std::string text = text_of(spec);
  CHECK(has(text, "masked: the server learns sums of at least 7 clients' updates"));
  CHECK(has(text, "jobs.secure_aggregation.required"));
  CHECK(has(text, "jobs.privacy.required"));
  CHECK(has(text, "how many rows this machine trains on: as a part of such sums only"));
  CHECK_FALSE(has(text, "else the server sees it"));
  CHECK(has(text, "unless it has made up the others"));
  spec.jobs.secure_aggregation.peers = config::SecureAgreementSpec::Peers::pinned;
  CHECK_FALSE(has(text_of(spec), "unless it has made up"));
  CHECK_FALSE(has(text, "mean loss of the training"));  // it goes beside an update that is seen
}

TEST_CASE("leaves: of a job that is known nothing is left open") {
  const config::JobSpec seen = job("");
  CHECK(has(text_of(site(), &seen), "which the server sees"));
  CHECK(has(text_of(site(), &seen), "the job has no section privacy"));
  const config::JobSpec masked = job(R"(, "secure_aggregation": {})");
  CHECK(has(text_of(site(), &masked), "masked: the server learns sums of at least 8 clients'"));
  CHECK(has(text_of(site(), &masked), "the job has secure_aggregation"));
  const config::JobSpec noisy = job(
      R"(, "secure_aggregation": {"corrupted": 0.1}, "privacy": {"mechanism": "distributed_gaussian",
         "clipping_norm": 1, "noise_multiplier": 2, "epsilon_max": 1000})");
  const std::string text = text_of(site(), &noisy);
  CHECK(has(text, "this machine's share of the sum's noise"));
  const config::JobSpec own_noise = job(
      R"(, "secure_aggregation": {"corrupted": 0.1}, "privacy": {"mechanism": "local_gaussian",
         "clipping_norm": 1, "noise_multiplier": 2, "epsilon_max": 1000})");
  CHECK(has(text_of(site(), &own_noise), "in it, noise of this machine"));
  const config::JobSpec adaptive = job(
      R"(, "privacy": {"clipping_norm": 1, "noise_multiplier": 2, "epsilon_max": 1000,
         "adaptive": {"count_noise": 4}})");
  CHECK(has(text_of(site(), &adaptive), "whether the update was longer than the clipping norm"));
  CHECK_FALSE(has(text_of(site(), &masked), "how many rows this machine trains on"));  // uniform
  CHECK_FALSE(has(text, "rows"));  // nothing but the noisy vector
  CHECK_FALSE(has(text, "loss"));
}

TEST_CASE("leaves: of a key holder decrypted sums, and of one without data nothing of training") {
  config::ClientSpec spec;
  spec.jobs.homomorphic_encryption.secret_key = "/keys/holder.key";
  spec.jobs.homomorphic_encryption.clients_min = 5;
  const std::string text = text_of(spec);
  CHECK(has(text, "the public key of /keys/holder.key: the sum of each round, decrypted"));
  CHECK(has(text, "at least 5 clients"));
  CHECK_FALSE(has(text, "weight"));
  CHECK(has(fmt::format("{}", fmt::join(stays_lines(spec), "\n")), "key holder"));
}

}  // namespace
}  // namespace fed::app
