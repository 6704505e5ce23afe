#include "model/metrics.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <set>

#include "reference.h"

namespace fed::model {
namespace {

constexpr std::int64_t many_rows = 1300;  // more than two of evaluate's batches

std::unique_ptr<Model> model_of(const config::ModelSpec& spec) { return make_model(spec).value(); }

// The rows [begin, end) of examples.
Examples part_of(const Examples& examples, std::int64_t begin, std::int64_t end) {
  const auto& [features, labels, rows, inputs] = examples;
  return {{features.begin() + begin * inputs, features.begin() + end * inputs},
          {labels.begin() + begin, labels.begin() + end},
          end - begin,
          inputs};
}

double pairs_in_order(std::span<const float> scores, std::span<const float> positive) {
  double right = 0, pairs = 0;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    for (std::size_t j = 0; j < scores.size(); ++j) {
      if (positive[i] == 0 || positive[j] != 0) continue;
      pairs += 1;
      if (scores[i] > scores[j]) right += 1;
      if (scores[i] == scores[j]) right += 0.5;
    }
  }
  return right / pairs;
}

TEST_CASE("the area under the curve is the share of pairs in order, ties counting half") {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    Random random(seed);
    std::vector<float> scores{0, 0}, positive{0, 1};
    const std::uint64_t values = 1 + random.below(20);  // few values, many ties
    for (std::uint64_t i = random.below(60); i > 0; --i) {
      scores.push_back(static_cast<float>(random.below(values)) - 5);
      positive.push_back(static_cast<float>(random.below(2)));
    }
    CHECK(area_under_curve(scores, positive).value() ==
          Approx(pairs_in_order(scores, positive)).epsilon(1e-14));
  }
}

TEST_CASE("the area under the curve at its ends, and without one of the classes") {
  const std::vector<float> scores{1, 2, 3, 4};
  CHECK(area_under_curve(scores, std::vector<float>{0, 0, 1, 1}) == 1.0);
  CHECK(area_under_curve(scores, std::vector<float>{1, 1, 0, 0}) == 0.0);
  CHECK(area_under_curve(std::vector<float>(4, 7.0f), std::vector<float>{1, 0, 0, 0}) == 0.5);
  CHECK_FALSE(area_under_curve(scores, std::vector<float>(4, 1.0f)));
  CHECK_FALSE(area_under_curve(scores, std::vector<float>(4, 0.0f)));
  CHECK_FALSE(area_under_curve({}, {}));
}

TEST_CASE("regression is judged by the formulas") {
  const auto model = model_of({"linear", 3, {}, 1, "", "", 1});
  const Examples examples = random_examples(*model, many_rows, 1);
  const tensor::Floats weights = random_weights(*model, 2);
  const Reference reference = reference_of({"linear", 3, {}, 1, "", "", 1}, *model);
  double squares = 0, absolute = 0, label_sum = 0, label_squares = 0;
  for (std::int64_t row = 0; row < many_rows; ++row) {
    const auto x = doubles(part_of(examples, row, row + 1).features);
    const auto label = static_cast<double>(examples.labels[static_cast<std::size_t>(row)]);
    const double error = reference.scores(doubles(weights), x)[0] - label;
    squares += error * error;
    absolute += std::abs(error);
    label_sum += label;
    label_squares += label * label;
  }
  constexpr double n = many_rows;
  Workspace workspace;
  const Metrics found = evaluate(*model, weights, examples, workspace).value();
  CHECK(found.examples == many_rows);
  CHECK(found.loss == Approx(squares / n).epsilon(1e-5));
  CHECK(found.rmse.value() == Approx(std::sqrt(squares / n)).epsilon(1e-5));
  CHECK(found.mae.value() == Approx(absolute / n).epsilon(1e-5));
  CHECK(found.r2.value() ==
        Approx(1 - squares / (label_squares - label_sum * label_sum / n)).epsilon(1e-5));
  CHECK_FALSE(found.accuracy);
  CHECK_FALSE(found.auc);
}

TEST_CASE("classification is judged by the formulas") {
  const config::ModelSpec spec = GENERATE(config::ModelSpec{"logistic", 3, {}, 1, "relu", "", 1},
                                          config::ModelSpec{"softmax", 3, {}, 2, "relu", "", 1},
                                          config::ModelSpec{"mlp", 3, {4}, 5, "tanh", "", 1});
  CAPTURE(spec.type);
  const auto model = model_of(spec);
  const Examples examples = random_examples(*model, many_rows, 3);
  const tensor::Floats weights = random_weights(*model, 4);
  const Reference reference = reference_of(spec, *model);
  double correct = 0;
  std::vector<float> margins;
  for (std::int64_t row = 0; row < many_rows; ++row) {
    auto scores =
        reference.scores(doubles(weights), doubles(part_of(examples, row, row + 1).features));
    if (scores.size() == 1) scores = {0, scores[0]};  // the sigmoid is a softmax against 0
    const auto label = static_cast<std::size_t>(examples.labels[static_cast<std::size_t>(row)]);
    correct += scores[label] == *std::max_element(scores.begin(), scores.end()) ? 1 : 0;
    margins.push_back(static_cast<float>(scores[1] - scores[0]));
  }
  Workspace workspace;
  const Metrics found = evaluate(*model, weights, examples, workspace).value();
  CHECK(found.loss == Approx(reference.mean_loss(doubles(weights), examples)).epsilon(1e-5));
  CHECK(found.accuracy.value() == Approx(correct / many_rows).epsilon(1e-12));
  CHECK(found.auc.has_value() == (spec.type != "mlp"));
  if (found.auc) {
    CHECK(*found.auc == Approx(pairs_in_order(margins, examples.labels)).epsilon(1e-5));
  }
  CHECK_FALSE(found.rmse);
  CHECK_FALSE(found.r2);
}

TEST_CASE("metrics that are not defined are absent") {
  Workspace workspace;
  const auto linear = model_of({"linear", 1, {}, 1, "", "", 1});
  const Metrics constant =
      evaluate(*linear, std::vector<float>{1, 0}, {{1, 2, 3}, {0.1f, 0.1f, 0.1f}, 3, 1}, workspace)
          .value();
  CHECK_FALSE(constant.r2);
  CHECK(constant.rmse);
  const auto logistic = model_of({"logistic", 1, {}, 1, "", "", 1});
  const Metrics one_class =
      evaluate(*logistic, std::vector<float>{1, 0}, {{1, 2}, {1, 1}, 2, 1}, workspace).value();
  CHECK_FALSE(one_class.auc);
  CHECK(one_class.accuracy == 1.0);
}

TEST_CASE("evaluation refuses rows that do not fit, no rows, and weights that have diverged") {
  Workspace workspace;
  const auto model = model_of({"linear", 1, {}, 1, "", "", 1});
  const auto code = [&](std::vector<float> weights, const Examples& examples) {
    return evaluate(*model, weights, examples, workspace).error().code;
  };
  CHECK(code({1, 0}, {{}, {}, 0, 1}) == ErrorCode::invalid);
  CHECK(code({1, 0}, {{1, 2}, {1}, 1, 2}) == ErrorCode::mismatch);
  CHECK(code({1, 0}, {{1}, {std::nanf("")}, 1, 1}) == ErrorCode::invalid);
  CHECK(code({std::nanf(""), 0}, {{1}, {1}, 1, 1}) == ErrorCode::invalid);
  CHECK(code({3e38f, 3e38f}, {{10}, {1}, 1, 1}) == ErrorCode::invalid);
}

TEST_CASE("the mean over clients is the evaluation of all their rows") {
  Workspace workspace;
  for (const char* const type : {"linear", "logistic"}) {
    const auto model = model_of({type, 2, {}, 1, "", "", 1});
    const Examples all = random_examples(*model, 100, 5);
    const tensor::Floats weights = random_weights(*model, 6);
    std::vector<Metrics> clients;
    for (const auto& [begin, end] : {std::pair{0, 10}, {10, 37}, {37, 100}}) {
      clients.push_back(evaluate(*model, weights, part_of(all, begin, end), workspace).value());
    }
    clients.push_back(Metrics{0, 1e9, 1e9, 1e9, 1e9, 1e9, 1e9});  // no examples: does not count
    const Metrics mean = weighted_mean(clients).value();
    const Metrics pooled = evaluate(*model, weights, all, workspace).value();
    CHECK(mean.examples == 100);
    for (const char* const metric : {"loss", "accuracy", "rmse", "mae"}) {
      INFO(metric);
      REQUIRE(value_of(mean, metric).has_value() == value_of(pooled, metric).has_value());
      if (value_of(mean, metric)) {
        CHECK(*value_of(mean, metric) == Approx(*value_of(pooled, metric)).epsilon(1e-12));
      }
    }
  }
}

TEST_CASE("a client that lacks a metric does not weigh in it") {
  Metrics with{30, 1, {}, 0.8, {}, {}, 0.5}, without{1000, 2, {}, {}, {}, {}, {}};
  Metrics also{10, 3, {}, 0.4, {}, {}, {}};
  const Metrics mean = weighted_mean(std::vector{with, without, also}).value();
  CHECK(mean.auc.value() == Approx((30 * 0.8 + 10 * 0.4) / 40));
  CHECK(mean.r2.value() == Approx(0.5));
  CHECK(mean.loss == Approx((30.0 + 2000 + 30) / 1040));
  CHECK_FALSE(mean.accuracy);
  CHECK_FALSE(weighted_mean({}));
  CHECK_FALSE(weighted_mean(std::vector{Metrics{}}));
}

TEST_CASE("every metric has a name, a value and a better side") {
  const Metrics metrics{1, 1, 2, 3, 4, 5, 6};
  std::set<double> values;
  for (const std::string_view name : metric_names()) values.insert(value_of(metrics, name).value());
  CHECK(values == std::set<double>{1, 2, 3, 4, 5, 6});
  CHECK(value_of(metrics, "accuracy") == 2.0);
  CHECK(value_of(metrics, "auc") == 3.0);
  CHECK(value_of(metrics, "r2") == 6.0);
  CHECK_FALSE(value_of(metrics, "f1"));
  CHECK_FALSE(value_of(Metrics{}, "accuracy"));
  for (const char* const name : {"accuracy", "auc", "r2"}) CHECK(larger_is_better(name));
  for (const char* const name : {"loss", "rmse", "mae", "f1"}) CHECK_FALSE(larger_is_better(name));
}

}  // namespace
}  // namespace fed::model
