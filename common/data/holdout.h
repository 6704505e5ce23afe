// Which rows a site keeps aside to judge models with, and never trains on.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/dataset.h"

namespace fed::data {

// One entry per row, 1 where it is held out. round(rows * fraction) of them, chosen by the seed
// alone, so a restart chooses the same; at least one row is left to train on. `fraction` is in [0,
// 1]; at 1, as for evaluation only, all are held out.
std::vector<std::uint8_t> hold_out(std::int64_t rows, double fraction, std::uint64_t seed);

// Fills the two halves of a Dataset row by row, without a second copy of the data. One owner, not
// thread-safe.
class DatasetBuilder {
 public:
  // `held_out` must outlive the builder. Without labels the two `labels` stay empty.
  DatasetBuilder(std::span<const std::uint8_t> held_out, std::int64_t inputs, bool labels = true);

  // Where the next row's features go; its label.
  std::span<float> add(float label);

  // Once every row has been added.
  model::Dataset report() &&;

 private:
  std::span<const std::uint8_t> held_out_;
  bool labels_;
  std::size_t next_ = 0;
  std::size_t filled_[2] = {0, 0};  // rows of train, of holdout
  model::Dataset dataset_;
};

}  // namespace fed::data
