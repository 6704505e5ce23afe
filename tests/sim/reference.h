// What a committed model must be, computed a second time and in another way: whole numbers instead
// of doubles for the sums, and each formula as its paper has it.
//
// Shares nothing with server/aggregate. Pure functions.
#pragma once

#include <cstdint>
#include <vector>

#include "config/job.h"

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

}  // namespace fed::sim
