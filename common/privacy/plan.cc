#include "privacy/plan.h"

#include <fmt/core.h>

#include <cmath>

#include "privacy/analytic_gaussian.h"
#include "privacy/distributed_gaussian.h"
#include "privacy/laplace.h"
#include "privacy/sampled_gaussian.h"

namespace fed::privacy {

namespace {

// The standard deviation of one client's share of the noise, in steps of the grid.
double client_sigma(const DistributedSetting& setting, double noise_multiplier) {
  return noise_multiplier * setting.clip_steps /
         std::sqrt(static_cast<double>(setting.survivors_min));
}

Result<RdpCurve> distributed_cost(const DistributedSetting& setting, double noise_multiplier) {
  FED_ASSIGN(norm, rounded_norm(setting.clip_steps, setting.dimension, setting.beta));
  const double sigma = client_sigma(setting, noise_multiplier);
  return distributed_gaussian_curve({.variance = sigma * sigma,
                                     .survivors_min = setting.survivors_min,
                                     .dimension = setting.dimension,
                                     .l2 = norm.l2_max,
                                     .l1 = norm.l1_max});
}

Status check_request(const PlanRequest& request) {
  const int given = request.noise_multiplier.has_value() + request.epsilon.has_value() +
                    request.rounds.has_value();
  if (given != 2) {
    return Error{ErrorCode::invalid,
                 fmt::format("a plan is made from two of noise multiplier, epsilon and rounds; {} "
                             "of them are given",
                             given)};
  }
  if (request.rounds && *request.rounds == 0) {
    return Error{ErrorCode::invalid, "a plan is for at least one round"};
  }
  FED_TRY(check(Target{request.epsilon.value_or(1), request.delta}));
  if (!(request.sampling_rate > 0 && request.sampling_rate <= 1)) {
    return Error{ErrorCode::invalid, fmt::format("a plan's sampling rate is above 0 and at most 1, "
                                                 "not {}",
                                                 request.sampling_rate)};
  }
  if (request.mechanism != Mechanism::distributed_gaussian) return {};
  // What no noise would mend is said before any is looked for.
  if (request.distributed.survivors_min == 0) {
    return Error{ErrorCode::invalid, "distributed noise needs the fewest survivors of a round"};
  }
  FED_TRY(rounded_norm(request.distributed.clip_steps, request.distributed.dimension,
                       request.distributed.beta));
  return {};
}

std::string statement(const Plan& plan) {
  const char* enough =
      plan.guarantee.epsilon > 0 ? "" : ", which is enough by itself with so much noise";
  return fmt::format("After {} round{}, epsilon is {:.4g} at delta {:.3g}{} ({}) against {}.",
                     plan.rounds, plan.rounds == 1 ? "" : "s", plan.guarantee.epsilon,
                     plan.guarantee.delta, enough, plan.neighbours, plan.adversary);
}

}  // namespace

std::string neighbours(const PlanRequest& request) {
  return request.mechanism == Mechanism::central_gaussian
             ? "client level, one client added or removed"
             : "client level, all that one client sends replaced by zeros";
}

std::string adversary(const PlanRequest& request) {
  switch (request.mechanism) {
    case Mechanism::central_gaussian:
      return "everybody who sees the models; the server is trusted with the updates";
    case Mechanism::distributed_gaussian:
      return fmt::format(
          "the server, and everybody who sees the models, as long as the server sees nothing but "
          "sums with the noise of at least {} clients",
          request.distributed.survivors_min);
    case Mechanism::local_gaussian:
    case Mechanism::local_laplace:
      return "the server and everybody else; nobody but the client is trusted";
  }
  return {};
}

const char* name(Mechanism mechanism) {
  switch (mechanism) {
    case Mechanism::central_gaussian:
      return "central_gaussian";
    case Mechanism::distributed_gaussian:
      return "distributed_gaussian";
    case Mechanism::local_gaussian:
      return "local_gaussian";
    case Mechanism::local_laplace:
      return "local_laplace";
  }
  return "unknown";
}

std::optional<Mechanism> mechanism_named(std::string_view text) {
  for (const Mechanism each : {Mechanism::central_gaussian, Mechanism::distributed_gaussian,
                               Mechanism::local_gaussian, Mechanism::local_laplace}) {
    if (text == name(each)) return each;
  }
  return std::nullopt;
}

Result<Fraction> client_variance(const DistributedSetting& setting, double noise_multiplier) {
  return variance_at_least(client_sigma(setting, noise_multiplier));
}

Result<RdpCurve> round_cost(const PlanRequest& request, double noise_multiplier) {
  switch (request.mechanism) {
    case Mechanism::central_gaussian:
      return sampled_gaussian_curve(request.sampling_rate, noise_multiplier);
    case Mechanism::distributed_gaussian:
      return distributed_cost(request.distributed, noise_multiplier);
    case Mechanism::local_gaussian:
      return sampled_gaussian_curve(1, noise_multiplier);
    case Mechanism::local_laplace: {
      FED_ASSIGN(epsilon, laplace_epsilon(noise_multiplier));
      return pure_curve(epsilon);
    }
  }
  return Error{ErrorCode::unsupported, "no such mechanism"};
}

Result<Plan> make_plan(const PlanRequest& request) {
  FED_TRY(check_request(request));
  const Target target{request.epsilon.value_or(1), request.delta};
  Plan plan;
  if (request.noise_multiplier) {
    plan.noise_multiplier = *request.noise_multiplier;
  } else {
    FED_ASSIGN(found, least_noise(target, *request.rounds, [&](double noise_multiplier) {
                 return round_cost(request, noise_multiplier);
               }));
    plan.noise_multiplier = found;
  }
  FED_ASSIGN(round, round_cost(request, plan.noise_multiplier));
  plan.round = round;
  if (request.rounds) {
    plan.rounds = *request.rounds;
  } else {
    FED_ASSIGN(found, rounds_within(target, round));
    if (found == 0) {
      return Error{ErrorCode::invalid,
                   fmt::format("one round with a noise multiplier of {} costs more than epsilon {}",
                               plan.noise_multiplier, target.epsilon)};
    }
    plan.rounds = found;
  }
  if (request.mechanism == Mechanism::distributed_gaussian) {
    FED_ASSIGN(variance, client_variance(request.distributed, plan.noise_multiplier));
    plan.client_variance = variance;
  }
  FED_ASSIGN(one_round, epsilon_at(round, request.delta));
  FED_ASSIGN(all, epsilon_at(round.times(static_cast<double>(plan.rounds)), request.delta));
  const bool is_gaussian = request.mechanism == Mechanism::central_gaussian ||
                           request.mechanism == Mechanism::local_gaussian;
  if (is_gaussian && request.sampling_rate == 1) {
    const double sigma = plan.noise_multiplier / std::sqrt(static_cast<double>(plan.rounds));
    const auto exact = gaussian_epsilon(sigma, request.delta);
    if (exact) plan.analytic_epsilon = *exact;  // none for one that is out of range
  }
  plan.one_round = one_round;
  plan.guarantee = all;
  plan.neighbours = neighbours(request);
  plan.adversary = adversary(request);
  plan.statement = statement(plan);
  return plan;
}

}  // namespace fed::privacy
