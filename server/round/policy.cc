#include "round/policy.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/error.h"

namespace fed::round {

Policy policy(const config::JobSpec& job) {
  const config::RoundsSpec& rounds = job.rounds;
  return {.cohort = rounds.cohort,
          .contributions_min = rounds.contributions_min,
          .contributions_goal = rounds.contributions_goal,
          .collect_min = from_seconds(rounds.seconds_min),
          .collect_max = from_seconds(rounds.seconds_max),
          .deviations = rounds.seconds_deviations,
          .select_max = from_seconds(rounds.seconds_select),
          .selection = rounds.selection,
          .staleness = rounds.staleness,
          .seeded = rounds.order == config::RoundsSpec::Order::seeded,
          .seed = rounds.seed,
          .weighting = job.aggregation.weighting};
}

double weight_of(Weighting weighting, std::int64_t examples) {
  return weighting == Weighting::uniform ? 1.0 : static_cast<double>(examples);
}

double discount(const config::StalenessSpec& rule, std::int64_t staleness) {
  using Weight = config::StalenessSpec::Weight;
  FED_CHECK(staleness >= 0);
  switch (rule.weight) {
    case Weight::constant:
      return 1;
    case Weight::polynomial:
      return std::pow(1 + static_cast<double>(staleness), -rule.exponent);
    case Weight::hinge: {
      const auto beyond = static_cast<double>(staleness - rule.grace);
      return beyond <= 0 ? 1 : 1 / (rule.slope * beyond + 1);
    }
  }
  FED_CHECK(false);
}

std::int64_t goal_of(const Policy& policy, TaskKind kind, std::int64_t members) {
  return kind == TaskKind::statistics ? members : std::min(policy.contributions_goal, members);
}

Duration back_off(Duration first, Duration most, std::int64_t failures) {
  FED_CHECK(failures >= 1);
  constexpr Duration kLeast = std::chrono::seconds(1);
  most = std::max(most, kLeast);
  Duration pause = std::clamp(first, kLeast, most);
  for (std::int64_t i = 1; i < failures && pause < most; ++i)
    pause = pause > most / 2 ? most : pause * 2;
  return pause;
}

}  // namespace fed::round
