#include "round/policy.h"

#include <algorithm>
#include <chrono>

#include "base/error.h"

namespace fed::round {

Policy policy(const config::JobSpec& job) {
  const config::RoundsSpec& rounds = job.rounds;
  return {.cohort = rounds.cohort,
          .contributions_min = rounds.contributions_min,
          .contributions_goal = rounds.contributions_goal,
          .collect_max = from_seconds(rounds.seconds_max),
          .select_max = from_seconds(rounds.seconds_select),
          .seed = rounds.seed,
          .weighting = job.aggregation.weighting};
}

double weight_of(Weighting weighting, std::int64_t examples) {
  return weighting == Weighting::uniform ? 1.0 : static_cast<double>(examples);
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
