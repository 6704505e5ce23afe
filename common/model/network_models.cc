// The four built-in types, each a network: what a job may say about it, and what it means.
#include <fmt/format.h>

#include <algorithm>

#include "model/models.h"
#include "model/network.h"

namespace fed::model {
namespace {

Result<Activation> activation_from(std::string_view name) {
  if (name == "relu") return Activation::relu;
  if (name == "tanh") return Activation::tanh;
  if (name == "sigmoid") return Activation::sigmoid;
  return Error{ErrorCode::invalid,
               fmt::format("there is no activation '{}': choose relu, tanh or sigmoid", name)};
}

Result<std::unique_ptr<Model>> make_without_hidden(const config::ModelSpec& spec, Loss loss) {
  if (!spec.hidden.empty()) {
    return Error{ErrorCode::invalid, "a " + spec.type + " model has no hidden layers: choose mlp"};
  }
  if (!spec.loss.empty() && spec.loss != name(loss)) {
    return Error{ErrorCode::invalid, fmt::format("a {} model has the loss {}, not {}", spec.type,
                                                 name(loss), spec.loss)};
  }
  return Network::make({{spec.inputs, spec.outputs}, Activation::relu, loss});
}

}  // namespace

Result<std::unique_ptr<Model>> make_linear(const config::ModelSpec& spec) {
  return make_without_hidden(spec, Loss::squared_error);
}

Result<std::unique_ptr<Model>> make_logistic(const config::ModelSpec& spec) {
  return make_without_hidden(spec, Loss::binary_cross_entropy);
}

Result<std::unique_ptr<Model>> make_softmax(const config::ModelSpec& spec) {
  return make_without_hidden(spec, Loss::cross_entropy);
}

Result<std::unique_ptr<Model>> make_mlp(const config::ModelSpec& spec) {
  if (spec.hidden.empty()) {
    return Error{ErrorCode::invalid, "an mlp needs at least one hidden layer"};
  }
  // One output is a number as well as a yes and no; guessing would train the wrong thing in
  // silence.
  if (spec.loss.empty() && spec.outputs == 1) {
    return Error{ErrorCode::invalid,
                 "an mlp with one output needs a loss: squared_error for a number, "
                 "binary_cross_entropy for two classes"};
  }
  FED_ASSIGN(loss, spec.loss.empty() ? Result<Loss>(Loss::cross_entropy) : loss_from(spec.loss));
  FED_ASSIGN(activation, activation_from(spec.activation));
  NetworkShape shape{{spec.inputs}, activation, loss};
  std::ranges::copy(spec.hidden, std::back_inserter(shape.widths));
  shape.widths.push_back(spec.outputs);
  return Network::make(std::move(shape));
}

}  // namespace fed::model
