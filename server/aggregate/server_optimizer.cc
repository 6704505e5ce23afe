#include "aggregate/server_optimizer.h"

#include <string>

namespace fed::aggregate {

using Making = std::unique_ptr<const ServerOptimizer>;

#define FED_SERVER_OPTIMIZER(name) Making make_server_##name(const config::OptimizerSpec& spec);
#include "aggregate/server_optimizers.def"
#undef FED_SERVER_OPTIMIZER

namespace {

using Factory = Making (*)(const config::OptimizerSpec&);

#define FED_SERVER_OPTIMIZER(name) #name,
constexpr std::string_view kNames[] = {
#include "aggregate/server_optimizers.def"
};
#undef FED_SERVER_OPTIMIZER

#define FED_SERVER_OPTIMIZER(name) make_server_##name,
constexpr Factory kFactories[] = {
#include "aggregate/server_optimizers.def"
};
#undef FED_SERVER_OPTIMIZER

}  // namespace

OptimizerState ServerOptimizer::initial(std::size_t coordinates) const {
  OptimizerState state;
  if (slots().m) state.m.assign(coordinates, 0.0F);
  if (slots().v) state.v.assign(coordinates, initial_v());
  return state;
}

Result<Making> make_server_optimizer(const config::OptimizerSpec& spec) {
  std::string known;
  for (std::size_t i = 0; i < std::size(kNames); ++i) {
    if (kNames[i] == spec.type) return kFactories[i](spec);
    known += (known.empty() ? "" : ", ") + std::string(kNames[i]);
  }
  return Error{ErrorCode::unsupported,
               "there is no server optimizer \"" + spec.type + "\"; there are: " + known};
}

std::span<const std::string_view> server_optimizer_names() { return kNames; }

}  // namespace fed::aggregate
