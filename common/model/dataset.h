// Rows as a model sees them: numbers only. The data layer makes them, the trainer and the
// evaluation read them.
//
// Plain values; share const between threads.
#pragma once

#include <cstdint>

#include "tensor/vector.h"

namespace fed::model {

// rows × inputs features in row-major order and one label per row (class index, or target value).
struct Examples {
  tensor::Floats features;
  tensor::Floats labels;
  std::int64_t rows = 0;
  std::int64_t inputs = 0;
};

// What one site trains on, and what it keeps aside to judge a model with. `holdout` may have no
// rows.
struct Dataset {
  Examples train;
  Examples holdout;
};

}  // namespace fed::model
