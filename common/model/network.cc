#include "model/network.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/random.h"
#include "tensor/kernels.h"

namespace fed::model {
namespace {

using tensor::gemm;
using tensor::Transpose;

void activate(Activation activation, std::span<float> x) {
  switch (activation) {
    case Activation::relu:
      return tensor::relu(x);
    case Activation::tanh:
      return tensor::tanh(x);
    case Activation::sigmoid:
      return tensor::sigmoid(x);
  }
}

void d_activate(Activation activation, std::span<const float> y, std::span<float> dy) {
  switch (activation) {
    case Activation::relu:
      return tensor::d_relu(y, dy);
    case Activation::tanh:
      return tensor::d_tanh(y, dy);
    case Activation::sigmoid:
      return tensor::d_sigmoid(y, dy);
  }
}

// What a layer takes or puts out for a batch: [rows × width] (by_row), as features and scores are,
// or [width × rows] (by_unit), as everything between hidden layers is: sgemm multiplies a weight
// matrix faster from the left, by a tenth for 32 rows, by a third for 10.
enum class Order { by_row, by_unit };

struct Block {
  std::span<const float> values;
  Order order;

  // What gemm has to do to see the block as [rows × width], or as [width × rows].
  Transpose to_rows() const { return order == Order::by_row ? Transpose::no : Transpose::yes; }
  Transpose to_units() const { return order == Order::by_unit ? Transpose::no : Transpose::yes; }
};

// y [out × rows] = activation(weight [out × in] · x + bias)
void hidden(const Block& x, std::span<const float> weight, std::span<const float> bias,
            Activation activation, std::span<float> y, tensor::GemmShape shape) {
  const auto rows = static_cast<std::size_t>(shape.n);
  for (std::size_t unit = 0; unit < bias.size(); ++unit) {
    std::ranges::fill(y.subspan(unit * rows, rows), bias[unit]);
  }
  gemm(Transpose::no, x.to_units(), shape, 1, weight, x.values, 1, y);
  activate(activation, y);
}

// y [rows × out] = x · weightᵀ + bias
void output(const Block& x, std::span<const float> weight, std::span<const float> bias,
            std::span<float> y, tensor::GemmShape shape) {
  for (std::size_t at = 0; at < y.size(); at += bias.size()) {
    std::ranges::copy(bias, y.subspan(at).begin());
  }
  gemm(x.to_rows(), Transpose::yes, shape, 1, x.values, weight, 1, y);
}

Result<tensor::Layout> layout_of(std::span<const std::int64_t> widths) {
  constexpr std::int64_t width_max = std::numeric_limits<std::int32_t>::max();  // BLAS counts so
  for (const std::int64_t width : widths) {
    if (width >= 1 && width <= width_max) continue;
    return Error{ErrorCode::invalid,
                 fmt::format("a layer of {} is not possible: inputs, hidden layers and outputs "
                             "need at least 1",
                             width)};
  }
  tensor::Layout layout;
  for (std::size_t l = 0; l + 1 < widths.size(); ++l) {
    FED_TRY(layout.add(fmt::format("layers.{}.weight", l), {widths[l + 1], widths[l]}));
    FED_TRY(layout.add(fmt::format("layers.{}.bias", l), {widths[l + 1]}));
  }
  return layout;
}

Status check_outputs(Loss loss, std::int64_t outputs) {
  const bool fits = loss == Loss::cross_entropy ? outputs >= 2 : outputs == 1;
  if (fits) return {};
  const char* const needed =
      loss == Loss::cross_entropy ? "an output for each of two or more classes" : "one output";
  return Error{ErrorCode::invalid, fmt::format("{} needs {}, not {}", name(loss), needed, outputs)};
}

}  // namespace

Result<std::unique_ptr<Model>> Network::make(NetworkShape shape) {
  FED_CHECK(shape.widths.size() >= 2);
  FED_TRY(check_outputs(shape.loss, shape.widths.back()));
  FED_ASSIGN(layout, layout_of(shape.widths));
  return std::unique_ptr<Model>(new Network(std::move(layout), shape));
}

Network::Network(tensor::Layout layout, const NetworkShape& shape)
    : Model(std::move(layout), shape.widths.front(), shape.widths.back(), shape.loss),
      activation_(shape.activation) {
  const auto parameters = Model::layout().parameters();
  for (std::size_t l = 0; l + 1 < shape.widths.size(); ++l) {
    layers_.push_back({shape.widths[l], shape.widths[l + 1], parameters[2 * l].offset,
                       parameters[2 * l + 1].offset});
  }
}

template <class T>
std::span<T> Network::weight_of(const Layer& layer, std::span<T> vector) {
  return vector.subspan(layer.weight, layer.bias - layer.weight);
}

template <class T>
std::span<T> Network::bias_of(const Layer& layer, std::span<T> vector) {
  return vector.subspan(layer.bias, static_cast<std::size_t>(layer.out));
}

void Network::initialize(std::span<float> weights, std::uint64_t seed) const {
  FED_CHECK(weights.size() == layout().size());
  Random random(seed);
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const Layer& layer = layers_[l];
    const bool before_relu = l + 1 < layers_.size() && activation_ == Activation::relu;
    const auto fan = static_cast<double>(before_relu ? layer.in : layer.in + layer.out);
    const double bound = std::sqrt(6 / fan);  // of a uniform variable with variance 2 / fan
    for (float& weight : weight_of(layer, weights)) {
      weight = static_cast<float>(bound * (2 * random.uniform() - 1));
    }
    std::ranges::fill(bias_of(layer, weights), 0.0f);
  }
}

// Slot l of the workspace holds h_{l+1}, the output of layer l.
std::span<float> Network::scores(std::span<const float> weights, std::span<const float> features,
                                 std::int64_t rows, Workspace& workspace) const {
  FED_CHECK(weights.size() == layout().size());
  FED_CHECK(rows >= 0 && std::ssize(features) == rows * inputs());
  Block x{features, Order::by_row};
  for (std::size_t l = 0;; ++l) {
    const Layer& layer = layers_[l];
    const auto weight = weight_of(layer, weights), bias = bias_of(layer, weights);
    const auto y = workspace.buffer(l, static_cast<std::size_t>(rows * layer.out));
    if (l + 1 == layers_.size()) {
      output(x, weight, bias, y, {rows, layer.out, layer.in});
      return y;
    }
    hidden(x, weight, bias, activation_, y, {layer.out, rows, layer.in});
    x = {y, Order::by_unit};
  }
}

BatchLoss Network::loss_and_gradient(std::span<const float> weights, const Batch& batch,
                                     std::span<const float> class_weights, GradientSum gradient,
                                     Workspace& workspace) const {
  FED_CHECK(gradient.values.size() == layout().size() && std::ssize(batch.labels) == batch.rows);
  const auto [sum, keep] = gradient;
  const std::span<float> d_scores = scores(weights, batch.features, batch.rows, workspace);
  const BatchLoss result = loss_and_d_scores(loss(), d_scores, batch.labels, class_weights);
  // After the outputs, two slots for derivatives, which take turns since dx is made from dy, and
  // one for the ones that sum dy over the rows.
  const std::size_t spare = layers_.size();
  const auto ones = workspace.buffer(spare + 2, static_cast<std::size_t>(batch.rows));
  std::ranges::fill(ones, 1.0f);
  Block dy{d_scores, Order::by_row};
  for (std::size_t l = layers_.size(); l-- > 0;) {
    const Layer& layer = layers_[l];
    const auto x_size = static_cast<std::size_t>(batch.rows * layer.in);
    const Block x = l == 0 ? Block{batch.features, Order::by_row}
                           : Block{workspace.buffer(l - 1, x_size), Order::by_unit};
    gemm(dy.to_units(), x.to_rows(), {layer.out, layer.in, batch.rows}, 1, dy.values, x.values,
         keep, weight_of(layer, sum));
    gemm(dy.to_units(), Transpose::no, {layer.out, 1, batch.rows}, 1, dy.values, ones, keep,
         bias_of(layer, sum));
    if (l == 0) break;
    const std::span<float> dx = workspace.buffer(spare + l % 2, x_size);
    gemm(Transpose::yes, dy.to_units(), {layer.in, batch.rows, layer.out}, 1,
         weight_of(layer, weights), dy.values, 0, dx);
    d_activate(activation_, x.values, dx);
    dy = {dx, Order::by_unit};
  }
  return result;
}

}  // namespace fed::model
