// One job at work: the round engine's effects carried out, and the world's events handed to it.
//
// Everything here happens on the control loop; folding, evaluation, sealing and the opening of
// staged files run on the compute pool and come back. What the engine wants durable is written to
// the journal before anything that follows from it is sent. A Job is shared so that work in the
// background can tell that it is gone.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "app/activity.h"
#include "app/attendance.h"
#include "app/closing.h"
#include "app/decryption.h"
#include "app/early_fold.h"
#include "app/global_model.h"
#include "app/plan.h"
#include "app/prepare.h"
#include "app/secure_round.h"
#include "app/services.h"
#include "round/engine.h"
#include "store/records.h"

namespace fed::app {

class Job : public std::enable_shared_from_this<Job> {
 public:
  Job(std::shared_ptr<const Plan> plan, const Services& services);

  // Makes or loads the model, then begins or goes on from what the journal has of the job. What
  // cannot be read is tried again.
  void start();

  const std::string& name() const { return plan_->spec.name; }
  const Plan& plan() const { return *plan_; }
  const std::shared_ptr<const Plan>& shared_plan() const { return plan_; }
  round::JobState state() const;
  bool ended() const;
  bool at_rest() const;  // ended, paused or drained: a stop of the daemon interrupts nothing
  std::int64_t version() const { return engine_ ? engine_->version() : 0; }  // committed
  bool is_loaded() const { return engine_.has_value(); }
  // The committed one, once it is loaded.
  std::shared_ptr<const GlobalModel> model() const { return model_; }
  // The oldest that it holds for a task that began from it; once it is loaded.
  std::int64_t oldest_version() const {
    return models_.empty() ? version() : models_.begin()->first;
  }
  Instant now() const { return services_.control.now(); }

  // Clients, by the id of the registry.
  void connected(std::int64_t client);
  void disconnected(std::int64_t client);
  void removed(std::int64_t client);
  // What it says of its site's limits has changed.
  void site_changed(std::int64_t client);
  void received(std::int64_t client, wire::Message message);
  void uploaded(std::int64_t client, std::int64_t task, Result<store::UploadFacts> facts);

  // What each client that has answered said; for the check at submission.
  const std::map<std::int64_t, wire::JobAnswer>& answers() const { return answers_; }

  // The operator's order. It is on record before anything follows from it or anybody is told, so
  // that it holds after a restart; draining alone lasts only as long as this process. An error: it
  // could not be recorded, and nothing has changed.
  Status order(round::JobState to);

  // For people; see status.h.
  std::optional<round::Report> report() const;
  const std::string& problem() const { return problem_; }
  // Why a client that can do the job is not asked now: its site rests, or would before it was done.
  std::optional<std::string> away(std::int64_t client) const;
  const std::map<std::int64_t, std::string>& put_off() const { return put_off_; }
  const std::map<std::int64_t, Activity>& activities() const { return activities_; }
  // How far the sum is that is being made, if one is.
  std::optional<SecureRound::Progress> secure_progress() const;
  // What the sum of encrypted updates waits for, as a sentence, if one is being made.
  std::optional<std::string> decryption_state() const;
  // Of a job with encryption whose key holder is not connected, or has another key: its name.
  std::string key_holder_missing() const;
  std::optional<std::int64_t> best_version() const;

 private:
  void load(std::shared_ptr<const store::JobProgress> progress);
  void load_later(const Error& why);
  void discard_unused();
  void tell_ended(const std::string& detail) const;
  Status record_state(round::JobState state, round::Reason reason, const std::string& detail);
  void begin(Prepared prepared, const store::JobProgress& progress);

  void handle(round::Event event);
  void handle_all();
  void schedule();

  // One per effect; false: the effects after it must not be carried out.
  bool run(const round::BeginRound& effect);
  bool run(const round::OpenTasks& effect);
  bool run(const round::EndTask& effect);
  bool run(const round::Discard& effect);
  bool run(const round::Standby& effect);
  bool run(const round::AssignTask& effect);
  bool run(const round::CancelTask& effect);
  bool run(const round::Admit& effect);
  bool run(const round::Await& effect);
  bool run(const round::Secure& effect);
  bool run(const round::Record& effect);
  bool run(const round::Receipt& effect);
  bool run(const round::Retry& effect);
  bool run(const round::CloseRound& effect);
  bool run(const round::CommitRound& effect);
  bool run(const round::AbandonRound& effect);
  bool run(const round::JobChanged& effect);
  bool run(const round::Drained& effect);

  void on(std::int64_t client, const wire::JobAnswer& message);
  void on(std::int64_t client, const wire::TaskRefused& message);
  void on(std::int64_t client, const wire::Fetch& message);
  void on(std::int64_t client, const wire::Progress& message);
  void on(std::int64_t client, wire::Offer& message);
  template <class Other>
  void on(std::int64_t, const Other&) {}

  // Records that come together are written together: one sync for all of them.
  void write_records();
  void recorded(const store::Accepted& record, const Status& written);
  // With all records in it that are to be.
  store::Journal& journal();

  void send(std::int64_t client, wire::Message message) const;
  void put_off(std::int64_t client, std::int64_t task, const Error& why);
  void admit_body(const store::UploadKey& key, const wire::Offer& offer, Bytes body);
  void admit_chunks(const store::UploadKey& key, const wire::Offer& offer);
  bool is_offered(const store::UploadKey& key) const;
  bool adapts() const;
  std::int64_t more_within();
  ClosingInput closing_input(const round::CloseRound& effect);
  std::optional<round::Evaluation> evaluation_of(const round::CommitRound& effect,
                                                 std::string& metrics_text);
  void close(ClosingInput input);
  bool is_closing(const store::ContributionRow& row) const;
  Status enter_cost(store::RoundCommit& commit);
  std::vector<std::int64_t> privacy_tasks(std::int64_t client) const;
  void note_committed(const round::CommitRound& effect);
  void tidy_up(std::set<std::int64_t> keep);
  void prune(std::set<std::int64_t> keep, std::int64_t last) const;
  void unstage(std::int64_t task) const;
  void judge_again(std::int64_t client);
  bool is_acknowledged(std::int64_t task, std::int64_t client);
  bool is_counted(const round::Receipt& effect);
  void answered(std::int64_t client, std::int64_t task);
  void unstage(const store::UploadKey& key) const;
  void retire();

  // job_secure.cc
  void begin_secure();
  void begin_decryption();
  Result<std::set<std::int64_t>> restore_secure(const store::JobProgress& progress);
  Status clear_inputs();
  SecureRound::ModelHash model_hashes() const;
  void judge_awaited();
  Result<round::UploadFacts> real_facts(const store::UploadKey& key, std::uint64_t bytes) const;

  // job_sites.cc
  TaskCost cost_of(std::int64_t client) const;
  void weigh(std::int64_t client);
  void watch_windows();
  void task_over(std::int64_t client, std::int64_t task, bool accepted);

  const std::shared_ptr<const Plan> plan_;
  const Services& services_;
  std::optional<round::Engine> engine_;
  std::deque<round::Event> events_;       // to be handed in after the present one's effects
  std::vector<store::Accepted> records_;  // to be written
  bool handling_ = false;
  Timer timer_, windows_;

  std::shared_ptr<const GlobalModel> model_;  // the latest version
  // That one, and those that open tasks began from.
  std::map<std::int64_t, std::shared_ptr<const GlobalModel>> models_;
  std::vector<data::Scaling> scaling_;
  const std::shared_ptr<EarlyFold> early_fold_;
  std::shared_ptr<SecureRound> secure_;       // null: updates are seen one by one
  std::shared_ptr<Decryption> decryption_;    // null: updates are not encrypted
  std::vector<round::Contribution> closing_;  // of the version that is being made
  std::optional<Closed> closed_;              // between Aggregated and Committed
  // With privacy: of each client, the tasks whose update is in a version.
  std::map<std::int64_t, std::vector<std::int64_t>> committed_tasks_;
  std::optional<round::OpenFailed> never_assigned_;  // tasks that could not be journaled
  std::map<std::int64_t, wire::JobAnswer> answers_;
  std::set<std::int64_t> present_;  // that the engine counts on
  Attendance attendance_;
  std::map<std::int64_t, wire::Offer> offers_;  // of each client, until it is answered for; also of
                                                // one that is gone, whose last byte may have come
  std::map<std::int64_t, Activity> activities_;  // of each client that was asked
  std::map<std::int64_t, std::string> put_off_;  // why updates could not be taken, until they are
  std::uint64_t uploads_ = 0;                    // ids given
  std::int64_t loads_failed_ = 0;                // in a row
  std::string problem_;                          // why the job cannot go on
  round::JobState on_record_ = round::JobState::running;
  bool retired_ = false;  // has ended and holds nothing any more
};

}  // namespace fed::app
