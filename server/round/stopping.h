// When a job is done: a number of versions, a metric good enough, or a metric that no longer gets
// better.
//
// Pure functions over plain values; the state is part of the engine's snapshot.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>

#include "config/job.h"
#include "round/reason.h"

namespace fed::round {

// A version's value of the job's evaluation metric. Of which version is the app's to know: clients
// evaluate the version that a round started from, so it is commonly the one before the version just
// committed.
struct Evaluation {
  std::int64_t version = 0;
  double value = 0;

  bool operator==(const Evaluation&) const = default;
};

struct StoppingRule {
  std::int64_t versions_max = 1;
  bool higher_is_better = false;
  std::optional<double> target{};
  std::int64_t patience = 0;  // evaluations in a row without a better one; 0: no such rule
  std::int64_t versions_paid = std::numeric_limits<std::int64_t>::max();  // by the privacy budget
};

struct StoppingState {
  std::optional<Evaluation> best{};  // the first of equals
  std::int64_t without_better = 0;

  bool operator==(const StoppingState&) const = default;
};

// Accuracy, AUC and R² are better when higher; losses and errors when lower.
bool higher_is_better(const std::string& metric);

StoppingRule stopping_rule(const config::JobSpec& job);

// The state after one more evaluation. A value that is not finite is never better than anything.
StoppingState observe(const StoppingRule& rule, StoppingState state, const Evaluation& evaluation);

// Whether a job that has `version` committed versions is done, and why: the target before patience
// before the limit before the budget.
std::optional<Reason> should_stop(const StoppingRule& rule, const StoppingState& state,
                                  std::int64_t version);

}  // namespace fed::round
