#include "model/model.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <limits>

#include "reference.h"
#include "tensor/statistics.h"

namespace fed::model {
namespace {

using config::ModelSpec;

// Every combination that make_model accepts.
std::vector<ModelSpec> accepted_specs(std::string_view type) {
  std::vector<ModelSpec> accepted;
  for (const auto& hidden : std::vector<std::vector<std::int64_t>>{{}, {5}, {6, 3, 4}}) {
    for (const std::int64_t outputs : {1, 2, 3}) {
      for (const char* const activation : {"relu", "tanh", "sigmoid"}) {
        for (const char* const loss :
             {"", "squared_error", "binary_cross_entropy", "cross_entropy"}) {
          ModelSpec spec{std::string(type), 4, hidden, outputs, activation, loss, 1};
          if (make_model(spec)) accepted.push_back(spec);
        }
      }
    }
  }
  return accepted;
}

std::vector<ModelSpec> all_accepted_specs() {
  std::vector<ModelSpec> all;
  for (const std::string_view type : model_types())
    std::ranges::copy(accepted_specs(type), std::back_inserter(all));
  return all;
}

// ---- What every entry of models.def must do ----

void check_conformance(const Model& model) {
  const auto parameters = model.layout().parameters();
  REQUIRE_FALSE(parameters.empty());
  tensor::Floats weights(model.layout().size()), again(weights.size()), other(weights.size());
  model.initialize(weights, 7);
  model.initialize(again, 7);
  model.initialize(other, 8);
  CHECK(weights == again);
  CHECK(weights != other);
  CHECK(tensor::all_finite(weights));

  Workspace workspace;
  const Examples examples = random_examples(model, 9, 3);
  REQUIRE(check_examples(model, examples));
  weights = random_weights(model, 4);
  tensor::Floats gradient(weights.size(), std::numeric_limits<float>::quiet_NaN());
  const BatchLoss loss =
      model.loss_and_gradient(weights, batch_of(examples), {}, {gradient}, workspace);
  CHECK(loss.weight == 9);
  REQUIRE(tensor::all_finite(gradient));  // overwritten everywhere

  // Along any direction, the loss changes as the gradient says.
  const auto loss_at = [&](std::span<const float> at) {
    return loss_of(model.loss(), model.scores(at, examples.features, examples.rows, workspace),
                   examples.labels, {})
        .mean;
  };
  CHECK(loss_at(weights) == Approx(loss.mean).epsilon(1e-12));
  for (std::uint64_t seed = 10; seed < 13; ++seed) {
    constexpr float h = 1e-3f;
    const tensor::Floats direction = random_weights(model, seed);
    tensor::Floats above = weights, below = weights;
    double expected = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      above[i] += h * direction[i];
      below[i] -= h * direction[i];
      expected += static_cast<double>(gradient[i]) * static_cast<double>(direction[i]);
    }
    CHECK((loss_at(above) - loss_at(below)) / static_cast<double>(2 * h) ==
          Approx(expected).epsilon(0.01).margin(0.01));
  }

  // A workspace that has seen other sizes, and one that has not, give the same bits.
  tensor::Floats out(static_cast<std::size_t>(9 * model.outputs())), fresh(out.size());
  model.predict(weights, std::span(examples.features).first(4), 1,
                std::span(fresh).first(static_cast<std::size_t>(model.outputs())), workspace);
  model.predict(weights, examples.features, 9, out, workspace);
  Workspace unused;
  model.predict(weights, examples.features, 9, fresh, unused);
  CHECK(out == fresh);
}

TEST_CASE("every registered model keeps the contract") {
  REQUIRE(model_types().size() == 4);
  for (const std::string_view type : model_types()) {
    const auto specs = accepted_specs(type);
    INFO(type);
    REQUIRE_FALSE(specs.empty());
    for (const ModelSpec& spec : specs) {
      CAPTURE(spec.hidden, spec.outputs, spec.activation, spec.loss);
      check_conformance(*make_model(spec).value());
    }
  }
}

// ---- Against the second implementation ----

TEST_CASE("scores, losses and gradients agree with a network of doubles and loops") {
  Workspace workspace;
  for (const ModelSpec& spec : all_accepted_specs()) {
    CAPTURE(spec.type, spec.hidden, spec.outputs, spec.activation, spec.loss);
    const auto model = make_model(spec).value();
    const Examples examples = random_examples(*model, 6, 21);
    const tensor::Floats weights = random_weights(*model, 22);
    Reference reference = reference_of(spec, *model);
    std::vector<float> class_weights;
    if (class_count(model->loss(), model->outputs()) > 0) {
      for (std::int64_t k = 0; k < class_count(model->loss(), model->outputs()); ++k) {
        class_weights.push_back(static_cast<float>(0.5 + 1.25 * static_cast<double>(k)));
      }
      reference.class_weights = doubles(class_weights);
    }
    tensor::Floats gradient(weights.size());
    const BatchLoss loss =
        model->loss_and_gradient(weights, batch_of(examples), class_weights, {gradient}, workspace);
    CHECK(loss.mean == Approx(reference.mean_loss(doubles(weights), examples)).epsilon(1e-5));
    const auto expected = reference.gradient(doubles(weights), examples);
    for (std::size_t i = 0; i < gradient.size(); ++i) {
      CHECK(static_cast<double>(gradient[i]) == Approx(expected[i]).epsilon(1e-4).margin(2e-5));
    }
  }
}

TEST_CASE("parameters have the names and shapes that other tools expect") {
  const auto model = make_model({"mlp", 4, {5}, 3, "relu", "", 1}).value();
  const auto parameters = model->layout().parameters();
  REQUIRE(parameters.size() == 4);
  CHECK(parameters[0] == tensor::Parameter{"layers.0.weight", {5, 4}, 0});
  CHECK(parameters[1] == tensor::Parameter{"layers.0.bias", {5}, 20});
  CHECK(parameters[2] == tensor::Parameter{"layers.1.weight", {3, 5}, 25});
  CHECK(parameters[3] == tensor::Parameter{"layers.1.bias", {3}, 40});
  CHECK(model->layout().size() == 43);
}

TEST_CASE("first weights have the published variance, and biases are zero") {
  const auto check_layer = [](const Model& model, const char* layer, double variance) {
    tensor::Floats weights(model.layout().size());
    model.initialize(weights, 5);
    const std::span<const float> all = weights;
    const auto* const weight = model.layout().find(std::string(layer) + ".weight");
    const auto* const bias = model.layout().find(std::string(layer) + ".bias");
    const auto count = static_cast<double>(weight->size());
    CHECK(tensor::sum_of_squares(tensor::Layout::slice(all, *weight)) / count ==
          Approx(variance).epsilon(0.05));
    CHECK(tensor::max_abs(tensor::Layout::slice(all, *bias)) == 0);
  };
  const auto relu = make_model({"mlp", 200, {100}, 50, "relu", "", 1}).value();
  check_layer(*relu, "layers.0", 2.0 / 200);
  check_layer(*relu, "layers.1", 2.0 / (100 + 50));
  const auto tanh = make_model({"mlp", 200, {100}, 50, "tanh", "", 1}).value();
  check_layer(*tanh, "layers.0", 2.0 / (200 + 100));
  const auto softmax = make_model({"softmax", 400, {}, 100, "", "", 1}).value();
  check_layer(*softmax, "layers.0", 2.0 / 500);
}

TEST_CASE("predictions are values, a probability, or probabilities") {
  Workspace workspace;
  const auto predict = [&](const ModelSpec& spec, std::vector<float> weights,
                           std::vector<float> features) {
    const auto model = make_model(spec).value();
    std::vector<float> out(static_cast<std::size_t>(spec.outputs));
    model->predict(weights, features, 1, out, workspace);
    return out;
  };
  CHECK(predict({"linear", 2, {}, 1, "", "", 1}, {2, 3, 0.5f}, {10, 100}) ==
        std::vector<float>{320.5f});
  CHECK(predict({"logistic", 1, {}, 1, "", "", 1}, {1, 0}, {0})[0] == 0.5f);
  CHECK(static_cast<double>(predict({"logistic", 1, {}, 1, "", "", 1}, {2, 1}, {1})[0]) ==
        Approx(1 / (1 + std::exp(-3.0))));
  const auto three = predict({"softmax", 1, {}, 3, "", "", 1}, {1, 2, 3, 0, 0, 0}, {1});
  const double sum = std::exp(1.0) + std::exp(2.0) + std::exp(3.0);
  for (std::size_t k = 0; k < 3; ++k) {
    CHECK(static_cast<double>(three[k]) == Approx(std::exp(static_cast<double>(k) + 1) / sum));
  }
}

TEST_CASE("descriptions that make no sense are refused with what to do") {
  const auto error = [](const ModelSpec& spec) { return make_model(spec).error(); };
  const auto refused = [&](const ModelSpec& spec, const char* hint) {
    CHECK(error(spec).code == ErrorCode::invalid);
    CHECK_THAT(error(spec).detail, Catch::Contains(hint));
  };
  refused({"cnn", 4, {}, 1, "", "", 1}, "linear, logistic, softmax, mlp");
  refused({"linear", 4, {8}, 1, "", "", 1}, "choose mlp");
  refused({"linear", 4, {}, 2, "", "", 1}, "one output, not 2");
  refused({"linear", 4, {}, 1, "", "cross_entropy", 1}, "has the loss squared_error");
  refused({"linear", 0, {}, 1, "", "", 1}, "at least 1");
  refused({"logistic", 4, {}, 2, "", "", 1}, "one output");
  refused({"softmax", 4, {}, 1, "", "", 1}, "two or more classes");
  refused({"mlp", 4, {}, 3, "relu", "", 1}, "hidden layer");
  refused({"mlp", 4, {5, 0}, 3, "relu", "", 1}, "at least 1");
  refused({"mlp", 4, {5}, 3, "selu", "", 1}, "relu, tanh or sigmoid");
  refused({"mlp", 4, {5}, 1, "relu", "", 1}, "needs a loss");
  refused({"mlp", 4, {5}, 3, "relu", "hinge", 1}, "squared_error for a number");
  refused({"mlp", 4, {5}, 3, "relu", "squared_error", 1}, "one output");
  refused({"mlp", std::int64_t{1} << 40, {5}, 3, "relu", "", 1}, "not possible");
  const std::int64_t wide = std::int64_t{1} << 30;
  CHECK(error({"mlp", wide, {wide, wide}, 3, "relu", "", 1}).code == ErrorCode::too_large);
}

TEST_CASE("rows that do not suit the model are refused") {
  const auto model = make_model({"softmax", 2, {}, 3, "", "", 1}).value();
  const Examples good{{1, 2, 3, 4}, {0, 2}, 2, 2};
  const auto code = [&](auto change) {
    Examples examples = good;
    change(examples);
    return check_examples(*model, examples).error().code;
  };
  CHECK(check_examples(*model, good));
  CHECK(check_examples(*model, Examples{{}, {}, 0, 2}));
  CHECK(code([](Examples& e) { e.inputs = 4; }) == ErrorCode::mismatch);
  CHECK(code([](Examples& e) { e.rows = 3; }) == ErrorCode::mismatch);
  CHECK(code([](Examples& e) { e.features.pop_back(); }) == ErrorCode::mismatch);
  CHECK(code([](Examples& e) { e.labels.push_back(0); }) == ErrorCode::mismatch);
  for (const float label : {3.0f, -1.0f, 0.5f, std::numeric_limits<float>::quiet_NaN()}) {
    CHECK(code([&](Examples& e) { e.labels[1] = label; }) == ErrorCode::invalid);
  }
  CHECK(code([](Examples& e) { e.features[3] = std::numeric_limits<float>::infinity(); }) ==
        ErrorCode::invalid);
}

TEST_CASE("class weights are one for each class, and not all zero") {
  const auto softmax = make_model({"softmax", 2, {}, 3, "", "", 1}).value();
  const auto logistic = make_model({"logistic", 2, {}, 1, "", "", 1}).value();
  const auto linear = make_model({"linear", 2, {}, 1, "", "", 1}).value();
  const auto accepts = [](const Model& model, std::vector<double> weights) {
    return check_class_weights(model, weights).has_value();
  };
  CHECK(accepts(*softmax, {}));
  CHECK(accepts(*softmax, {0, 1, 2}));
  CHECK(accepts(*logistic, {1, 5}));
  CHECK(accepts(*linear, {}));
  CHECK_FALSE(accepts(*linear, {1}));
  CHECK_FALSE(accepts(*softmax, {1, 2}));
  CHECK_FALSE(accepts(*softmax, {0, 0, 0}));
  CHECK_FALSE(accepts(*softmax, {1, -1, 1}));
  CHECK_FALSE(accepts(*softmax, {1, std::numeric_limits<double>::quiet_NaN(), 1}));
}

TEST_CASE("a workspace keeps its memory once it is large enough") {
  Workspace workspace;
  const auto first = workspace.buffer(2, 100);
  CHECK(first.size() == 100);
  CHECK(workspace.buffer(2, 50).data() == first.data());
  CHECK(workspace.buffer(0, 10).data() != first.data());
  CHECK(workspace.buffer(2, 100).data() == first.data());
}

TEST_CASE("a slice has the rows it names") {
  const Examples examples{{1, 2, 3, 4, 5, 6}, {7, 8, 9}, 3, 2};
  const Batch part = slice(batch_of(examples), 2, 1, 2);
  CHECK(part.rows == 2);
  CHECK(std::ranges::equal(part.features, std::vector<float>{3, 4, 5, 6}));
  CHECK(std::ranges::equal(part.labels, std::vector<float>{8, 9}));
}

}  // namespace
}  // namespace fed::model
