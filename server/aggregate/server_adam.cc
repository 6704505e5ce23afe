// FedAdam: v is a moving mean of the squares (Reddi et al. 2020, Algorithm 2).
#include "aggregate/adaptive.h"

namespace fed::aggregate {

std::unique_ptr<const ServerOptimizer> make_server_adam(const config::OptimizerSpec& spec);

std::unique_ptr<const ServerOptimizer> make_server_adam(const config::OptimizerSpec& spec) {
  return make_adaptive(spec, [beta2 = spec.beta2](double v, double square) {
    return beta2 * v + (1 - beta2) * square;
  });
}

}  // namespace fed::aggregate
