// What this site has spent of its privacy, over all jobs: the client's own account, beside the
// server's, and the limit that the site has set itself.
//
// One line an entry in STATE/privacy.ledger: "JOB TASK NOISE_MULTIPLIER" for noise that the server
// adds, and for noise of this client the same and "MECHANISM", of distributed_gaussian followed by
// "SURVIVORS DIMENSION CLIP_STEPS BETA" (privacy/plan.h). What an entry costs is worked out from it
// here and not taken from the server.
//
// A task whose noise the server adds is entered before it is trained, and once: training it again
// after a crash gives the same update and costs nothing more. Noise of this client is entered
// whenever it is drawn, before what it was added to leaves: each draw protects one release.
//
// It fails closed: where the ledger cannot be read or durably written, or the limit would be
// passed, nothing is trained or sent for a job with privacy. Jobs without privacy have no epsilon
// and are not entered; a site can decline them (jobs.privacy.required).
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "base/disk.h"
#include "config/site.h"
#include "privacy/plan.h"

namespace fed::app {

inline constexpr const char* kPrivacyLedger = "privacy.ledger";  // in the state folder

// Thread-safe: a task is trained on one thread and masked on another.
class PrivacyLedger {
 public:
  // `disk` outlives it. Nothing is read before it is needed.
  PrivacyLedger(Disk& disk, fs::path file, const config::PrivacyAgreementSpec& limit)
      : disk_(&disk), file_(std::move(file)), limit_(limit) {}

  // Enters a task of a job with privacy; `request` is what the job asks of the accountant, with its
  // noise multiplier. ErrorCode::unsupported if the site's limit would be passed; malformed for a
  // ledger that somebody has changed; disk_full, io. The detail may be told to the server.
  Status spend(const std::string& job, std::int64_t task, const privacy::PlanRequest& request);

  // Whether it could be entered now; nothing is.
  Status check(const std::string& job, std::int64_t task, const privacy::PlanRequest& request);

  // After all that was entered, at the limit's delta.
  Result<double> epsilon();
  Result<std::size_t> entries();

 private:
  using Key = std::pair<std::string, std::int64_t>;  // job, task

  // What an entry would come to.
  struct Next {
    std::string line;         // empty: it was paid for
    privacy::RdpCurve spent;  // afterwards
  };

  Status load();
  Result<std::size_t> read(const std::string& text);
  Result<Next> weigh(const std::string& job, std::int64_t task,
                     const privacy::PlanRequest& request);
  Result<privacy::RdpCurve> cost_of(const std::string& noise);
  Status check_limit(const privacy::RdpCurve& spent) const;

  std::mutex mutex_;
  Disk* disk_;
  fs::path file_;
  config::PrivacyAgreementSpec limit_;
  bool loaded_ = false;
  std::string text_;         // the file's
  std::set<Key> of_server_;  // tasks whose noise the server adds
  std::size_t entries_ = 0;
  privacy::RdpCurve spent_;
  std::map<std::string, privacy::RdpCurve> costs_;  // by what a line says of the noise
};

}  // namespace fed::app
