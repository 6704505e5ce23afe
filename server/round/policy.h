// The numbers that make the engine synchronous, over-selected or asynchronous, from the job's
// `rounds` section.
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
  Duration collect_min{};               // bounds of the time from the selection to the deadline
  Duration collect_max{};
  double deviations = 0;  // > 0: the deadline follows the rounds seen (pace.h)
  Duration select_max{};  // patience for a full cohort once contributions_min can be reached
  config::SelectionSpec selection{};
  config::StalenessSpec staleness{};
  bool seeded = false;     // asynchronous: the seed names the tasks that make a version
  std::uint64_t seed = 1;  // of the selection
  Weighting weighting = Weighting::examples;

  // Asynchronous: `cohort` clients are at work at any time, each on the version that was the
  // latest when it was asked, and every `contributions_goal` contributions make a version.
  bool asynchronous() const { return staleness.max > 0; }
};

Policy policy(const config::JobSpec& job);

// Weight of a contribution: its examples, or 1. A whole number, so that sums of weights are exact.
double weight_of(Weighting weighting, std::int64_t examples);

// What a contribution counts whose base is `staleness` versions behind, in (0, 1]: s(t - tau) of
// Xie et al. 2019, section 5.2 (constant, polynomial, hinge).
double discount(const config::StalenessSpec& rule, std::int64_t staleness);

// Contributions at which a round over `members` clients closes. Statistics want everybody who was
// there.
std::int64_t goal_of(const Policy& policy, TaskKind kind, std::int64_t members);

// Pause after the n-th failure in a row (from 1): `first`, doubling, at most `most`; never below
// one second.
Duration back_off(Duration first, Duration most, std::int64_t failures);

}  // namespace fed::round
