// Adam with bias correction (Kingma and Ba 2015, algorithm 1).
#include <cmath>

#include "tensor/vector.h"
#include "train/optimizers.h"

namespace fed::train {
namespace {

class Adam final : public Optimizer {
 public:
  Adam(const config::OptimizerSpec& spec, std::uint64_t size)
      : Optimizer(size), spec_(spec), mean_(size), square_(size) {}

  void step(std::span<float> weights) override {
    const std::span<const float> gradient = Optimizer::gradient().values;
    FED_CHECK(weights.size() == gradient.size());
    beta1_power_ *= spec_.beta1;
    beta2_power_ *= spec_.beta2;
    const auto beta1 = static_cast<float>(spec_.beta1), beta2 = static_cast<float>(spec_.beta2);
    // 1 - beta in doubles: of a beta2 of 0.999 a float leaves only four digits.
    const auto rest1 = static_cast<float>(1 - spec_.beta1);
    const auto rest2 = static_cast<float>(1 - spec_.beta2);
    const auto rate = static_cast<float>(spec_.learning_rate / (1 - beta1_power_));
    const auto correction2 = static_cast<float>(1 / (1 - beta2_power_));
    const auto epsilon = static_cast<float>(spec_.epsilon);
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const float g = gradient[i];
      mean_[i] = beta1 * mean_[i] + rest1 * g;
      square_[i] = beta2 * square_[i] + rest2 * g * g;
      weights[i] -= rate * mean_[i] / (std::sqrt(square_[i] * correction2) + epsilon);
    }
  }

 private:
  config::OptimizerSpec spec_;
  tensor::Floats mean_, square_;              // m and v
  double beta1_power_ = 1, beta2_power_ = 1;  // beta^t
};

}  // namespace

Result<std::unique_ptr<Optimizer>> make_adam(const config::OptimizerSpec& spec,
                                             std::uint64_t size) {
  FED_TRY(check_decay("beta1", spec.beta1));
  FED_TRY(check_decay("beta2", spec.beta2));
  if (!std::isfinite(spec.epsilon) || spec.epsilon <= 0) {
    return Error{ErrorCode::invalid, "epsilon must be above 0"};
  }
  return std::unique_ptr<Optimizer>(std::make_unique<Adam>(spec, size));
}

}  // namespace fed::train
