#include "privacy/plan.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "must.h"
#include "privacy/discrete_gaussian.h"
#include "privacy/distributed_gaussian.h"
#include "privacy/laplace.h"

namespace fed::privacy {
namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

PlanRequest central() {
  PlanRequest request;
  request.noise_multiplier = 1.5;
  request.rounds = 2250;
  request.delta = 1e-5;
  request.sampling_rate = 0.04;
  return request;
}

PlanRequest distributed() {
  PlanRequest request;
  request.mechanism = Mechanism::distributed_gaussian;
  request.noise_multiplier = 2;
  request.rounds = 10;
  request.delta = 1e-5;
  request.distributed = {.survivors_min = 16, .dimension = 1024, .clip_steps = 1000, .beta = 0.5};
  return request;
}

PlanRequest local(Mechanism mechanism, double noise_multiplier, std::uint64_t rounds) {
  PlanRequest request;
  request.mechanism = mechanism;
  request.noise_multiplier = noise_multiplier;
  request.rounds = rounds;
  request.delta = 1e-6;
  return request;
}

TEST_CASE("noise and rounds give epsilon") {
  const Plan plan = must(make_plan(central()));
  CHECK(plan.guarantee.epsilon == Approx(7.32911117143).epsilon(1e-10));
  CHECK(plan.guarantee.delta == 1e-5);
  CHECK(plan.noise_multiplier == 1.5);
  CHECK(plan.rounds == 2250);
  CHECK(plan.one_round.epsilon < plan.guarantee.epsilon);
  CHECK_FALSE(plan.client_variance.has_value());
}

TEST_CASE("epsilon and rounds give noise") {
  PlanRequest request = central();
  request.noise_multiplier.reset();
  request.epsilon = 8;
  const Plan plan = must(make_plan(request));
  CHECK(plan.noise_multiplier == Approx(1.416).margin(5e-4));
  CHECK(plan.guarantee.epsilon <= 8);
  CHECK(plan.guarantee.epsilon == Approx(8).epsilon(1e-5));
}

TEST_CASE("noise and epsilon give rounds") {
  PlanRequest request = central();
  request.rounds.reset();
  request.epsilon = 7.33;
  const Plan plan = must(make_plan(request));
  CHECK(plan.rounds == 2250);
  CHECK(plan.guarantee.epsilon <= 7.33);
  request.epsilon = 1e-3;
  CHECK(has(refusal(make_plan(request)), "one round"));
}

TEST_CASE("a ledger that adds the plan's rounds up ends at the plan's epsilon") {
  PlanRequest request = central();
  request.rounds = 50;
  const Plan plan = must(make_plan(request));
  RdpCurve ledger;
  for (int i = 0; i < 50; ++i) ledger += plan.round;
  CHECK(must(epsilon_at(ledger, 1e-5)).epsilon == Approx(plan.guarantee.epsilon).epsilon(1e-12));
}

TEST_CASE("the statement says for whom, against whom and how much") {
  const Plan plan = must(make_plan(central()));
  CHECK(has(plan.statement, "After 2250 rounds, epsilon is 7.329 at delta 1e-05"));
  CHECK(has(plan.statement, plan.neighbours));
  CHECK(has(plan.statement, plan.adversary));
  CHECK(plan.statement.back() == '.');
  CHECK(has(plan.neighbours, "client level"));
  CHECK(has(plan.neighbours, "added or removed"));
  CHECK(has(plan.adversary, "server is trusted"));
  const Plan secure = must(make_plan(distributed()));
  CHECK(has(secure.neighbours, "replaced by zeros"));
  CHECK(has(secure.adversary, "at least 16 clients"));
  const Plan own = must(make_plan(local(Mechanism::local_gaussian, 4, 1)));
  CHECK(has(own.adversary, "nobody but the client is trusted"));
  CHECK(has(own.statement, "After 1 round, "));
}

TEST_CASE("distributed noise is sized for the fewest survivors") {
  const Plan plan = must(make_plan(distributed()));
  // Each of 16 clients has a quarter of the noise: 2 * 1000 / 4 steps.
  REQUIRE(plan.client_variance.has_value());
  CHECK(*plan.client_variance == Fraction{250000, 1});
  CHECK(DiscreteGaussian::with_variance(*plan.client_variance).has_value());

  PlanRequest fewer = distributed();
  fewer.distributed.survivors_min = 4;
  CHECK(*must(make_plan(fewer)).client_variance == Fraction{1000000, 1});
  CHECK(must(make_plan(fewer)).guarantee.epsilon == Approx(plan.guarantee.epsilon).epsilon(1e-9));
}

TEST_CASE("distributed noise costs what the bound says, and more than the rounding hides") {
  const Plan plan = must(make_plan(distributed()));
  const RoundedNorm norm = must(rounded_norm(1000, 1024, 0.5));
  const RdpCurve round = must(distributed_gaussian_curve(
      {plan.client_variance->value(), 16, 1024, norm.l2_max, norm.l1_max}));
  CHECK(plan.guarantee.epsilon == must(epsilon_at(round.times(10), 1e-5)).epsilon);
  PlanRequest unrounded = local(Mechanism::local_gaussian, 2, 10);
  unrounded.delta = 1e-5;
  const double continuous = must(make_plan(unrounded)).guarantee.epsilon;
  CHECK(plan.guarantee.epsilon > continuous);
  CHECK(plan.guarantee.epsilon < continuous * 1.01);
  // A coarser grid rounds more.
  PlanRequest coarse = distributed();
  coarse.distributed.clip_steps = 30;
  CHECK(must(make_plan(coarse)).guarantee.epsilon > plan.guarantee.epsilon * 1.05);
}

TEST_CASE("distributed noise is found for an epsilon as well") {
  PlanRequest request = distributed();
  request.noise_multiplier.reset();
  request.epsilon = 3;
  const Plan plan = must(make_plan(request));
  CHECK(plan.guarantee.epsilon <= 3);
  CHECK(plan.guarantee.epsilon == Approx(3).epsilon(1e-4));
  request.noise_multiplier = plan.noise_multiplier;
  request.epsilon.reset();
  CHECK(must(make_plan(request)).guarantee.epsilon == plan.guarantee.epsilon);
}

TEST_CASE("an epsilon of 0 is explained: so much noise that delta is enough") {
  PlanRequest request = local(Mechanism::local_gaussian, 1e6, 3);
  request.delta = 1e-5;
  const Plan plan = must(make_plan(request));
  CHECK(plan.guarantee.epsilon == 0);
  CHECK(plan.statement.find("which is enough by itself") != std::string::npos);
  request.noise_multiplier = 10;
  CHECK(must(make_plan(request)).statement.find("by itself") == std::string::npos);
}

TEST_CASE("sampling amplifies only against those who do not see who was drawn") {
  PlanRequest request = local(Mechanism::local_gaussian, 3, 20);
  const double all = must(make_plan(request)).guarantee.epsilon;
  request.sampling_rate = 0.01;
  CHECK(must(make_plan(request)).guarantee.epsilon == all);
  request.mechanism = Mechanism::central_gaussian;
  CHECK(must(make_plan(request)).guarantee.epsilon < all / 5);
  request.sampling_rate = 1;
  CHECK(must(make_plan(request)).guarantee.epsilon == all);
  PlanRequest secure = distributed();
  const double cost = must(make_plan(secure)).guarantee.epsilon;
  secure.sampling_rate = 0.1;
  CHECK(must(make_plan(secure)).guarantee.epsilon == cost);
}

TEST_CASE("local Laplace noise is pure, and composes like it") {
  const Plan plan = must(make_plan(local(Mechanism::local_laplace, 10, 100)));
  CHECK(plan.round == must(pure_curve(0.1)));
  CHECK(plan.guarantee.epsilon < 10);
  CHECK(plan.one_round.epsilon == Approx(0.1).margin(0.01));
  PlanRequest request = local(Mechanism::local_laplace, 1, 100);
  request.noise_multiplier.reset();
  request.epsilon = plan.guarantee.epsilon;
  CHECK(must(make_plan(request)).noise_multiplier == Approx(10).epsilon(1e-4));
}

TEST_CASE("a plan needs two of three") {
  PlanRequest request = central();
  request.epsilon = 1;
  CHECK(has(refusal(make_plan(request)), "3 of them"));
  request.noise_multiplier.reset();
  request.rounds.reset();
  CHECK(has(refusal(make_plan(request)), "1 of them"));
  request.epsilon.reset();
  CHECK(has(refusal(make_plan(request)), "0 of them"));
}

TEST_CASE("plans out of range are refused with what is wrong") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  PlanRequest request = central();
  request.rounds = 0;
  CHECK(has(refusal(make_plan(request)), "at least one round"));
  for (double delta : {0.0, 1.0, nan}) {
    request = central();
    request.delta = delta;
    CHECK(has(refusal(make_plan(request)), "delta"));
  }
  for (double rate : {0.0, 1.5, nan}) {
    request = central();
    request.sampling_rate = rate;
    CHECK(has(refusal(make_plan(request)), "sampling rate"));
  }
  for (double noise : {0.0, -1.0, nan}) {
    request = central();
    request.noise_multiplier = noise;
    CHECK(has(refusal(make_plan(request)), "noise multiplier"));
  }
  request = central();
  request.noise_multiplier.reset();
  request.epsilon = 0;
  CHECK(has(refusal(make_plan(request)), "epsilon"));
}

TEST_CASE("distributed plans out of range are refused with what is wrong") {
  PlanRequest request = distributed();
  request.distributed.survivors_min = 0;
  CHECK(has(refusal(make_plan(request)), "survivors"));
  request = distributed();
  request.distributed.dimension = 0;
  CHECK(has(refusal(make_plan(request)), "coordinates"));
  request = distributed();
  request.distributed.clip_steps = 1;  // a client's noise would be half a step: below the theorem
  request.noise_multiplier = 1.9;
  CHECK(has(refusal(make_plan(request)), "1/4"));
  request = distributed();
  request.noise_multiplier = 1e9;
  CHECK(has(refusal(make_plan(request)), "2^27"));
}

TEST_CASE("plans of unsampled Gaussian noise have the exact figure beside the accountant's") {
  PlanRequest request;
  request.delta = 1e-5;
  for (const Mechanism mechanism : {Mechanism::local_gaussian, Mechanism::central_gaussian}) {
    request.mechanism = mechanism;
    for (const auto& [noise, rounds, expected] : {std::tuple(1.0, 1U, 4.37718),
                                                  {2.0, 1U, 1.99309},
                                                  {5.0, 1U, 0.725522},
                                                  {2.0, 4U, 4.37718},
                                                  {15.0, 9U, 0.725522}}) {
      request.noise_multiplier = noise;
      request.rounds = rounds;
      const Plan plan = make_plan(request).value();
      REQUIRE(plan.analytic_epsilon.has_value());
      CHECK(*plan.analytic_epsilon == Approx(expected).epsilon(2e-6));
      CHECK(*plan.analytic_epsilon < plan.guarantee.epsilon);
    }
  }
  request.sampling_rate = 0.1;
  CHECK_FALSE(make_plan(request).value().analytic_epsilon.has_value());
  request.sampling_rate = 1;
  request.mechanism = Mechanism::local_laplace;
  CHECK_FALSE(make_plan(request).value().analytic_epsilon.has_value());
}

TEST_CASE("every mechanism has its name") {
  CHECK(std::string(name(Mechanism::central_gaussian)) == "central_gaussian");
  CHECK(std::string(name(Mechanism::distributed_gaussian)) == "distributed_gaussian");
  CHECK(std::string(name(Mechanism::local_gaussian)) == "local_gaussian");
  CHECK(std::string(name(Mechanism::local_laplace)) == "local_laplace");
}

}  // namespace
}  // namespace fed::privacy
