// Which jobs a site agrees to.
#include "session/agreement.h"

#include <catch2/catch.hpp>
#include <regex>

using namespace fed;
using namespace fed::session;
using config::AgreementSpec;
using config::JobSpec;

namespace {

JobSpec job() {
  JobSpec spec;
  spec.name = "heart-disease";
  spec.model.type = "logistic";
  return spec;
}

// What the server's operator is told, or nothing.
std::string told(const Status& status) {
  if (status) return "";
  CHECK(status.error().code == ErrorCode::unsupported);
  return status.error().detail;
}

}  // namespace

TEST_CASE("homomorphic encryption: only with the key that the site was given") {
  JobSpec encrypted = job();
  encrypted.homomorphic_encryption = config::HomomorphicEncryptionSpec{"key", "uni"};
  AgreementSpec spec;
  CHECK_THAT(told(Agreement(spec).check(encrypted, 1)), Catch::Contains("no key holder's"));
  spec.homomorphic_encryption.public_key = "other";
  CHECK_THAT(told(Agreement(spec).check(encrypted, 1)), Catch::Contains("is not the one"));
  spec.homomorphic_encryption.public_key = "key";
  CHECK(told(Agreement(spec).check(encrypted, 1)).empty());
  CHECK(told(Agreement(spec).check(job(), 1)).empty());
  spec.secure_aggregation.required = true;  // is not what this is
  CHECK_THAT(told(Agreement(spec).check(encrypted, 1)), Catch::Contains("secure_aggregation"));
}

TEST_CASE("patterns of names") {
  CHECK(matches("heart", "heart"));
  CHECK_FALSE(matches("heart", "hearts"));
  CHECK_FALSE(matches("hearts", "heart"));
  CHECK(matches("*", ""));
  CHECK(matches("**", "anything"));
  CHECK(matches("heart-*", "heart-"));
  CHECK(matches("heart-*", "heart-disease"));
  CHECK(matches("*-test", "a-test-test"));
  CHECK(matches("a*b*c", "a-b-b-c"));
  CHECK_FALSE(matches("a*b*c", "a-c-b"));
  CHECK(matches("stay?", "stay2"));
  CHECK_FALSE(matches("stay?", "stay"));
  CHECK_FALSE(matches("?", ""));
  CHECK(matches("*?", "x"));
}

TEST_CASE("a pattern is what a regular expression of the same meaning is") {
  const std::string letters = "ab*?";
  const auto text_of = [](int number, const std::string& alphabet) {
    std::string text;
    for (; number > 0; number /= static_cast<int>(alphabet.size())) {
      text += alphabet[static_cast<std::size_t>(number) % alphabet.size()];
    }
    return text;
  };
  int matching = 0;
  for (int p = 0; p < 1024; ++p) {
    const std::string pattern = text_of(p, letters);
    std::string expression;
    for (const char c : pattern) {
      expression += c == '*' ? std::string(".*") : std::string(1, c == '?' ? '.' : c);
    }
    const std::regex regex(expression);
    for (int n = 0; n < 64; ++n) {
      const std::string name = text_of(n, "ab");
      const bool expected = std::regex_match(name, regex);
      if (matches(pattern, name) != expected) FAIL(pattern << " and " << name);
      matching += expected;
    }
  }
  CHECK(matching > 1000);
}

TEST_CASE("a site that has said nothing agrees") {
  const Agreement agreement;
  CHECK(agreement.check(job(), 1000000000).has_value());
  CHECK(agreement.check_rows(1).has_value());
  wire::Offer offer;
  offer.metrics = {{"loss", 1.0}};
  agreement.withhold(offer);
  CHECK(offer.metrics.size() == 1);
}

TEST_CASE("names") {
  AgreementSpec spec;
  spec.names = {"stay", "heart-*"};
  spec.names_declined = {"*-test"};
  const Agreement agreement(spec);
  CHECK(told(agreement.check(job(), 1)) == "");
  JobSpec other = job();
  other.name = "lung";
  CHECK(told(agreement.check(other, 1)) ==
        "this site does not agree: it takes part in jobs of other names only (jobs.names in its "
        "client.json)");
  other.name = "heart-test";
  CHECK(told(agreement.check(other, 1)) ==
        "this site does not agree: it declines jobs of this name (jobs.names_declined in its "
        "client.json)");
}

TEST_CASE("models") {
  AgreementSpec spec;
  spec.models = {"linear", "softmax"};
  CHECK_THAT(told(Agreement(spec).check(job(), 1)),
             Catch::Contains("\"logistic\"") && Catch::Contains("jobs.models"));
  spec.models = {"logistic"};
  CHECK(told(Agreement(spec).check(job(), 1)) == "");
}

TEST_CASE("privacy, where the site requires it") {
  AgreementSpec spec;
  JobSpec open = job(), with = job();
  with.privacy = config::PrivacySpec{};
  CHECK(told(Agreement(spec).check(open, 1)) == "");
  spec.privacy.required = true;
  CHECK(told(Agreement(spec).check(open, 1)) ==
        "this site does not agree: the job has no section \"privacy\" (jobs.privacy.required in "
        "its client.json)");
  CHECK(told(Agreement(spec).check(with, 1)) == "");
}

TEST_CASE("secure aggregation, where the site requires it") {
  AgreementSpec spec;
  JobSpec with = job();
  with.secure_aggregation = config::SecureAggregationSpec{};
  with.rounds.contributions_min = 3;
  CHECK(told(Agreement(spec).check(job(), 1)) == "");
  CHECK(told(Agreement(spec).check(with, 1)) == "");
  spec.secure_aggregation.required = true;
  CHECK(told(Agreement(spec).check(job(), 1)) ==
        "this site does not agree: the job has no section \"secure_aggregation\" "
        "(jobs.secure_aggregation.required in its client.json)");
  CHECK(told(Agreement(spec).check(with, 1)) == "");
}

TEST_CASE("secure aggregation hides a site among as many clients as it asks for") {
  AgreementSpec spec;
  spec.secure_aggregation.clients_min = 5;
  JobSpec with = job();
  with.secure_aggregation = config::SecureAggregationSpec{};
  with.rounds.contributions_min = 4;
  CHECK(told(Agreement(spec).check(with, 1)) ==
        "this site does not agree: a sum of the job may be of 4 clients; it takes part in sums of "
        "at least 5 (jobs.secure_aggregation.clients_min in its client.json)");
  with.rounds.contributions_min = 5;
  CHECK(told(Agreement(spec).check(with, 1)) == "");
  with.secure_aggregation.reset();  // then nothing is hidden, as the site has allowed
  with.rounds.contributions_min = 1;
  CHECK(told(Agreement(spec).check(with, 1)) == "");
}

TEST_CASE("secure aggregation protects from as much as the site asks for") {
  using Adversary = config::SecureAggregationSpec::Adversary;
  AgreementSpec spec;
  JobSpec with = job();
  with.rounds.contributions_min = 3;
  with.secure_aggregation = config::SecureAggregationSpec{.adversary = Adversary::curious};
  CHECK(told(Agreement(spec).check(with, 1)) ==
        "this site does not agree: the job's sums are protected against a \"curious\" server; it "
        "asks for \"semi_malicious\" (jobs.secure_aggregation.adversary in its client.json)");
  spec.secure_aggregation.adversary = Adversary::curious;
  CHECK(told(Agreement(spec).check(with, 1)) == "");
  with.secure_aggregation->adversary = Adversary::semi_malicious;
  CHECK(told(Agreement(spec).check(with, 1)) == "");
  with.secure_aggregation->corrupted = 0.04;
  CHECK(told(Agreement(spec).check(with, 1)) ==
        "this site does not agree: the job's sums are protected while a fraction of at most 0.04 "
        "of the clients is corrupted; it asks for at least 0.05 "
        "(jobs.secure_aggregation.corrupted_min in its client.json)");
  spec.secure_aggregation.corrupted_min = 0;
  CHECK(told(Agreement(spec).check(with, 1)) == "");
}

TEST_CASE("what leaves: updates") {
  AgreementSpec spec;
  spec.delta = false;
  JobSpec gradients = job();
  gradients.training.update = config::TrainingSpec::Update::gradient;
  CHECK_THAT(told(Agreement(spec).check(job(), 1)),
             Catch::Contains("\"delta\"") && Catch::Contains("jobs.leaves"));
  CHECK(told(Agreement(spec).check(gradients, 1)) == "");
  spec = {};
  spec.gradient = false;
  CHECK_THAT(told(Agreement(spec).check(gradients, 1)), Catch::Contains("\"gradient\""));
  CHECK(told(Agreement(spec).check(job(), 1)) == "");
}

TEST_CASE("what leaves: statistics, which only a job with federated scaling needs") {
  AgreementSpec spec;
  spec.statistics = false;
  JobSpec scaled = job();
  scaled.inputs.emplace();
  CHECK(told(Agreement(spec).check(scaled, 1)) == "");
  scaled.inputs->scaling = config::InputsSpec::Scaling::federated;
  CHECK_THAT(told(Agreement(spec).check(scaled, 1)),
             Catch::Contains("federated scaling") && Catch::Contains("jobs.leaves"));
  CHECK(told(Agreement().check(scaled, 1)) == "");
}

TEST_CASE("a server gets no sums for a job that does not speak of them") {
  JobSpec scaled = job();
  scaled.inputs.emplace();
  const Agreement agreement;
  CHECK(agreement.check_task(job(), wire::TaskKind::training).has_value());
  CHECK_FALSE(agreement.check_task(job(), wire::TaskKind::statistics).has_value());
  CHECK_FALSE(agreement.check_task(scaled, wire::TaskKind::statistics).has_value());
  scaled.inputs->scaling = config::InputsSpec::Scaling::federated;
  CHECK(agreement.check_task(scaled, wire::TaskKind::statistics).has_value());
}

TEST_CASE("what leaves: metrics are left out, and nothing else") {
  AgreementSpec spec;
  spec.metrics = false;
  wire::Offer offer;
  offer.examples = 7;
  offer.metrics = {{"loss", 1.0}};
  Agreement(spec).withhold(offer);
  CHECK(offer.metrics.empty());
  CHECK(offer.examples == 7);
  CHECK(told(Agreement(spec).check(job(), 1)) == "");
}

TEST_CASE("sizes") {
  AgreementSpec spec;
  spec.rows_min = 50;
  spec.update_bytes_max = 1000;
  const Agreement agreement(spec);
  CHECK(told(agreement.check(job(), 1000)) == "");
  CHECK_THAT(told(agreement.check(job(), 1004)),
             Catch::Contains("1004 bytes") && Catch::Contains("jobs.update_bytes_max"));
  CHECK(told(agreement.check_rows(50)) == "");
  // How many rows there are is not said.
  CHECK(told(agreement.check_rows(49)) ==
        "this site does not agree: it trains on at least 50 rows, and has fewer for this job "
        "(jobs.rows_min in its client.json)");
}
