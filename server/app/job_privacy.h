// What a job's `privacy` section means for its rounds: what a version costs, how many the budget
// pays for, and the noise, if the server is who adds it.
//
// Noise of clients (coding/job_noise.h) is in the sum already; what it promises is asked of the
// same request as the clients' own ledgers. A row of this ledger is a committed version. A client
// that had to draw its noise again in a round has entered that as well, so its own account may be
// above this one.
//
// A clipping norm that adapts (privacy.adaptive) belongs to the version that a round goes on from,
// and is kept in its checkpoint ("clipping_norm"): norm_text and norm_from.
//
// Central Gaussian mechanism. Every client's update has at most the norm C (the gate refuses any
// other) and counts once. Each coordinate is rounded to a multiple of g, so with d coordinates a
// client moves the sum by at most D = C + g sqrt(d) / 2. To the exact sum discrete Gaussian noise
// of standard deviation z D, a multiple of g, is added (Canonne, Kamath and Steinke 2020), z being
// the noise multiplier; so a version costs what the Gaussian mechanism with z costs. Everybody who
// is asked is counted as if always asked: no amplification is claimed, since the cohort is no
// Poisson sample. The sum is divided by the contributions wanted, not by those that came, so that
// the divisor tells nothing.
#pragma once

#include <span>

#include "aggregate/fold.h"
#include "coding/job_noise.h"
#include "config/job.h"
#include "privacy/adaptive_clip.h"
#include "privacy/plan.h"
#include "store/records.h"
#include "tensor/safetensors.h"

namespace fed::app {

// Immutable; thread-safe.
class JobPrivacy {
 public:
  // ErrorCode::invalid if the budget does not pay for a single version, or the noise is out of the
  // sampler's range. The job has a section "privacy".
  static Result<JobPrivacy> make(const config::JobSpec& job, std::uint64_t coordinates);

  const config::PrivacySpec& spec() const { return spec_; }
  // What is hidden, and from whom, as privacy::Plan has it.
  std::string neighbours() const { return privacy::neighbours(request_); }
  std::string adversary() const { return privacy::adversary(request_); }
  const privacy::RdpCurve& round() const { return round_; }      // what one version costs
  std::int64_t versions_paid() const { return versions_paid_; }  // by epsilon_max
  // What these costs promise at the job's delta.
  privacy::Guarantee promise(const privacy::RdpCurve& spent) const;
  // What a commit enters in the ledger.
  store::PrivacyCost entry() const;
  // ErrorCode::invalid if one more version would cost more than the budget has left, with what the
  // ledger holds of the job; malformed for a ledger that cannot be read.
  Status check_budget(std::span<const store::LedgerRow> ledger) const;

  // With a clipping norm that adapts, the next round's from this one's: of clients' noise, from the
  // round's sum; of the server's, from how many more updates were within it than beyond, to which
  // noise is added here, of `contributions` wanted.
  double next_norm(double norm, const coding::JobNoise& noise,
                   const secagg::Codec::Mean& sum) const;
  Result<double> next_norm(double norm, std::int64_t more_within, std::int64_t contributions) const;

  // Whether the noise is the server's own; what follows is for that.
  bool at_server() const { return !spec_.at_clients(); }
  // The grid on which terms are rounded and noise is drawn: `exact`, or a coarser one.
  // `norm` is the round's clipping norm, 0 for the job's own.
  aggregate::Grid grid(const aggregate::Grid& exact, double norm = 0) const;
  // How far one client can move the sum on such a grid.
  double sensitivity(const aggregate::Grid& grid, double norm = 0) const;
  // With a norm that adapts, what the noise on the count leaves of the multiplier
  // (privacy::split_noise). ErrorCode::invalid if it is out of the sampler's range.
  Result<aggregate::Noise> noise(const aggregate::Grid& grid, double norm = 0) const;

 private:
  JobPrivacy(const config::PrivacySpec& spec, privacy::PlanRequest request)
      : spec_(spec), request_(request) {}
  double spacing(double norm) const;
  double norm_or_own(double norm) const { return norm > 0 ? norm : spec_.clipping_norm; }
  privacy::AdaptiveClip rule() const;

  config::PrivacySpec spec_;
  privacy::PlanRequest request_;
  double update_limit_ = 0;
  double root_coordinates_ = 0;
  privacy::RdpCurve round_;
  std::int64_t versions_paid_ = 0;
};

// The norm of a version as checkpoints have it, all digits.
std::string norm_text(double norm);
// Of version `version` of such a job: the job's own for the first one, 0 if it does not adapt.
// ErrorCode::malformed for a checkpoint without it.
Result<double> norm_from(const config::JobSpec& job, std::int64_t version,
                         const tensor::Metadata& checkpoint);

// The costs of a ledger's rows, added up. ErrorCode::malformed for rows of another program.
Result<privacy::RdpCurve> spent_in(std::span<const store::LedgerRow> ledger);

}  // namespace fed::app
