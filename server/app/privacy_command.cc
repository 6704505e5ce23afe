// `fedserver privacy plan`: what noise promises, and what a promise needs, before a job is made.
#include <fmt/format.h>

#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "privacy/plan.h"

namespace fed::app {
namespace {

using Json = nlohmann::json;
using privacy::Mechanism;

constexpr Mechanism kMechanisms[] = {Mechanism::central_gaussian, Mechanism::distributed_gaussian,
                                     Mechanism::local_gaussian, Mechanism::local_laplace};

Result<Mechanism> mechanism_of(const std::string& text) {
  if (const auto named = privacy::mechanism_named(text)) return *named;
  std::string names;
  for (const Mechanism each : kMechanisms) {
    names += std::string(names.empty() ? "" : ", ") + privacy::name(each);
  }
  return Error{ErrorCode::invalid, "--mechanism " + text + ": there are " + names};
}

std::optional<double> number_of(const cli::Arguments& arguments, const char* option) {
  return arguments.has(option) ? std::optional(arguments.get<double>(option)) : std::nullopt;
}

// Read signed: an unsigned option would take -1 for a very large number.
Result<std::optional<std::uint64_t>> count_of(const cli::Arguments& arguments, const char* option) {
  std::optional<std::uint64_t> count;
  if (!arguments.has(option)) return count;
  const auto value = arguments.get<std::int64_t>(option);
  constexpr std::int64_t kMost = std::int64_t{1} << 40;
  if (value < 1 || value > kMost) {
    return Error{ErrorCode::invalid, fmt::format("--{} is {}; it is a whole number from 1 to {}",
                                                 option, value, kMost)};
  }
  count = static_cast<std::uint64_t>(value);
  return count;
}

Result<privacy::PlanRequest> request_of(const cli::Arguments& arguments) {
  FED_ASSIGN(mechanism, mechanism_of(arguments.text("mechanism")));
  const bool distributed = mechanism == Mechanism::distributed_gaussian;
  for (const char* option : {"survivors-min", "parameters", "clip-steps"}) {
    if (arguments.has(option) == distributed) continue;
    return Error{ErrorCode::invalid,
                 std::string("--") + option +
                     (distributed ? " is needed for --mechanism distributed_gaussian"
                                  : " is for --mechanism distributed_gaussian only")};
  }
  // Counted in full they are anyway (privacy/plan.h); who gives a rate expects less.
  const auto rate = arguments.get<double>("sampling-rate");
  if (mechanism != Mechanism::central_gaussian && rate != 1) {
    return Error{ErrorCode::invalid,
                 fmt::format("--sampling-rate {} is for --mechanism central_gaussian only: with {} "
                             "the server sees who sends, so that nobody is hidden by not being "
                             "drawn, and every round counts in full; leave it out",
                             rate, privacy::name(mechanism))};
  }
  FED_ASSIGN(rounds, count_of(arguments, "rounds"));
  FED_ASSIGN(survivors, count_of(arguments, "survivors-min"));
  FED_ASSIGN(parameters, count_of(arguments, "parameters"));
  privacy::PlanRequest request{
      .mechanism = mechanism,
      .noise_multiplier = number_of(arguments, "noise-multiplier"),
      .epsilon = number_of(arguments, "epsilon"),
      .rounds = rounds,
      .delta = arguments.get<double>("delta"),
      .sampling_rate = arguments.get<double>("sampling-rate"),
      .distributed = {},
  };
  if (distributed) {
    request.distributed = {.survivors_min = *survivors,
                           .dimension = *parameters,
                           .clip_steps = arguments.get<double>("clip-steps"),
                           .beta = arguments.get<double>("beta")};
  }
  return request;
}

Json json_of(const privacy::PlanRequest& request, const privacy::Plan& plan) {
  Json json = {{"mechanism", privacy::name(request.mechanism)},
               {"noise_multiplier", plan.noise_multiplier},
               {"sampling_rate", request.sampling_rate},
               {"rounds", plan.rounds},
               {"epsilon", plan.guarantee.epsilon},
               {"delta", plan.guarantee.delta},
               {"epsilon_of_one_round", plan.one_round.epsilon},
               {"neighbours", plan.neighbours},
               {"adversary", plan.adversary},
               {"statement", plan.statement}};
  if (plan.analytic_epsilon) json["analytic_epsilon"] = *plan.analytic_epsilon;
  if (plan.client_variance) {
    json["client_variance"] = {{"numerator", plan.client_variance->numerator},
                               {"denominator", plan.client_variance->denominator}};
  }
  return json;
}

std::string text_of(const privacy::PlanRequest& request, const privacy::Plan& plan) {
  std::string text = fmt::format(
      "mechanism         {}\n"
      "noise multiplier  {:.6g}\n"
      "sampling rate     {:.6g}\n"
      "rounds            {}\n"
      "epsilon           {:.6g} at delta {:.3g}; after one round {:.6g}\n",
      privacy::name(request.mechanism), plan.noise_multiplier, request.sampling_rate, plan.rounds,
      plan.guarantee.epsilon, plan.guarantee.delta, plan.one_round.epsilon);
  if (plan.analytic_epsilon) {
    text += fmt::format(
        "analytic          {:.6g}: the exact epsilon of continuous noise, for comparison\n",
        *plan.analytic_epsilon);
  }
  if (plan.client_variance) {
    text += fmt::format("noise per client  variance {:.6g}, in squared steps of the grid\n",
                        static_cast<double>(plan.client_variance->numerator) /
                            static_cast<double>(plan.client_variance->denominator));
  }
  return text + "\n" + plan.statement + "\n";
}

}  // namespace

int plan_privacy(const cli::Arguments& arguments) {
  const auto request = request_of(arguments);
  if (!request) return cli::fail(arguments, request.error(), cli::bad_usage);
  const auto made = privacy::make_plan(*request);
  if (!made) return cli::fail(arguments, made.error(), cli::bad_usage);
  std::cout << (arguments.json() ? json_of(*request, *made).dump() + "\n"
                                 : text_of(*request, *made));
  return cli::done;
}

void add_plan_options(cli::options::options_description& add) {
  namespace po = cli::options;
  const auto number = [] { return po::value<double>(); };
  const auto count = [] { return po::value<std::int64_t>(); };
  add.add_options()("mechanism", po::value<std::string>()->default_value("central_gaussian"),
                    "plan: central_gaussian, distributed_gaussian, local_gaussian or "
                    "local_laplace")("noise-multiplier", number(),
                                     "plan: standard deviation of the noise / clipping norm")(
      "epsilon", number(), "plan: the promise to keep")(
      "rounds", count(), "plan: rounds of the job")("delta", number()->default_value(1e-5, "1e-5"),
                                                    "plan: below 1 / clients")(
      "sampling-rate", number()->default_value(1, "1"),
      "plan, central: chance of a client to be in a round, by Poisson sampling; 1 for any other "
      "choice")("survivors-min", count(),
                "plan, distributed: fewest clients of a sum that is used")(
      "parameters", count(), "plan, distributed: of the model")(
      "clip-steps", number(), "plan, distributed: clipping norm / step of the grid")(
      "beta", number()->default_value(std::exp(-0.5), "exp(-1/2)"),
      "plan, distributed: bias of the conditional rounding, from 0 (none) to below 1");
}

}  // namespace fed::app
