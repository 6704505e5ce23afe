// Gradient descent with heavy-ball momentum: v = momentum · v + g, w = w - learning_rate · v
// (Polyak 1964, in the form of Sutskever et al. 2013 that the common frameworks use: the learning
// rate scales the whole velocity).
#include "tensor/vector.h"
#include "train/optimizers.h"

namespace fed::train {
namespace {

class Sgd final : public Optimizer {
 public:
  Sgd(const config::OptimizerSpec& spec, std::uint64_t size)
      : learning_rate_(static_cast<float>(spec.learning_rate)),
        momentum_(static_cast<float>(spec.momentum)),
        velocity_(momentum_ == 0 ? 0 : size) {}

  void step(std::span<float> weights, std::span<const float> gradient) override {
    FED_CHECK(weights.size() == gradient.size());
    if (momentum_ == 0) {
      for (std::size_t i = 0; i < weights.size(); ++i) weights[i] -= learning_rate_ * gradient[i];
      return;
    }
    FED_CHECK(weights.size() == velocity_.size());
    for (std::size_t i = 0; i < weights.size(); ++i) {
      velocity_[i] = momentum_ * velocity_[i] + gradient[i];
      weights[i] -= learning_rate_ * velocity_[i];
    }
  }

 private:
  float learning_rate_, momentum_;
  tensor::Floats velocity_;  // empty without momentum
};

}  // namespace

Result<std::unique_ptr<Optimizer>> make_sgd(const config::OptimizerSpec& spec, std::uint64_t size) {
  FED_TRY(check_decay("momentum", spec.momentum));
  return std::unique_ptr<Optimizer>(std::make_unique<Sgd>(spec, size));
}

}  // namespace fed::train
