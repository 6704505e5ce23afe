// A job tried out: the real server and the real clients' code, data and training, with a simulated
// network and simulated time, before anybody asks real sites for theirs.
//
// Training is computed on many threads, everything else on the one that calls. The result depends
// on the options but for `threads`: the same models to the bit, and the same times. Not
// thread-safe.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/checksum.h"
#include "base/file.h"
#include "config/job.h"
#include "config/site.h"
#include "store/records.h"
#include "trial_data.h"

namespace fed::sim {

// How fast the virtual sites are, and how reliable.
struct TrialSites {
  double rows_per_s = 1000;  // that a site trains on: the median
  double rows_spread = 0;    // standard deviation of its logarithm over the sites
  double link_mbit = 100;    // each way: the median
  double link_spread = 0;
  double delay_s = 0.02;   // one way
  double dropout = 0;      // share of the tasks in which the site goes away while it trains
  double offline_s = 300;  // how long it then stays away
};

struct TrialOptions {
  config::JobSpec job;
  TrialParts sites;
  TrialSites speeds;
  // The limits that sites have set to their own privacy, by their number from 0.
  std::map<std::size_t, config::PrivacyAgreementSpec> privacy_limits{};
  std::uint64_t seed = 1;
  unsigned threads = 1;
  double seconds_max = 30 * 86400;  // of simulated time
};

// One committed round. Times are simulated, from the submission of the job.
struct TrialRound {
  std::int64_t round = 0, attempts = 0;
  std::int64_t asked = 0, accepted = 0, discarded = 0;
  double begun_s = 0, committed_s = 0;
  std::uint64_t bytes_up = 0, bytes_down = 0;  // since the round before
  std::string metrics{};                       // as the journal has them: JSON
  std::optional<double> epsilon{};             // by the server's ledger, of a job with privacy
};

struct TrialMoment {       // for a progress bar
  std::int64_t round = 0;  // at work
  double simulated_s = 0;
};

struct TrialResult {
  std::string state, detail;  // of the job: "finished", ..., and why
  std::int64_t version = 0;
  std::optional<std::int64_t> best_version;
  std::optional<double> best_value;
  std::vector<TrialRound> rounds;
  std::int64_t attempts_abandoned = 0, dropouts = 0;
  double simulated_s = 0;
  std::uint64_t bytes_up = 0, bytes_down = 0, events = 0;
  Checksum model{};                         // of the last version's weights
  std::vector<store::LedgerRow> ledger{};   // the server's
  std::vector<std::string> site_ledgers{};  // each site's, as it lies on its disk
};

struct TrialWatch {
  std::function<void(const TrialRound&)> committed;
  std::function<void(const TrialMoment&)> moment;  // now and then
};

// Runs the job to its end. invalid: the server or all clients refuse the job; closed: it did not
// end in the simulated time. `output`, unless empty: a file for the last version, .safetensors or
// .npz.
Result<TrialResult> run_trial(const TrialOptions& options, const TrialWatch& watch,
                              const fs::path& output);

}  // namespace fed::sim
