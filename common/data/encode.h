// From rows to the features of a model: numbers scaled, missing ones filled in, categories one-hot.
//
// The layout of a row, column by column in the job's order:
//   number                       (x - mean) / deviation
//     with mean_and_indicator    the same, then 1 where the value was missing, else 0
//   category                     one feature per value, in the job's order, 1 at the row's
//     with unknown "other"       the same, then 1 where the value is another one
//
// A missing number is the column's mean: after scaling that is 0; without scaling it is the job's
// "mean" of the column or, if it states none, the mean of the site's own training rows. A missing
// category is "other" if the job has it, else all zeros. Under "missing": "refuse" such rows never
// get here (columns.h).
//
// Pure functions; thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/error.h"
#include "config/job.h"
#include "data/columns.h"
#include "data/statistics.h"

namespace fed::data {

// A number column's part of the encoding: ((missing ? fill : x) - mean) / deviation. One entry per
// column of the job, which categories do not use.
struct Transform {
  double mean = 0;
  double deviation = 1;
  double fill = 0;
};

// The columns of type number.
std::size_t number_columns(const config::InputsSpec& inputs);

// Whether `transforms` needs the site's own statistics: to fill in numbers that are not scaled.
bool needs_own_statistics(const config::InputsSpec& inputs);

// `federated`: one per number column if the job's scaling is federated, else empty; `own`: one per
// number column if needs_own_statistics and a number is missing, else empty. ErrorCode::mismatch
// for another number of federated scalings, ErrorCode::invalid for one that is not finite or has a
// negative deviation.
Result<std::vector<Transform>> transforms(const config::InputsSpec& inputs,
                                          std::span<const Scaling> federated,
                                          std::span<const ColumnStatistics> own);

// Writes config::encoded_width(inputs) values. False if one is not finite as a float, and its
// column in `bad_column`.
bool encode(const config::InputsSpec& inputs, std::span<const Transform> transforms, const Row& row,
            std::span<float> features, std::size_t& bad_column);

}  // namespace fed::data
