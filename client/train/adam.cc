// Adam with bias correction (Kingma and Ba 2015, algorithm 1).
#include <cmath>

#include "tensor/vector.h"
#include "train/optimizers.h"

// Where square roots and divisions of eight numbers at once take half the time, they are used.
// Without fused multiply-adds, the bits are the same. (A sanitizer's runtime is not ready yet when
// the choice is made.)
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define FED_WIDE __attribute__((target_clones("avx2", "default")))
#else
#define FED_WIDE
#endif

namespace fed::train {
namespace {

struct Constants {
  float beta1, rest1, beta2, rest2;  // rest: 1 - beta
  float rate;                        // the learning rate, corrected for the mean's bias
  float correction2;                 // of the squares' bias
  float epsilon;
};

FED_WIDE void descend(const Constants& c, std::span<const float> gradient, std::span<float> mean,
                      std::span<float> square, std::span<float> weights) {
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const float g = gradient[i];
    mean[i] = c.beta1 * mean[i] + c.rest1 * g;
    square[i] = c.beta2 * square[i] + c.rest2 * g * g;
    weights[i] -= c.rate * mean[i] / (std::sqrt(square[i] * c.correction2) + c.epsilon);
  }
}

class Adam final : public Optimizer {
 public:
  Adam(const config::OptimizerSpec& spec, std::uint64_t size)
      : Optimizer(size), spec_(spec), mean_(size), square_(size) {}

  void step(std::span<float> weights) override {
    FED_CHECK(weights.size() == mean_.size());
    beta1_power_ *= spec_.beta1;
    beta2_power_ *= spec_.beta2;
    // 1 - beta in doubles: of a beta2 of 0.999 a float leaves only four digits.
    const Constants constants{.beta1 = static_cast<float>(spec_.beta1),
                              .rest1 = static_cast<float>(1 - spec_.beta1),
                              .beta2 = static_cast<float>(spec_.beta2),
                              .rest2 = static_cast<float>(1 - spec_.beta2),
                              .rate = static_cast<float>(spec_.learning_rate / (1 - beta1_power_)),
                              .correction2 = static_cast<float>(1 / (1 - beta2_power_)),
                              .epsilon = static_cast<float>(spec_.epsilon)};
    descend(constants, gradient().values, mean_, square_, weights);
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
