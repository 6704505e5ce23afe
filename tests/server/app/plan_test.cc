#include "app/plan.h"

#include <catch2/catch.hpp>

namespace fed::app {
namespace {

constexpr const char* kTable = R"({
  "name": "t", "model": {"type": "logistic"}, "rounds": {"max": 2, "cohort": 2},
  "inputs": {"columns": [{"name": "a", "type": "number"}, {"name": "b", "type": "number"},
                         {"name": "c", "type": "category", "values": ["x", "y"]}],
             "label": {"name": "l", "classes": ["0", "1"]}, "scaling": "federated"},
  "evaluation": {"data": {"format": "csv", "path": "/secret/test.csv", "label": "l"}}})";

std::shared_ptr<const Plan> plan_of(const std::string& text) {
  auto spec = config::parse_job(text);
  REQUIRE(spec.has_value());
  auto plan = make_plan(std::move(*spec));
  REQUIRE(plan.has_value());
  return *plan;
}

TEST_CASE("a plan has the sizes that follow from the job") {
  const auto plan = plan_of(kTable);
  CHECK(plan->model->layout().size() == 5);  // two numbers, two values, a bias
  CHECK(plan->number_columns == 2);
  CHECK(plan->engine.statistics_first);
  CHECK(plan->update_bytes(round::TaskKind::training) == 20);
  CHECK(plan->update_bytes(round::TaskKind::statistics) == 48);
}

TEST_CASE("sums of columns are of everybody, but integers are sized for the cohort") {
  CHECK_FALSE(plan_of(kTable)->engine.statistics_of_cohort);
  std::string integers = kTable;
  integers.insert(integers.rfind('}'), R"(, "quantisation": {})");
  const auto plan = plan_of(integers);
  CHECK(plan->engine.statistics_of_cohort);
  const auto codec = plan->statistics_codec();
  const std::vector<double> most(6, 0x1.fffffffffffffp94);  // of what a column's sum can be
  const secagg::Words words = codec.encode(most).value();
  secagg::Words two = words;
  for (std::size_t i = 0; i < codec.length(); ++i) {
    auto& digit = std::get<std::vector<std::uint64_t>>(two)[i];
    digit += std::get<std::vector<std::uint64_t>>(words)[i];
  }
  CHECK(codec.decode(two) == std::vector<double>(6, 0x1.fffffffffffffp95));
}

std::string refusal_of(const std::string& text) {
  auto spec = config::parse_job(text);
  REQUIRE(spec.has_value());
  const auto plan = make_plan(std::move(*spec));
  REQUIRE_FALSE(plan.has_value());
  CHECK(plan.error().code == ErrorCode::invalid);
  return plan.error().detail;
}

TEST_CASE("what a job cannot be is refused with the keys to change") {
  const std::string begin = R"({"name": "t", "rounds": {"max": 2, "cohort": 4}, )";
  const std::string no_key(516, 'A');
  CHECK_THAT(refusal_of(begin + R"("model": {"type": "linear", "inputs": 2},
                 "homomorphic_encryption": {"key_holder": "h", "public_key": ")" +
                        no_key + "\"}}"),
             Catch::StartsWith("homomorphic_encryption.public_key: this is no public key") &&
                 Catch::Contains("`fedclient key FILE` prints it"));
  CHECK_THAT(
      refusal_of(begin + R"("model": {"type": "linear", "inputs": 2},
                 "secure_aggregation": {"corrupted": 0.4, "dropped": 0.4}})"),
      Catch::StartsWith("rounds.cohort is 4") && Catch::Contains("allowed: secure_aggregation."));
}

TEST_CASE("a plan notes how many of its rounds the privacy budget pays for") {
  const auto text = [](int rounds) {
    return R"({"name": "p", "model": {"type": "linear", "inputs": 2},
      "rounds": {"cohort": 4, "max": )" +
           std::to_string(rounds) + R"(}, "aggregation": {"weighting": "uniform"},
      "privacy": {"clipping_norm": 2, "noise_multiplier": 1.5, "epsilon_max": 8}})";
  };
  const auto plan = plan_of(text(100));
  const std::int64_t paid = plan->privacy->versions_paid();
  REQUIRE(paid > 1);
  REQUIRE(paid < 100);
  CHECK(plan->notes() ==
        std::vector<std::string>{"the privacy budget pays for " + std::to_string(paid) +
                                 " of 100 rounds, after which the job ends (privacy.epsilon_max, "
                                 "rounds.max; see `fedserver privacy plan`)"});
  CHECK(plan_of(text(static_cast<int>(paid)))->notes().empty());
  CHECK(plan_of(kTable)->notes().empty());
}

TEST_CASE("clients are not told the server's own paths") {
  const auto plan = plan_of(kTable);
  CHECK_THAT(plan->spec.text, Catch::Contains("/secret/test.csv"));
  CHECK_THAT(plan->public_text, !Catch::Contains("secret"));
  const auto again = config::parse_job(plan->public_text);
  REQUIRE(again.has_value());
  CHECK(again->name == "t");
}

TEST_CASE("memory grows with the model and the optimizer's state, not with the cohort") {
  const auto job = [](int hidden, const char* optimizer, int cohort) {
    return std::string(R"({"name":"m","model":{"type":"mlp","inputs":1000,"hidden":[)") +
           std::to_string(hidden) + R"(],"outputs":10},"rounds":{"max":1,"cohort":)" +
           std::to_string(cohort) + R"(},"aggregation":{"server_optimizer":{"type":")" + optimizer +
           R"("}}})";
  };
  const auto small = plan_of(job(100, "sgd", 10))->memory_bytes(2);
  const auto large = plan_of(job(1000, "sgd", 10))->memory_bytes(2);
  const auto adam = plan_of(job(1000, "adam", 10))->memory_bytes(2);
  CHECK(large > 4'000'000 * 2);
  CHECK(large > small);
  CHECK(adam > large);
  CHECK(plan_of(job(1000, "sgd", 1000))->memory_bytes(2) < large + large / 10);
}

}  // namespace
}  // namespace fed::app
