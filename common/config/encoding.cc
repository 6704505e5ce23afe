#include "config/job.h"

namespace fed::config {

std::int64_t encoded_width(const InputsSpec& inputs) {
  const std::int64_t number = inputs.missing == InputsSpec::Missing::mean_and_indicator ? 2 : 1;
  const std::int64_t other = inputs.unknown_category == InputsSpec::Unknown::other ? 1 : 0;
  std::int64_t width = 0;
  for (const ColumnSpec& column : inputs.columns) {
    const auto values = static_cast<std::int64_t>(column.values.size());
    width += column.type == ColumnSpec::Type::number ? number : values + other;
  }
  return width;
}

}  // namespace fed::config
