// FedAdagrad: v sums up the squares (Reddi et al. 2020, Algorithm 2).
#include "aggregate/adaptive.h"

namespace fed::aggregate {

std::unique_ptr<const ServerOptimizer> make_server_adagrad(const config::OptimizerSpec& spec);

std::unique_ptr<const ServerOptimizer> make_server_adagrad(const config::OptimizerSpec& spec) {
  return make_adaptive(spec, [](double v, double square) { return v + square; });
}

}  // namespace fed::aggregate
