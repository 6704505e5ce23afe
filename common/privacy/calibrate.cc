#include "privacy/calibrate.h"

#include <fmt/core.h>

#include <cmath>

#include "privacy/sampled_gaussian.h"
#include "privacy/search.h"

namespace fed::privacy {

namespace {

constexpr std::uint64_t kRoundsMax = std::uint64_t{1} << 40;

bool keeps(const Target& target, const RdpCurve& round, std::uint64_t rounds) {
  const auto spent = epsilon_at(round.times(static_cast<double>(rounds)), target.delta);
  return spent && spent->epsilon <= target.epsilon;
}

}  // namespace

Status check(const Target& target) {
  if (!(target.epsilon > 0 && std::isfinite(target.epsilon))) {
    return Error{ErrorCode::invalid,
                 fmt::format("epsilon is above 0 and finite, not {}", target.epsilon)};
  }
  if (!(target.delta > 0 && target.delta < 1)) {
    return Error{ErrorCode::invalid, fmt::format("delta is between 0 and 1, not {}", target.delta)};
  }
  return {};
}

Result<std::uint64_t> rounds_within(const Target& target, const RdpCurve& round) {
  FED_TRY(check(target));
  if (keeps(target, round, kRoundsMax)) return kRoundsMax;
  std::uint64_t kept = 0;
  std::uint64_t broken = kRoundsMax;
  while (broken - kept > 1) {
    const std::uint64_t middle = kept + (broken - kept) / 2;
    (keeps(target, round, middle) ? kept : broken) = middle;
  }
  return kept;
}

Result<double> least_noise(const Target& target, std::uint64_t rounds, const RoundCost& cost) {
  FED_TRY(check(target));
  if (rounds == 0) return Error{ErrorCode::invalid, "no round needs no noise"};
  const auto holds = [&](double noise_multiplier) {
    const Result<RdpCurve> round = cost(noise_multiplier);
    return round && keeps(target, *round, rounds);
  };
  const double found = least_with(holds, 1e-6);
  if (found == 0) {
    return Error{ErrorCode::invalid, fmt::format("no noise gives epsilon {} at delta {}",
                                                 target.epsilon, target.delta)};
  }
  return found;
}

Result<Guarantee> epsilon_for(double noise_multiplier, double delta, double sampling_rate,
                              std::uint64_t rounds) {
  FED_ASSIGN(round, sampled_gaussian_curve(sampling_rate, noise_multiplier));
  return epsilon_at(round.times(static_cast<double>(rounds)), delta);
}

Result<double> noise_multiplier_for(double epsilon, double delta, double sampling_rate,
                                    std::uint64_t rounds) {
  FED_TRY(sampled_gaussian_curve(sampling_rate, 1));  // is the rate one?
  return least_noise({epsilon, delta}, rounds, [sampling_rate](double noise_multiplier) {
    return sampled_gaussian_curve(sampling_rate, noise_multiplier);
  });
}

Result<std::uint64_t> rounds_for(double epsilon, double delta, double sampling_rate,
                                 double noise_multiplier) {
  FED_ASSIGN(round, sampled_gaussian_curve(sampling_rate, noise_multiplier));
  return rounds_within({epsilon, delta}, round);
}

}  // namespace fed::privacy
