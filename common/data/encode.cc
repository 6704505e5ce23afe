#include "data/encode.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "data/text.h"

namespace fed::data {
namespace {

using config::ColumnSpec;
using config::InputsSpec;

bool is_number(const ColumnSpec& column) { return column.type == ColumnSpec::Type::number; }

std::size_t width(const InputsSpec& inputs, const ColumnSpec& column) {
  if (is_number(column)) return inputs.missing == InputsSpec::Missing::mean_and_indicator ? 2 : 1;
  return column.values.size() + (inputs.unknown_category == InputsSpec::Unknown::other ? 1 : 0);
}

// Scaled: a missing value becomes exactly 0.
Transform scaled(double mean, double deviation) {
  return {mean, deviation == 0 ? 1 : deviation, mean};
}

double mean_of(const ColumnStatistics& statistics) {
  if (statistics.count == 0) return 0;
  return statistics.sum.round() / static_cast<double>(statistics.count);
}

}  // namespace

std::size_t number_columns(const InputsSpec& inputs) {
  return static_cast<std::size_t>(
      std::count_if(inputs.columns.begin(), inputs.columns.end(), is_number));
}

bool needs_own_statistics(const InputsSpec& inputs) {
  return inputs.scaling == InputsSpec::Scaling::none &&
         inputs.missing != InputsSpec::Missing::refuse &&
         std::any_of(inputs.columns.begin(), inputs.columns.end(),
                     [](const ColumnSpec& column) { return is_number(column) && !column.mean; });
}

Result<std::vector<Transform>> transforms(const InputsSpec& inputs,
                                          std::span<const Scaling> federated,
                                          std::span<const ColumnStatistics> own) {
  const bool from_server = inputs.scaling == InputsSpec::Scaling::federated;
  const std::size_t wanted = from_server ? number_columns(inputs) : 0;
  if (federated.size() != wanted) {
    return Error{ErrorCode::mismatch,
                 fmt::format("the server sent the scaling of {} columns, the job has {}",
                             federated.size(), wanted)};
  }
  std::vector<Transform> result;
  std::size_t number = 0;
  for (const ColumnSpec& column : inputs.columns) {
    result.emplace_back();
    if (!is_number(column)) continue;
    const std::size_t i = number++;
    if (from_server) {
      const Scaling& scaling = federated[i];
      if (!std::isfinite(scaling.mean) || !std::isfinite(scaling.deviation) ||
          scaling.deviation < 0) {
        return Error{ErrorCode::invalid, "the server's scaling of column " +
                                             in_quotes(column.name) +
                                             " is not a finite mean and deviation"};
      }
      result.back() = scaled(scaling.mean, scaling.deviation);
    } else if (inputs.scaling == InputsSpec::Scaling::constants) {
      result.back() = scaled(column.mean.value_or(0), column.deviation.value_or(1));
    } else if (column.mean) {
      result.back().fill = *column.mean;
    } else if (!own.empty()) {
      result.back().fill = mean_of(own[i]);
    }
  }
  return result;
}

bool encode(const InputsSpec& inputs, std::span<const Transform> transforms, const Row& row,
            std::span<float> features, std::size_t& bad_column) {
  std::fill(features.begin(), features.end(), 0.0f);
  for (std::size_t i = 0; i < inputs.columns.size(); ++i) {
    const ColumnSpec& column = inputs.columns[i];
    const std::size_t used = width(inputs, column);
    if (is_number(column)) {
      const bool missing = std::isnan(row.numbers[i]);
      const Transform& transform = transforms[i];
      const double value = missing ? transform.fill : row.numbers[i];
      features[0] = static_cast<float>((value - transform.mean) / transform.deviation);
      if (missing && used == 2) features[1] = 1;
      bad_column = i;
      if (!std::isfinite(features[0])) return false;
    } else if (row.categories[i] != Row::kNoCategory) {
      features[static_cast<std::size_t>(row.categories[i])] = 1;
    }
    features = features.subspan(used);
  }
  return true;
}

}  // namespace fed::data
