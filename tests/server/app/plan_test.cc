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
