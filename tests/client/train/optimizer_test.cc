#include "train/optimizer.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "tensor/vector.h"

namespace fed::train {
namespace {

using config::OptimizerSpec;
using Steps = std::vector<std::vector<float>>;

// One step along `gradient`, added as a model adds it.
void step(Optimizer& optimizer, std::vector<float>& weights, const std::vector<float>& gradient) {
  const auto [values, keep] = optimizer.gradient();
  REQUIRE(values.size() == gradient.size());
  for (std::size_t i = 0; i < gradient.size(); ++i) values[i] = keep * values[i] + gradient[i];
  optimizer.step(weights);
}

// The weights after each step.
Steps run(const OptimizerSpec& spec, std::vector<float> weights, const Steps& gradients) {
  const auto optimizer = make_optimizer(spec, weights.size()).value();
  Steps seen;
  for (const auto& gradient : gradients) {
    step(*optimizer, weights, gradient);
    seen.push_back(weights);
  }
  return seen;
}

void check_close(const std::vector<float>& found, const std::vector<double>& expected) {
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    CHECK(static_cast<double>(found[i]) == Approx(expected[i]).epsilon(1e-6));
  }
}

TEST_CASE("every registered optimizer keeps the contract") {
  REQUIRE(optimizer_types().size() == 2);
  for (const std::string_view type : optimizer_types()) {
    INFO(type);
    OptimizerSpec spec{.type = std::string(type), .learning_rate = 0.05, .momentum = 0.5};

    // It finds the bottom of a bowl, sum of k·w², from anywhere.
    std::vector<float> weights{5, -3, 0.1f};
    const auto optimizer = make_optimizer(spec, weights.size()).value();
    for (int i = 0; i < 1000; ++i) {
      step(*optimizer, weights, {2 * weights[0], 8 * weights[1], weights[2]});
    }
    for (const float weight : weights) CHECK(std::abs(weight) < 0.02f);

    // It starts afresh each time, and repeats bit for bit.
    const Steps gradients{{1, -2}, {0.5f, 3}, {-1, 0}};
    CHECK(run(spec, {1, 1}, gradients) == run(spec, {1, 1}, gradients));

    // A gradient of zero at the start moves nothing, and nothing becomes NaN.
    CHECK(run(spec, {1, -1}, {{0, 0}, {0, 0}})[1] == std::vector<float>{1, -1});

    for (const double bad : {0.0, -1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
      spec.learning_rate = bad;
      CHECK(make_optimizer(spec, 2).error().code == ErrorCode::invalid);
    }
  }
}

TEST_CASE("sgd worked by hand") {
  const OptimizerSpec spec{.type = "sgd", .learning_rate = 0.5};
  const Steps seen = run(spec, {1, 2}, {{2, -4}, {1, 1}});
  check_close(seen[0], {0, 4});
  check_close(seen[1], {-0.5, 3.5});
}

TEST_CASE("heavy-ball momentum worked by hand") {
  // v: 1, 0.5 + 2 = 2.5, 1.25 - 1 = 0.25; each step subtracts 0.1 v.
  const OptimizerSpec spec{.type = "sgd", .learning_rate = 0.1, .momentum = 0.5};
  const Steps seen = run(spec, {1}, {{1}, {2}, {-1}});
  check_close(seen[0], {0.9});
  check_close(seen[1], {0.65});
  check_close(seen[2], {0.625});
}

TEST_CASE("adam follows algorithm 1") {
  const OptimizerSpec spec{
      .type = "adam", .learning_rate = 0.1, .beta1 = 0.8, .beta2 = 0.9, .epsilon = 1e-3};
  const Steps seen = run(spec, {1, -2}, {{0.5f, -4}, {-1, 0}, {2, 1}});
  // Worked in doubles from the paper's lines.
  check_close(seen[0], {0.9001996007984032, -1.900024993751562});
  check_close(seen[1], {0.9416612876978696, -1.8354721613792508});
  check_close(seen[2], {0.8962952851433843, -1.807315224878071});
}

TEST_CASE("adam moves a weight alike, wherever in a vector it stands") {
  const OptimizerSpec spec{.type = "adam", .learning_rate = 0.01};
  std::vector<float> weights, gradient;
  for (int i = 0; i < 37; ++i) {
    weights.push_back(std::sin(static_cast<float>(i)));
    gradient.push_back(std::cos(static_cast<float>(3 * i)));
  }
  const Steps together = run(spec, weights, {gradient, weights});
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const Steps alone = run(spec, {weights[i]}, {{gradient[i]}, {weights[i]}});
    CHECK(alone[1][0] == together[1][i]);
  }
}

TEST_CASE("adam's first step is the learning rate, whatever the gradient's size") {
  const OptimizerSpec spec{.type = "adam", .learning_rate = 0.01};
  check_close(run(spec, {1, 1, 1}, {{1e-4f, -1, 1000}})[0], {0.99 + 1e-6, 1.01, 0.99});
}

TEST_CASE("constants outside their range are refused by name") {
  const auto detail = [](const OptimizerSpec& spec) {
    return make_optimizer(spec, 1).error().detail;
  };
  CHECK_THAT(detail({.type = "adamw"}), Catch::Contains("choose one of sgd, adam"));
  CHECK_THAT(detail({.type = "sgd", .momentum = 1}), Catch::Contains("momentum"));
  CHECK_THAT(detail({.type = "adam", .beta1 = 1}), Catch::Contains("beta1"));
  CHECK_THAT(detail({.type = "adam", .beta2 = -0.1}), Catch::Contains("beta2"));
  CHECK_THAT(detail({.type = "adam", .beta2 = std::nan("")}), Catch::Contains("beta2"));
  CHECK_THAT(detail({.type = "adam", .epsilon = 0}), Catch::Contains("epsilon"));
}

TEST_CASE("penalties add their gradients") {
  const std::vector<float> weights{1, -2}, global{0.5f, 0};
  std::vector<float> gradient{10, 20};
  add_penalties({}, weights, global, gradient);
  CHECK(gradient == std::vector<float>{10, 20});
  add_penalties({.weight_decay = 0.5}, weights, global, gradient);
  CHECK(gradient == std::vector<float>{10.5f, 19});
  add_penalties({.proximal = 4}, weights, global, gradient);
  CHECK(gradient == std::vector<float>{12.5f, 11});
}

}  // namespace
}  // namespace fed::train
