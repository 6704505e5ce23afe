// What this site has spent of its privacy, over all jobs: the client's own account, beside the
// server's, and the limits that it keeps: the site's own over all jobs, and each job's over that
// job.
//
// STATE/privacy.ledger has one line an entry (app/privacy_line.h). What an entry costs is worked
// out from it here and not taken from the server.
//
// A task whose noise the server adds is entered before it is trained, and once: training it again
// after a crash gives the same update and costs nothing more. Noise of this client is entered
// whenever it is drawn, before what it was added to leaves: each draw protects one release.
//
// Each side's ledger notices that the other's has gone back to an older state, as one does when a
// backup, or a snapshot of a machine, is restored:
//
//   this one's    the server says with a task which ones it counts already. What is not here is
//                 entered as spent, and the line "lost" stays as an alarm (make_good). A server
//                 that lies makes this client spend less, never more.
//   the server's  the latest task whose update it has said to be accepted is kept here, per job. A
//                 job with privacy is synchronous, a task's number is its round, and an update that
//                 is accepted is never asked for again, whatever becomes of it. So a task that is
//                 not above that one is refused: the same rows, once more and with other noise,
//                 would cost what the server's ledger does not count.
//
// It fails closed: where the ledger cannot be read or durably written, or a limit would be passed,
// nothing is trained or sent for a job with privacy. Jobs without privacy have no epsilon and are
// not entered; a site can decline them (jobs.privacy.required).
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <utility>

#include "base/disk.h"
#include "config/site.h"
#include "privacy/plan.h"

namespace fed::app {

inline constexpr const char* kPrivacyLedger = "privacy.ledger";  // in the state folder

// Thread-safe: a task is trained on one thread, masked on another and answered for on a third.
class PrivacyLedger {
 public:
  // `disk` outlives it. Nothing is read before it is needed.
  PrivacyLedger(Disk& disk, fs::path file, const config::PrivacyAgreementSpec& limit)
      : disk_(&disk), file_(std::move(file)), limit_(limit) {}

  // Enters a task of a job with privacy; `request` is what the job asks of the accountant: its
  // noise multiplier, its delta and, where it is held to one, its epsilon. ErrorCode::unsupported
  // if the site's limit or the job's would be passed, or the server has gone back; malformed for a
  // ledger that somebody has changed; disk_full, io. The detail may be told to the server.
  Status spend(const std::string& job, std::int64_t task, const privacy::PlanRequest& request);

  // Whether it could be entered now; nothing is.
  Status check(const std::string& job, std::int64_t task, const privacy::PlanRequest& request);

  // `counted`: the tasks of the job, ascending, whose updates the server has used. What is missing
  // is entered, above any limit too: it is spent. Errors as of spend, but for the limits.
  Status make_good(const std::string& job, std::span<const std::int64_t> counted,
                   const privacy::PlanRequest& request);

  // The server has said that it has the update of a task. Nothing happens for a job without
  // privacy. What cannot be written holds nevertheless, and is owed: nothing is entered before it.
  Status acknowledge(const std::string& job, std::int64_t task);

  // For this site's people.
  struct Overview {
    std::size_t entries = 0;
    std::size_t lost = 0;   // of these, what the ledger had lost
    double epsilon = 0;     // after all of them, at the limit's delta
    bool is_spent = false;  // the site's limit has no room for another one with as much noise
  };
  // Reads the file if it has not been read. The error names the file: it is not for the server.
  Result<Overview> overview();

  // Whether the site's limit has room for one task of a job that asks for this; unsupported if not.
  // Other errors as of overview.
  Status check_room(const privacy::PlanRequest& request);

  // After all that was entered, at the limit's delta.
  Result<double> epsilon();
  Result<std::size_t> entries();
  Result<std::size_t> lost();  // of these, what the ledger had lost

 private:
  // Of one job.
  struct Account {
    std::set<std::int64_t> entered;              // tasks
    std::set<std::int64_t> of_server;            // of these, whose noise the server adds
    std::map<std::string, std::uint64_t> draws;  // entries, by what they say of the noise
    std::int64_t accepted = -1;                  // the latest such task; -1: none
  };

  Status ready();
  Status load();
  Status load_file();
  Result<bool> is_spent();
  Status write(const std::string& lines);
  std::size_t read(const std::string& lines);
  bool count(const std::string& line);
  const Account& account(const std::string& job) const;
  Result<std::string> weigh(const std::string& job, std::int64_t task,
                            const privacy::PlanRequest& request);
  Result<privacy::RdpCurve> cost_of(const std::string& noise);
  Status check_limit(const privacy::RdpCurve& spent) const;
  Status check_job(const Account& account, const std::string& noise,
                   const privacy::PlanRequest& request);

  std::mutex mutex_;
  Disk* disk_;
  fs::path file_;
  config::PrivacyAgreementSpec limit_;
  bool loaded_ = false;
  bool is_new_ = false;  // there is no file yet
  std::string text_;     // the file's
  std::string owed_;     // what is to be in it besides
  std::map<std::string, Account> jobs_;
  std::size_t entries_ = 0, lost_ = 0;
  privacy::RdpCurve spent_;
  std::map<std::string, privacy::RdpCurve> costs_;  // by what a line says of the noise
};

}  // namespace fed::app
