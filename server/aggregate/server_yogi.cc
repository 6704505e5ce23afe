// FedYogi: v moves towards the square by an amount that depends on the square alone (Reddi et al.
// 2020, Algorithm 2).
#include "aggregate/adaptive.h"

namespace fed::aggregate {

std::unique_ptr<const ServerOptimizer> make_server_yogi(const config::OptimizerSpec& spec);

std::unique_ptr<const ServerOptimizer> make_server_yogi(const config::OptimizerSpec& spec) {
  return make_adaptive(spec, [beta2 = spec.beta2](double v, double square) {
    const double sign = static_cast<double>(v > square) - static_cast<double>(v < square);
    return v - (1 - beta2) * square * sign;
  });
}

}  // namespace fed::aggregate
