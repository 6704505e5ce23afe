// What a job's sections mean for secagg: metrics through a sum, codecs of rounds, what can be
// secure.
#include "coding/job_codec.h"

#include <catch2/catch.hpp>
#include <cmath>

namespace fed::coding {
namespace {

config::JobSpec some_job() {
  config::JobSpec job;
  job.rounds.cohort = 5;
  job.rounds.contributions_min = 3;
  job.rounds.contributions_goal = 4;
  job.quantisation = config::QuantisationSpec{.weight_max = 1000};
  job.secure_aggregation = config::SecureAggregationSpec{};
  return job;
}

secagg::Codec codec(const config::JobSpec& job, std::int64_t round = 1) {
  return codec_of(job, 40, round).value();
}

std::vector<std::uint64_t> values(const secagg::Words& words) {
  return std::visit([](const auto& v) { return std::vector<std::uint64_t>(v.begin(), v.end()); },
                    words);
}

secagg::Words vector_of(const config::JobSpec& job, const secagg::Codec& how,
                        const std::optional<model::Metrics>& metrics) {
  std::vector<float> update(40);
  for (std::size_t i = 0; i < update.size(); ++i) update[i] = 0.01f * static_cast<float>(i);
  const crypto::Hash secret = settings_hash("secret");
  return how.encode(update, 1, measures_of(job, metrics), crypto::KeyView(secret)).value();
}

model::Metrics metrics(std::int64_t examples, double loss) {
  model::Metrics result;
  result.examples = examples;
  result.loss = loss;
  return result;
}

// Of several sites, through the codec.
std::optional<model::Metrics> mean(const config::JobSpec& job,
                                   const std::vector<std::optional<model::Metrics>>& sites) {
  const secagg::Codec how = codec(job);
  secagg::Words sum = secagg::zero_words(how.modulus_bits(), how.length());
  for (const auto& site : sites) {
    const secagg::Words one = vector_of(job, how, site);
    std::visit(
        [&](auto& total) {
          const auto& more = std::get<std::decay_t<decltype(total)>>(one);
          for (std::size_t i = 0; i < total.size(); ++i) total[i] += more[i];
        },
        sum);
  }
  return metrics_of(how.decode(std::move(sum)).measures);
}

TEST_CASE("coding: metrics are means over the sites, by their rows") {
  model::Metrics one = metrics(100, 0.5), two = metrics(300, 2.5);
  one.accuracy = 1, two.accuracy = 0.5;
  const auto found = mean(some_job(), {one, two, std::nullopt});
  REQUIRE(found);
  CHECK(found->examples == 400);
  CHECK(found->loss == Approx((0.5 * 100 + 2.5 * 300) / 400).margin(1e-3));
  CHECK(found->accuracy.value() == Approx((100 + 0.5 * 300) / 400).margin(1e-3));
  CHECK_FALSE(found->auc);
  CHECK_FALSE(found->rmse);
  CHECK_FALSE(found->mae);
  CHECK_FALSE(found->r2);
}

TEST_CASE("coding: a metric that some sites lack is the mean over the others") {
  model::Metrics one = metrics(10, 1), two = metrics(990, 1), three = metrics(30, 1);
  one.auc = 0.75, three.auc = 0.25;
  three.rmse = 3, three.mae = 2, three.r2 = -0.5;
  const auto found = mean(some_job(), {one, two, three});
  REQUIRE(found);
  CHECK(found->examples == 1030);
  CHECK(found->auc.value() == Approx((0.75 * 10 + 0.25 * 30) / 40).margin(1e-3));
  CHECK(found->rmse.value() == Approx(3).margin(1e-2));
  CHECK(found->mae.value() == Approx(2).margin(1e-2));
  CHECK(found->r2.value() == Approx(-0.5).margin(1e-3));
  CHECK_FALSE(found->accuracy);
}

TEST_CASE("coding: without any metrics there are none") {
  CHECK_FALSE(mean(some_job(), {std::nullopt, std::nullopt, model::Metrics{}}));
}

TEST_CASE("coding: metrics of any size come out, weights are cut off") {
  model::Metrics wild = metrics(1 << 20, 1e8), calm = metrics(1000, 1e-4);
  wild.rmse = 3000, calm.rmse = 4000;
  wild.r2 = -40;
  const auto found = mean(some_job(), {wild, calm});
  REQUIRE(found);
  CHECK(found->examples == 2000);
  CHECK(found->loss == Approx((1e8 + 1e-4) / 2).epsilon(1e-12));
  CHECK(found->r2.value() == Approx(-40));
  // Of all rows together: the root of the mean square.
  CHECK(found->rmse.value() == Approx(std::sqrt(12.5e6)).epsilon(1e-9));
  const auto nan = measures_of(some_job(), metrics(3, NAN));
  CHECK(nan[0].weight == 0);
}

TEST_CASE("coding: the codec follows from the job's name, its seed and the round") {
  config::JobSpec job = some_job();
  const auto of = [&](std::int64_t round, std::string name, std::uint64_t seed) {
    job.name = std::move(name);
    job.rounds.seed = seed;
    return values(vector_of(job, codec(job, round), std::nullopt));
  };
  for (const bool rotation : {true, false}) {
    job.quantisation->rotation = rotation;
    job.quantisation->kept = rotation ? 1 : 0.5;
    CHECK(of(1, "a", 1) == of(1, "a", 1));
    CHECK(of(1, "a", 1) != of(2, "a", 1));
    CHECK(of(1, "a", 1) != of(1, "b", 1));
    CHECK(of(1, "a", 1) != of(1, "a", 2));
  }
  // Without either, rounds do not differ.
  job.quantisation->kept = 1;
  CHECK(of(1, "a", 1) == of(2, "a", 1));
}

TEST_CASE("coding: the size on the wire is that of the packed vector") {
  const secagg::Codec how = codec(some_job());
  // Each metric is a weight and three digits of base 65536.
  CHECK(how.length() == 40 + 1 + 4 * model::metric_names().size());
  CHECK(packed_bytes(shape_of(how)) == (how.length() * how.modulus_bits() + 7) / 8);
}

TEST_CASE("coding: numbers that fit no 64 bits are the operator's business") {
  config::JobSpec job = some_job();
  job.quantisation->steps = std::int64_t{1} << 31;
  job.quantisation->weight_max = std::int64_t{1} << 31;
  const auto found = codec_of(job, 40, 1);
  REQUIRE_FALSE(found.has_value());
  CHECK(found.error().code == ErrorCode::invalid);
  CHECK_THAT(found.error().detail, Catch::Contains("quantisation.steps is 2147483648") &&
                                       Catch::Contains("quantisation.weight_max 2147483648") &&
                                       Catch::Contains("rounds.cohort"));
}

TEST_CASE("coding: weights are examples, within bounds") {
  const config::JobSpec job = some_job();
  CHECK(weight_of(job, -5) == 1);
  CHECK(weight_of(job, 0) == 1);
  CHECK(weight_of(job, 999) == 999);
  CHECK(weight_of(job, 1000) == 1000);
  CHECK(weight_of(job, std::int64_t{1} << 40) == 1000);
}

// What is said of a job whose sums cannot be secure.
std::string refusal_of(const config::JobSpec& job) {
  const Status checked = check_parameters(job);
  REQUIRE_FALSE(checked);
  CHECK(checked.error().code == ErrorCode::invalid);
  return checked.error().detail;
}

TEST_CASE("coding: what can be secure, and which key is in the way of it") {
  config::JobSpec job = some_job();
  CHECK(check_parameters(job));
  job.rounds.cohort = job.rounds.contributions_goal = 3;
  CHECK(check_parameters(job));
  job.rounds.contributions_min = 2;
  CHECK(refusal_of(job) == "rounds.contributions.min is 2: a secure sum has at least 3 clients");
  for (const std::int64_t cohort : {10'001, 1'000'000}) {
    job = some_job();
    job.rounds.cohort = cohort;
    CHECK(refusal_of(job) == "rounds.cohort is " + std::to_string(cohort) +
                                 ": a secure sum has at most 10000 clients");
  }
  job = some_job();
  job.rounds.cohort = 10'000;
  job.secure_aggregation->corrupted = 0.2;
  job.secure_aggregation->dropped = 0.3;
  CHECK_THAT(refusal_of(job), Catch::Contains("rounds.cohort is 10000: each client would share") &&
                                  Catch::Contains("lower secure_aggregation.corrupted"));
}

// The numbers behind these words in the text.
double number_after(const std::string& text, const std::string& words) {
  const std::size_t at = text.find(words);
  INFO(text);
  REQUIRE(at != std::string::npos);
  return std::stod(text.substr(at + words.size()));
}

TEST_CASE("coding: where no threshold is safe, what would be is said, and is") {
  for (const std::int64_t cohort : {6, 10, 100, 1000}) {
    CAPTURE(cohort);
    config::JobSpec job = some_job();
    job.rounds.cohort = job.rounds.contributions_goal = job.rounds.contributions_min = cohort;
    job.secure_aggregation->corrupted = 0.35;
    job.secure_aggregation->dropped = 0.4;
    const std::string text = refusal_of(job);
    CHECK_THAT(text, Catch::StartsWith("rounds.cohort is " + std::to_string(cohort)) &&
                         Catch::Contains("secure_aggregation.corrupted of 0.35") &&
                         Catch::Contains("secure_aggregation.dropped of 0.4,"));
    const double dropped = number_after(text, "secure_aggregation.dropped up to ");
    job.secure_aggregation->dropped = dropped;
    CHECK(check_parameters(job));
    job.secure_aggregation->dropped = dropped + 0.001;
    CHECK_FALSE(check_parameters(job));
    if (text.find("corrupted up to") == std::string::npos) continue;
    job.secure_aggregation->dropped = 0.4;
    const double corrupted = number_after(text, "secure_aggregation.corrupted up to ");
    job.secure_aggregation->corrupted = corrupted;
    CHECK(check_parameters(job));
    job.secure_aggregation->corrupted = corrupted + 0.001;
    CHECK_FALSE(check_parameters(job));
  }
}

TEST_CASE("coding: one client more can be what is missing, and is named only then") {
  config::JobSpec job = some_job();
  job.secure_aggregation->corrupted = job.secure_aggregation->dropped = 0.25;
  const auto all_of = [&job](std::int64_t clients) {
    job.rounds.cohort = job.rounds.contributions_goal = job.rounds.contributions_min = clients;
  };
  // Of 4, (3 + 1) / 2 + 1 shares are needed, and 2 others are left; of 5, 3 of 3.
  all_of(4);
  CHECK(number_after(refusal_of(job), "or rounds.cohort of ") == 5);
  all_of(5);
  CHECK(check_parameters(job));
  all_of(20);
  job.rounds.contributions_min = 4;
  CHECK(number_after(refusal_of(job), "or rounds.contributions.min of ") == 5);
  job.secure_aggregation->corrupted = job.secure_aggregation->dropped = 0.4;
  all_of(6);
  CHECK_THAT(refusal_of(job), !Catch::Contains("cohort of"));
}

TEST_CASE("coding: the threat is the job's, in thousandths") {
  const auto threat = threat_of({.adversary = config::SecureAggregationSpec::Adversary::curious,
                                 .corrupted = 0.333,
                                 .dropped = 0.1});
  CHECK(threat == secagg::Threat{secagg::Adversary::curious, 333, 100});
  CHECK(threat_of({}).adversary == secagg::Adversary::semi_malicious);
}

TEST_CASE("coding: one byte of the job is another job") {
  CHECK(settings_hash("{\"name\":\"a\"}") == settings_hash("{\"name\":\"a\"}"));
  CHECK(settings_hash("{\"name\":\"a\"}") != settings_hash("{\"name\":\"b\"}"));
}

}  // namespace
}  // namespace fed::coding
