// Gradient descent with heavy-ball momentum: v = momentum · v + g, w = w - learning_rate · v
// (Polyak 1964, in the form of Sutskever et al. 2013 that the common frameworks use: the learning
// rate scales the whole velocity).
#include "tensor/kernels.h"
#include "train/optimizers.h"

namespace fed::train {
namespace {

class Sgd final : public Optimizer {
 public:
  // The sum of gradients that keeps `momentum` of itself is the velocity.
  Sgd(const config::OptimizerSpec& spec, std::uint64_t size)
      : Optimizer(size, static_cast<float>(spec.momentum)),
        learning_rate_(static_cast<float>(spec.learning_rate)) {}

  void step(std::span<float> weights) override {
    tensor::axpy(-learning_rate_, gradient().values, weights);
  }

 private:
  float learning_rate_;
};

}  // namespace

Result<std::unique_ptr<Optimizer>> make_sgd(const config::OptimizerSpec& spec, std::uint64_t size) {
  FED_TRY(check_decay("momentum", spec.momentum));
  return std::unique_ptr<Optimizer>(std::make_unique<Sgd>(spec, size));
}

}  // namespace fed::train
