// The secure sums of one job: an attempt at a time (secure/attempt.h), its messages sent, its
// deadlines kept, its record on disk, and at its end the sum itself, made on the compute pool.
//
// What clients were told is on record before they are told, so a restarted server goes on with the
// same attempt. Masked inputs are ordinary staged updates; which of them are in, the journal says
// (a client's input counts once its row is there). Control loop only, but for the sum.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "app/plan.h"
#include "app/services.h"
#include "round/effects.h"
#include "round/events.h"
#include "secure/attempt.h"
#include "store/attempt_log.h"

namespace fed::app {

store::AttemptLogs attempt_logs_of(const Services& services);

class SecureRound : public std::enable_shared_from_this<SecureRound> {
 public:
  struct User {
    // Everything that is to be on record is (and was told to `recorded`).
    std::function<void()> write_records;
    std::function<void(round::Event)> tell;  // Secured or NotSecured
  };

  SecureRound(std::shared_ptr<const Plan> plan, const Services& services, User user)
      : plan_(std::move(plan)), services_(services), user_(std::move(user)) {}

  // The hash of the model of that version; nothing if it is here no more.
  using ModelHash = std::function<std::optional<crypto::Hash>(std::int64_t version)>;

  // Begins an attempt with these clients.
  void begin(const round::Secure& effect, const ModelHash& model);

  // Goes on with the attempt that a server before this one had begun at the round, `recorded` being
  // the clients whose inputs have rows. Returns who is invited; nobody if there was none, or none
  // that can be gone on with. io: its record cannot be read now; another attempt would have the
  // updates summed up twice.
  Result<std::set<std::int64_t>> restore(std::int64_t round, const ModelHash& model,
                                         const std::set<std::int64_t>& recorded);

  // Whether that was a message for this class; what is of another attempt is answered so.
  bool received(std::int64_t client, const wire::Message& message);
  // Whether the masked input that the client offers for `attempt` is wanted now; else it is told.
  bool wants(std::int64_t client, const wire::Offer& offer);
  bool wants_input(std::int64_t client) const;
  // Its input has a row.
  void recorded(std::int64_t client);
  // It is there, with its update.
  void connected(std::int64_t client);
  void gone(std::int64_t client, const std::string& why);
  void given_back(std::int64_t client, std::int64_t task);

  // The sum of the attempt that was last answered with Secured; until `forget`.
  const std::shared_ptr<const secagg::Words>& sum() const { return sum_; }
  void forget();
  // Of a job that has ended.
  void remove();

  struct Progress {
    std::string step;
    std::vector<std::int64_t> waiting;
    Instant deadline;  // of the step
  };
  std::optional<Progress> progress() const;

 private:
  // Why there is no sum, and whether there may be one later.
  struct Unmade {
    secure::Failed why;
    bool passing = false;
  };

  secure::Setup setup_for(const round::Secure& effect, std::int64_t attempt,
                          const ModelHash& model) const;
  void carry_out(secure::Actions actions);
  Status write(const secure::Note& note);
  bool needs_record(const secure::Actions& actions) const;
  void report_lost();
  void fail(std::string detail, std::vector<secure::Failed::Lost> lost = {});
  void finish();
  void finished(boost::system::result<secagg::Words, Unmade> sum);
  void schedule();

  const std::shared_ptr<const Plan> plan_;
  const Services& services_;
  const User user_;
  std::shared_ptr<secure::Attempt> attempt_;  // once it is complete, only read
  std::optional<store::AttemptLog> log_;      // none: the rest is not recorded
  std::set<std::int64_t> reported_;           // in our log, as left out
  std::shared_ptr<const secagg::Words> sum_;
  Timer timer_;
};

}  // namespace fed::app
