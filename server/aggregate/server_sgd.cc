// Gradient descent with heavy-ball momentum: FedAvg (McMahan et al. 2017) and FedAvgM (Hsu et al.
// 2019, "Measuring the effects of non-identical data distribution", section 4.3).
#include "aggregate/server_optimizer.h"

namespace fed::aggregate {

std::unique_ptr<const ServerOptimizer> make_server_sgd(const config::OptimizerSpec& spec);

namespace {

class Sgd final : public ServerOptimizer {
 public:
  Sgd(double learning_rate, double momentum) : learning_rate_(learning_rate), momentum_(momentum) {}

  OptimizerSlots slots() const override { return {.m = momentum_ > 0}; }

  void step(const StepTile& tile) const override {
    if (momentum_ > 0) {
      with_momentum(tile);
    } else {
      plain(tile);
    }
  }

 private:
  void plain(const StepTile& tile) const {
    for (std::size_t i = 0; i < tile.delta.size(); ++i) {
      tile.x_next[i] = static_cast<float>(tile.x[i] + learning_rate_ * tile.delta[i]);
    }
  }

  void with_momentum(const StepTile& tile) const {
    for (std::size_t i = 0; i < tile.delta.size(); ++i) {
      const double m = momentum_ * tile.m[i] + tile.delta[i];
      tile.x_next[i] = static_cast<float>(tile.x[i] + learning_rate_ * m);
      tile.m_next[i] = static_cast<float>(m);
    }
  }

  double learning_rate_, momentum_;
};

}  // namespace

std::unique_ptr<const ServerOptimizer> make_server_sgd(const config::OptimizerSpec& spec) {
  return std::make_unique<Sgd>(spec.learning_rate, spec.momentum);
}

}  // namespace fed::aggregate
