#include "round/stopping.h"

#include <cmath>

namespace fed::round {

namespace {

bool better(const StoppingRule& rule, double value, double than) {
  return rule.higher_is_better ? value > than : value < than;
}

}  // namespace

bool higher_is_better(const std::string& metric) {
  return metric == "accuracy" || metric == "auc" || metric == "r2";
}

StoppingRule stopping_rule(const config::JobSpec& job) {
  return {.versions_max = job.rounds.max,
          .higher_is_better = higher_is_better(job.evaluation.metric),
          .target = job.evaluation.target,
          .patience = job.evaluation.patience};
}

StoppingState observe(const StoppingRule& rule, StoppingState state, const Evaluation& evaluation) {
  const bool first = !state.best && std::isfinite(evaluation.value);
  if (first || (state.best && better(rule, evaluation.value, state.best->value) &&
                std::isfinite(evaluation.value))) {
    return {.best = evaluation, .without_better = 0};
  }
  ++state.without_better;
  return state;
}

std::optional<Reason> should_stop(const StoppingRule& rule, const StoppingState& state,
                                  std::int64_t version) {
  if (rule.target && state.best && !better(rule, *rule.target, state.best->value)) {
    return Reason::target_reached;
  }
  if (rule.patience > 0 && state.without_better >= rule.patience) return Reason::patience_exhausted;
  if (version >= rule.versions_max) return Reason::round_limit;
  if (version >= rule.versions_paid) return Reason::budget_spent;
  return std::nullopt;
}

}  // namespace fed::round
