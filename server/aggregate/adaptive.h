// What FedAdagrad, FedAdam and FedYogi share: Algorithm 2 of Reddi et al. 2020, with the line for v
// as a parameter. Internal to the layer.
#pragma once

#include <cmath>

#include "aggregate/server_optimizer.h"

namespace fed::aggregate {

// Second{beta2}(v, D^2) is the next v, in doubles. Immutable; thread-safe.
template <class Second>
class Adaptive final : public ServerOptimizer {
 public:
  Adaptive(const config::OptimizerSpec& spec, Second second)
      : eta_(spec.learning_rate), beta1_(spec.beta1), tau_(spec.epsilon), second_(second) {}

  OptimizerSlots slots() const override { return {.m = true, .v = true}; }
  float initial_v() const override { return static_cast<float>(tau_ * tau_); }

  void step(const StepTile& tile) const override {
    for (std::size_t i = 0; i < tile.delta.size(); ++i) {
      const double delta = tile.delta[i];
      const double m = beta1_ * tile.m[i] + (1 - beta1_) * delta;
      const double v = second_(tile.v[i], delta * delta);
      tile.x_next[i] = static_cast<float>(tile.x[i] + eta_ * m / (std::sqrt(v) + tau_));
      tile.m_next[i] = static_cast<float>(m);
      tile.v_next[i] = static_cast<float>(v);
    }
  }

 private:
  double eta_, beta1_, tau_;
  Second second_;
};

template <class Second>
std::unique_ptr<const ServerOptimizer> make_adaptive(const config::OptimizerSpec& spec,
                                                     Second second) {
  return std::make_unique<Adaptive<Second>>(spec, second);
}

}  // namespace fed::aggregate
