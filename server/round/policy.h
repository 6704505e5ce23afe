// The numbers that make the engine synchronous or over-selected, from the job's `rounds` section.
//
// Pure functions over plain values. The table of policies is in README.md.
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "config/job.h"
#include "round/types.h"

namespace fed::round {

using Weighting = config::AggregationSpec::Weighting;

// Largest number of examples that a client may declare. Sums of up to 2^13 such weights are exact
// in a double.
inline constexpr std::int64_t kExamplesMax = std::int64_t{1} << 40;

struct Policy {
  std::int64_t cohort = 1;              // clients asked
  std::int64_t contributions_min = 1;   // below it a round commits nothing
  std::int64_t contributions_goal = 1;  // at it the round closes without waiting for the deadline
  Duration collect_max{};               // from the selection to the deadline
  Duration select_max{};   // patience for a full cohort once contributions_min can be reached
  std::uint64_t seed = 1;  // of the selection
  Weighting weighting = Weighting::examples;
};

Policy policy(const config::JobSpec& job);

// Weight of a contribution: its examples, or 1. A whole number, so that sums of weights are exact.
double weight_of(Weighting weighting, std::int64_t examples);

// Contributions at which a round over `members` clients closes. Statistics want everybody who was
// there.
std::int64_t goal_of(const Policy& policy, TaskKind kind, std::int64_t members);

// Pause after the n-th failure in a row (from 1): `first`, doubling, at most `most`; never below
// one second.
Duration back_off(Duration first, Duration most, std::int64_t failures);

}  // namespace fed::round
