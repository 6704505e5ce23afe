// What a job's `privacy` section means for its rounds: what a version costs, how many the budget
// pays for, and the noise, if the server is who adds it.
//
// Noise of clients (coding/job_noise.h) is in the sum already; what it promises is asked of the
// same request as the clients' own ledgers. A row of this ledger is a committed version. A client
// that had to draw its noise again in a round has entered that as well, so its own account may be
// above this one.
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
#include "config/job.h"
#include "privacy/plan.h"
#include "store/records.h"

namespace fed::app {

// Immutable; thread-safe.
class JobPrivacy {
 public:
  // ErrorCode::invalid if the budget does not pay for a single version, or the noise is out of the
  // sampler's range. The job has a section "privacy".
  static Result<JobPrivacy> make(const config::JobSpec& job, std::uint64_t coordinates);

  const config::PrivacySpec& spec() const { return spec_; }
  const privacy::RdpCurve& round() const { return round_; }      // what one version costs
  std::int64_t versions_paid() const { return versions_paid_; }  // by epsilon_max
  // What these costs promise at the job's delta.
  privacy::Guarantee promise(const privacy::RdpCurve& spent) const;
  // What a commit enters in the ledger.
  store::PrivacyCost entry() const;
  // ErrorCode::invalid if one more version would cost more than the budget has left, with what the
  // ledger holds of the job; malformed for a ledger that cannot be read.
  Status check_budget(std::span<const store::LedgerRow> ledger) const;

  // Whether the noise is the server's own; what follows is for that.
  bool at_server() const { return !spec_.at_clients(); }
  // The grid on which terms are rounded and noise is drawn: `exact`, or a coarser one.
  aggregate::Grid grid(const aggregate::Grid& exact) const;
  // How far one client can move the sum on such a grid.
  double sensitivity(const aggregate::Grid& grid) const;
  // ErrorCode::invalid if it is out of the sampler's range.
  Result<aggregate::Noise> noise(const aggregate::Grid& grid) const;

 private:
  JobPrivacy(const config::PrivacySpec& spec, privacy::PlanRequest request)
      : spec_(spec), request_(request) {}
  double spacing() const;

  config::PrivacySpec spec_;
  privacy::PlanRequest request_;
  double root_coordinates_ = 0;
  privacy::RdpCurve round_;
  std::int64_t versions_paid_ = 0;
};

// The costs of a ledger's rows, added up. ErrorCode::malformed for rows of another program.
Result<privacy::RdpCurve> spent_in(std::span<const store::LedgerRow> ledger);

}  // namespace fed::app
