#include <cmath>

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

// The fraction counts in thousandths where sums are made (coding/job_codec.h): the larger of both.
std::int64_t noise_sharers(const JobSpec& job) {
  const double share = job.secure_aggregation ? job.secure_aggregation->corrupted : 0;
  const double counted = std::max(share, static_cast<double>(std::lround(share * 1000)) / 1000);
  const double corrupted = std::floor(counted * static_cast<double>(job.rounds.cohort) + 1e-9);
  return job.rounds.contributions_min - static_cast<std::int64_t>(corrupted);
}

}  // namespace fed::config
