// The server's step: from the global weights and the aggregated update to the next global weights.
//
// The aggregated update of a round is taken as a pseudo-gradient (Reddi et al. 2020, "Adaptive
// Federated Optimization", Algorithm 2): with x the weights, D the mean of the clients' deltas, eta
// the learning rate,
//
//   sgd      m <- momentum m + D;                 x <- x + eta m          (Hsu et al. 2019 for
//   momentum > 0) adagrad  v <- v + D^2                         } adam     v <- beta2 v + (1 -
//   beta2) D^2       } m <- beta1 m + (1 - beta1) D;  x <- x + eta m / (sqrt(v) + tau) yogi     v
//   <- v - (1 - beta2) D^2 sign(v-D^2) }
//
// with m = 0 and v = tau^2 at the start (the algorithm's initialisation asks for v >= tau^2) and
// without bias correction, as there. sgd with learning rate 1 and no momentum is FedAvg. Where the
// clients send gradients, D is minus their mean. Adding: one file with the factory, one line in
// server_optimizers.def.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "base/error.h"
#include "config/job.h"
#include "tensor/vector.h"

namespace fed::aggregate {

// What an optimizer remembers between rounds, one float32 per coordinate each; empty where it does
// not use one. A plain value.
struct OptimizerState {
  tensor::Floats m;  // first moment, or momentum
  tensor::Floats v;  // second moment

  bool operator==(const OptimizerState&) const = default;
};

// Which of the two an optimizer keeps.
struct OptimizerSlots {
  bool m = false, v = false;
};

// A tile of the step. All spans have as many coordinates, but m and v are empty where the optimizer
// has none. An output may be its own input.
struct StepTile {
  std::span<const double> delta;            // D
  std::span<const float> x, m, v;           // before
  std::span<float> x_next, m_next, v_next;  // after; computed in double, rounded once
};

// Immutable after its making: share between threads, as long as their tiles' outputs are apart.
// Each coordinate is computed on its own, so tiles do not influence the result.
class ServerOptimizer {
 public:
  virtual ~ServerOptimizer() = default;

  virtual OptimizerSlots slots() const = 0;
  virtual float initial_v() const { return 0; }
  virtual void step(const StepTile& tile) const = 0;

  // The state before the first round.
  OptimizerState initial(std::size_t coordinates) const;
};

// The optimizer that the job names. ErrorCode::unsupported for an unknown type, with the names
// there are.
Result<std::unique_ptr<const ServerOptimizer>> make_server_optimizer(
    const config::OptimizerSpec& spec);

// The registered names, in the order of server_optimizers.def.
std::span<const std::string_view> server_optimizer_names();

}  // namespace fed::aggregate
