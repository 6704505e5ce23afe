#include "model/model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "model/models.h"
#include "tensor/statistics.h"

namespace fed::model {
namespace {

using Make = Result<std::unique_ptr<Model>> (*)(const config::ModelSpec&);

#define FED_MODEL(type) #type,
constexpr std::string_view types[] = {
#include "model/models.def"
};
#undef FED_MODEL

#define FED_MODEL(type) make_##type,
constexpr Make makers[] = {
#include "model/models.def"
};
#undef FED_MODEL

}  // namespace

std::span<float> Workspace::buffer(std::size_t slot, std::size_t size) {
  if (slot >= slots_.size()) slots_.resize(slot + 1);
  if (slots_[slot].size() < size) slots_[slot].resize(size);
  return std::span(slots_[slot]).first(size);
}

void Model::predict(std::span<const float> weights, std::span<const float> features,
                    std::int64_t rows, std::span<float> out, Workspace& workspace) const {
  const std::span<const float> raw = scores(weights, features, rows, workspace);
  FED_CHECK(out.size() == raw.size());
  std::ranges::copy(raw, out.begin());
  to_predictions(loss_, outputs_, out);
}

Result<std::unique_ptr<Model>> make_model(const config::ModelSpec& spec) {
  const auto found = std::ranges::find(types, spec.type);
  if (found == std::end(types)) {
    return Error{ErrorCode::invalid, fmt::format("there is no model '{}': choose one of {}",
                                                 spec.type, fmt::join(types, ", "))};
  }
  return makers[found - std::begin(types)](spec);
}

std::span<const std::string_view> model_types() { return types; }

Status check_class_weights(const Model& model, std::span<const double> class_weights) {
  if (class_weights.empty()) return {};
  const std::int64_t classes = class_count(model.loss(), model.outputs());
  if (classes == 0) return Error{ErrorCode::invalid, "class_weights need a model of classes"};
  if (std::ssize(class_weights) != classes) {
    return Error{ErrorCode::invalid, fmt::format("class_weights has {} numbers, but there are {} "
                                                 "classes: give one for each",
                                                 class_weights.size(), classes)};
  }
  const auto is_weight = [](double weight) { return std::isfinite(weight) && weight >= 0; };
  const auto is_positive = [](double weight) { return weight > 0; };
  if (std::ranges::all_of(class_weights, is_weight) &&
      std::ranges::any_of(class_weights, is_positive)) {
    return {};
  }
  return Error{ErrorCode::invalid, "class_weights must be 0 or more, and one of them above 0"};
}

Status check_examples(const Model& model, const Examples& examples) {
  if (examples.inputs != model.inputs()) {
    return Error{ErrorCode::mismatch,
                 fmt::format("the rows have {} features, but the model takes {}", examples.inputs,
                             model.inputs())};
  }
  if (std::ssize(examples.labels) != examples.rows ||
      std::ssize(examples.features) != examples.rows * examples.inputs) {
    return Error{ErrorCode::mismatch, "the numbers of features and labels do not fit the rows"};
  }
  if (!tensor::all_finite(examples.features)) {
    return Error{ErrorCode::invalid, "a feature is not a finite number: look for empty cells"};
  }
  return check_labels(model.loss(), model.outputs(), examples.labels);
}

Batch batch_of(const Examples& examples) {
  return {examples.features, examples.labels, examples.rows};
}

Batch slice(const Batch& batch, std::int64_t inputs, std::int64_t begin, std::int64_t rows) {
  const auto at = static_cast<std::size_t>(begin), count = static_cast<std::size_t>(rows);
  const auto width = static_cast<std::size_t>(inputs);
  return {batch.features.subspan(at * width, count * width), batch.labels.subspan(at, count), rows};
}

}  // namespace fed::model
