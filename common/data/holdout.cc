#include "data/holdout.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/random.h"

namespace fed::data {
namespace {

constexpr std::uint64_t kStream = 0x686f6c646f7574;  // apart from other uses of the same seed

void allocate(model::Examples& examples, std::int64_t rows, std::int64_t inputs, bool labels) {
  examples.rows = rows;
  examples.inputs = inputs;
  examples.features.resize(static_cast<std::size_t>(rows * inputs));
  if (labels) examples.labels.resize(static_cast<std::size_t>(rows));
}

}  // namespace

std::vector<std::uint8_t> hold_out(std::int64_t rows, double fraction, std::uint64_t seed) {
  const auto count = static_cast<std::size_t>(rows);
  if (fraction >= 1) return std::vector<std::uint8_t>(count, 1);
  std::vector<std::uint8_t> held_out(count, 0);
  if (rows == 0) return held_out;
  const auto wanted = static_cast<std::size_t>(std::llround(static_cast<double>(rows) * fraction));
  std::vector<std::uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0u);
  Random random(mix_seed({kStream, seed}));
  random.shuffle(std::span(order));
  for (std::size_t i = 0; i < std::min(wanted, count - 1); ++i) held_out[order[i]] = 1;
  return held_out;
}

DatasetBuilder::DatasetBuilder(std::span<const std::uint8_t> held_out, std::int64_t inputs,
                               bool labels)
    : held_out_(held_out), labels_(labels) {
  const auto aside = std::count(held_out.begin(), held_out.end(), 1);
  allocate(dataset_.train, static_cast<std::int64_t>(held_out.size()) - aside, inputs, labels);
  allocate(dataset_.holdout, aside, inputs, labels);
}

std::span<float> DatasetBuilder::add(float label) {
  FED_CHECK(next_ < held_out_.size());
  const bool aside = held_out_[next_++] != 0;
  model::Examples& examples = aside ? dataset_.holdout : dataset_.train;
  const std::size_t row = filled_[aside ? 1 : 0]++;
  if (labels_) examples.labels[row] = label;
  const auto inputs = static_cast<std::size_t>(examples.inputs);
  return std::span(examples.features).subspan(row * inputs, inputs);
}

model::Dataset DatasetBuilder::report() && {
  FED_CHECK(next_ == held_out_.size());
  return std::move(dataset_);
}

}  // namespace fed::data
