// What this site has spent of its privacy, over all jobs: the client's own account, beside the
// server's, and the limit that the site has set itself.
//
// One line a task in STATE/privacy.ledger: "JOB TASK NOISE_MULTIPLIER". A task is entered before
// it is trained, durably, and once: training it again after a crash gives the same update and costs
// nothing more. What it costs is worked out here and not taken from the server (the Gaussian
// mechanism without amplification, common/privacy). It fails closed: where the ledger cannot be
// read or written, or the limit would be passed, nothing is trained for a job with privacy. Jobs
// without privacy have no epsilon and are not entered; a site can decline them
// (jobs.privacy.required).
#pragma once

#include <set>
#include <string>
#include <utility>

#include "base/disk.h"
#include "config/job.h"
#include "config/site.h"
#include "privacy/rdp.h"

namespace fed::app {

inline constexpr const char* kPrivacyLedger = "privacy.ledger";  // in the state folder

// Not thread-safe.
class PrivacyLedger {
 public:
  // `disk` outlives it. Nothing is read before it is needed.
  PrivacyLedger(Disk& disk, fs::path file, const config::PrivacyAgreementSpec& limit)
      : disk_(&disk), file_(std::move(file)), limit_(limit) {}

  // Enters a task of a job that has privacy. ErrorCode::unsupported if the site's limit would be
  // passed; malformed for a ledger that somebody has changed; disk_full, io. The detail may be told
  // to the server.
  Status spend(const config::JobSpec& job, std::int64_t task);

  // After all that was entered, at the limit's delta.
  Result<double> epsilon();
  Result<std::size_t> tasks();  // entered

 private:
  using Key = std::pair<std::string, std::int64_t>;  // job, task

  Status load();
  Status check_limit(const privacy::RdpCurve& spent) const;
  Status enter(const Key& key, double noise_multiplier);

  Disk* disk_;
  fs::path file_;
  config::PrivacyAgreementSpec limit_;
  bool loaded_ = false;
  std::string text_;  // the file's
  std::set<Key> tasks_;
  privacy::RdpCurve spent_;
};

}  // namespace fed::app
