// The functions that optimizers.def lists: one for each type, called by make_optimizer.
#pragma once

#include "train/optimizer.h"

namespace fed::train {

#define FED_OPTIMIZER(type)                                                         \
  Result<std::unique_ptr<Optimizer>> make_##type(const config::OptimizerSpec& spec, \
                                                 std::uint64_t size);
#include "train/optimizers.def"
#undef FED_OPTIMIZER

// ErrorCode::invalid, with the key's name, for a value outside [0, 1).
Status check_decay(const char* key, double value);

}  // namespace fed::train
