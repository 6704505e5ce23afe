// Fully connected layers: linear, logistic and softmax regression are the ones without a hidden
// layer.
//
//   h_0 = features;  h_l = activation(h_{l-1} W_lᵀ + b_l);  scores = h_{L-1} W_Lᵀ + b_L
//
// with W_l = `layers.L.weight` [out, in] and b_l = `layers.L.bias` [out]. First weights: biases are
// 0; weights are uniform about 0, which takes a sixth of the time of normal ones, those of a layer
// that relu follows with variance 2 / in (He et al. 2015, eq. 10), others with variance
// 2 / (in + out) (Glorot and Bengio 2010, eq. 16).
#pragma once

#include "model/model.h"

namespace fed::model {

enum class Activation { relu, tanh, sigmoid };

struct NetworkShape {
  std::vector<std::int64_t>
      widths;  // inputs, hidden layers, outputs: at least two, each at least 1
  Activation activation = Activation::relu;
  Loss loss = Loss::squared_error;
};

// Thread-safety as Model's.
class Network final : public Model {
 public:
  // ErrorCode::invalid or too_large for widths that make no network.
  static Result<std::unique_ptr<Model>> make(NetworkShape shape);

  void initialize(std::span<float> weights, std::uint64_t seed) const override;
  std::span<float> scores(std::span<const float> weights, std::span<const float> features,
                          std::int64_t rows, Workspace& workspace) const override;
  BatchLoss loss_and_gradient(std::span<const float> weights, const Batch& batch,
                              std::span<const float> class_weights, GradientSum gradient,
                              Workspace& workspace) const override;

 private:
  struct Layer {
    std::int64_t in = 0, out = 0;
    std::uint64_t weight = 0, bias = 0;  // offsets
  };

  Network(tensor::Layout layout, const NetworkShape& shape);

  // The layer's part of a vector with the model's layout.
  template <class T>
  static std::span<T> weight_of(const Layer& layer, std::span<T> vector);
  template <class T>
  static std::span<T> bias_of(const Layer& layer, std::span<T> vector);

  std::vector<Layer> layers_;
  Activation activation_;
};

}  // namespace fed::model
