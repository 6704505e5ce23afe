#include "app/closing.h"

#include <catch2/catch.hpp>

#include "app/metrics_json.h"

namespace fed::app {
namespace {

TEST_CASE("a scaling survives its text, to the bit") {
  const std::vector<data::Scaling> scaling = {{0.1, 1.0 / 3.0}, {-1e300, 5e-324}};
  CHECK(scaling_from(scaling_text(scaling)) == scaling);
  CHECK(scaling_from("").empty());
  CHECK(scaling_from("[1]").empty());
}

TEST_CASE("clients' metrics are weighted by their test rows and refused ones do not count") {
  const auto row = [](const char* outcome, std::int64_t examples, const char* metrics) {
    store::ContributionRow made;
    made.outcome = outcome;
    made.examples = examples;
    made.metrics = metrics;
    return made;
  };
  const auto mean = weighted_metrics(
      {row("accepted", 100, R"({"loss":1.0,"accuracy":0.5,"holdout_examples":10})"),
       row("accepted", 100, R"({"loss":3.0,"accuracy":0.9,"holdout_examples":30})"),
       row("refused", 100, R"({"loss":99.0,"holdout_examples":1000})"),
       row("accepted", 100, R"({"train_loss":2.0})"), row("accepted", 1, "garbage")});
  REQUIRE(mean.has_value());
  CHECK(mean->examples == 40);
  CHECK(mean->loss == Approx(2.5));
  CHECK(*mean->accuracy == Approx(0.8));
  CHECK_FALSE(weighted_metrics({}).has_value());
}

TEST_CASE("a made-up count of test rows cannot overflow the sum") {
  const auto metrics = client_metrics(R"({"loss":1.0,"holdout_examples":1e300})", 5);
  REQUIRE(metrics.has_value());
  CHECK(metrics->examples == 1'000'000'000'000);
  CHECK(client_metrics(R"({"loss":1.0,"holdout_examples":-5})", 5)->examples == 0);
  CHECK(client_metrics(R"({"loss":1.0})", 5)->examples == 5);
}

}  // namespace
}  // namespace fed::app
