// What a committed model must be, computed a second time and in another way: whole numbers instead
// of doubles for the sums, and each formula as its paper has it.
//
// Shares nothing with server/aggregate; of sums of integers (reference_sum.cc) it shares with
// common/secagg the stream of random numbers and the hash of the round's seed, and nothing else.
// Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "config/job.h"
#include "site_columns.h"

namespace fed::sim {

// One accepted update.
struct ReferenceUpdate {
  const std::vector<float>* values = nullptr;
  std::int64_t examples = 0;
  std::int64_t staleness = 0;  // versions that its base is behind
};

// A version: its weights and the server optimizer's state.
struct ReferenceModel {
  std::vector<float> weights, m, v;
};

// The optimizer's state before the first version.
ReferenceModel reference_start(const config::JobSpec& job, std::vector<float> weights);

// The next version from these updates, in the order of their tasks. `total_weight` is the bound
// that the round was opened with; 0: the sum of the updates' weights.
ReferenceModel reference_step(const config::JobSpec& job, const ReferenceModel& from,
                              const std::vector<ReferenceUpdate>& updates, double total_weight);

// What an update counts that is so many versions behind.
double reference_discount(const config::JobSpec& job, std::int64_t staleness);

// The step of the server optimizer alone, from the mean of the updates.
ReferenceModel reference_apply(const config::JobSpec& job, const ReferenceModel& from,
                               const std::vector<double>& means, double discount);

// Of updates that are integers and began from the same version: packed, as their clients have made
// them, before any mask.
struct ReferenceSum {
  std::vector<double> means;  // of the updates
  double weight = 0;
  double loss = 0, loss_weight = 0;  // the mean of the clients' losses; 0: there are none
  bool wraps = false;                // the sum is larger than the modulus allows
};
ReferenceSum reference_sum(const config::JobSpec& job, std::int64_t base_version,
                           std::size_t coordinates, const std::vector<const Bytes*>& updates);

// Mean and variance of a column over the cells of all sites; both 0 without any.
struct ReferenceColumn {
  double mean = 0;
  double variance = 0;
  double mean_square = 0;
  // Whether that is how its numbers are scaled: the mean to the last bit, and the deviation within
  // what data/statistics.h allows.
  bool is_scaled(double by_mean, double by_deviation) const;
};
// `sites` are of the same columns, each with its own sums.
ReferenceColumn reference_column(const std::vector<ColumnSums>& sites);

}  // namespace fed::sim
