#include "train/optimizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "train/optimizers.h"

namespace fed::train {
namespace {

using Make = Result<std::unique_ptr<Optimizer>> (*)(const config::OptimizerSpec&, std::uint64_t);

#define FED_OPTIMIZER(type) #type,
constexpr std::string_view types[] = {
#include "train/optimizers.def"
};
#undef FED_OPTIMIZER

#define FED_OPTIMIZER(type) make_##type,
constexpr Make makers[] = {
#include "train/optimizers.def"
};
#undef FED_OPTIMIZER

}  // namespace

Result<std::unique_ptr<Optimizer>> make_optimizer(const config::OptimizerSpec& spec,
                                                  std::uint64_t size) {
  const auto found = std::ranges::find(types, spec.type);
  if (found == std::end(types)) {
    return Error{ErrorCode::invalid,
                 fmt::format("there is no local optimizer '{}': choose one of {}", spec.type,
                             fmt::join(types, ", "))};
  }
  if (!std::isfinite(spec.learning_rate) || spec.learning_rate <= 0) {
    return Error{ErrorCode::invalid,
                 fmt::format("learning_rate is {}, but must be above 0", spec.learning_rate)};
  }
  return makers[found - std::begin(types)](spec, size);
}

std::span<const std::string_view> optimizer_types() { return types; }

Status check_decay(const char* key, double value) {
  if (value >= 0 && value < 1) return {};
  return Error{ErrorCode::invalid, fmt::format("{} is {}, but must be in [0, 1)", key, value)};
}

void add_penalties(const Penalties& penalties, std::span<const float> weights,
                   std::span<const float> global, std::span<float> gradient) {
  FED_CHECK(weights.size() == gradient.size() && global.size() == gradient.size());
  if (penalties.weight_decay == 0 && penalties.proximal == 0) return;
  const auto decay = static_cast<float>(penalties.weight_decay);
  const auto proximal = static_cast<float>(penalties.proximal);
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    gradient[i] += decay * weights[i] + proximal * (weights[i] - global[i]);
  }
}

}  // namespace fed::train
