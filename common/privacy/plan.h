// The two questions of whoever plans a job: what does this noise promise, and what noise does this
// promise need? With a sentence that says to whom the promise is made, and against whom.
//
// A noise multiplier, an epsilon and a number of rounds belong together: given two of them, the
// third follows. All figures are at client level: what is hidden is everything one client ever
// sends in these rounds, in the worst case that it is in every one of them. They are those of the
// accountant (privacy/rdp.h), so the ledger of a job that keeps to its plan ends at the plan's
// epsilon. Pure; thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "privacy/calibrate.h"
#include "privacy/fraction.h"

namespace fed::privacy {

enum class Mechanism {
  central_gaussian,      // the server adds the noise to the sum
  distributed_gaussian,  // every client adds a share; a secure sum hides the rest
  local_gaussian,        // every client adds all of it
  local_laplace,         // the same, of the l1 norm
};

// "central_gaussian", ...
const char* name(Mechanism mechanism);
// The other way; none for any other text.
std::optional<Mechanism> mechanism_named(std::string_view name);

// What Mechanism::distributed_gaussian needs to know besides; see privacy/distributed_gaussian.h.
struct DistributedSetting {
  std::uint64_t survivors_min = 0;  // a sum of fewer clients must not be used
  std::uint64_t dimension = 0;
  double clip_steps = 0;  // the clipping norm divided by the grid's step
  double beta = 0;        // of the conditional rounding
};

struct PlanRequest {
  Mechanism mechanism = Mechanism::central_gaussian;
  // Two of these three. The noise multiplier is the standard deviation (Laplace: the scale) of all
  // the noise in what the adversary sees, divided by the clipping norm.
  std::optional<double> noise_multiplier;
  std::optional<double> epsilon;
  std::optional<std::uint64_t> rounds;
  double delta = 0;
  // Of Poisson sampling; 1 for any other choice of clients. Only central_gaussian gains by it: the
  // adversary of the others sees who took part, and they are counted as if all did.
  double sampling_rate = 1;
  DistributedSetting distributed;
};

struct Plan {
  double noise_multiplier = 0;
  std::uint64_t rounds = 0;
  Guarantee guarantee;  // after all rounds
  Guarantee one_round;  // after one
  RdpCurve round;       // what one round adds to the ledger
  // distributed_gaussian: what each client draws with, in squared grid steps, rounded up.
  std::optional<Fraction> client_variance;
  // central_gaussian without sampling, and local_gaussian: the epsilon of continuous noise after
  // all rounds, exactly (privacy/analytic_gaussian.h). For comparison: noise is drawn on a grid,
  // for which the accountant's bound is proved, so that is what ledgers and budgets count.
  std::optional<double> analytic_epsilon;
  std::string neighbours;  // what the two worlds differ in
  std::string adversary;   // who must not tell them apart
  std::string statement;   // both with the figures, in one sentence
};

// The last two alone, of any request.
std::string neighbours(const PlanRequest& request);
std::string adversary(const PlanRequest& request);

// ErrorCode::invalid for a request that has not two of the three, is out of range, or asks for what
// no noise gives; its detail says which.
Result<Plan> make_plan(const PlanRequest& request);

// What each client of Mechanism::distributed_gaussian draws with, as Plan has it.
// ErrorCode::invalid if it is out of the sampler's range.
Result<Fraction> client_variance(const DistributedSetting& setting, double noise_multiplier);

// The cost of one round of the request's mechanism at this noise multiplier.
Result<RdpCurve> round_cost(const PlanRequest& request, double noise_multiplier);

}  // namespace fed::privacy
