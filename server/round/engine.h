// The round engine of one job: events and the time go in, effects come out.
//
// It holds ids and numbers only: no clock, file, socket, thread, and no coordinate of an update.
// The same events at the same times give the same effects. An event is first judged on a const path
// (gate.h) and then applied without a way to fail. What must be durable is announced before it
// counts: an update that passes the gate yields `Record`, counts when the app says `Recorded`, and
// only then gets its receipt, so the journal is never behind a promise. A round does not close, nor
// does an attempt end, while a record is being written.
//
// A round with number r makes version r; a job with federated statistics begins with round 0, which
// makes no version. Two kinds of job share the class:
//
//   synchronous   a round asks a cohort, on base version r-1, and closes; a task's number is its
//                 round. An attempt that ends without enough contributions keeps those it has: the
//                 next attempt of the same round has the same base version. (engine_rounds.cc)
//   asynchronous  clients are asked one by one, as soon as there is room for one more, and work on
//                 across rounds; a round closes over the contributions that are there. Tasks are
//                 numbered through. (engine_async.cc)
//
// In a job with secure aggregation what is counted is a sum under masks (engine_secure.cc), in an
// asynchronous one of clients that began from the same version (engine_groups.cc).
//
//   Engine engine(config, now);             // or Engine(config, snapshot, now) after a restart
//   run(engine.handle(Tick{}, now));        // carry out the effects in order
//   ... run(engine.handle(event, now)) ...  // and Tick at engine.next_wakeup()
//
// Not thread-safe: one owner. The effects of one event are to be carried out before the next event
// is handed in; an app that journals in the background hands in Recorded whenever that is done.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "round/cohort.h"
#include "round/effects.h"
#include "round/events.h"
#include "round/gate.h"
#include "round/member.h"
#include "round/pace.h"
#include "round/policy.h"
#include "round/report.h"
#include "round/snapshot.h"
#include "round/stopping.h"
#include "round/types.h"

namespace fed::round {

struct EngineConfig {
  Policy policy;
  StoppingRule stopping;
  bool statistics_first = false;
  bool secure = false;                // updates are seen as a sum only
  bool statistics_of_cohort = false;  // not of everybody who is there
  UpdateShape training;               // of an update
  UpdateShape statistics;  // of a statistics contribution; unused without statistics_first
};

// From a job file, and from the sizes that its model and its inputs come to (`limit` is set from
// the job for training).
EngineConfig engine_config(const config::JobSpec& job, UpdateShape training,
                           UpdateShape statistics);

class Engine {
 public:
  // A new job. Nothing happens before the first event.
  Engine(EngineConfig config, Instant now);

  // A job as the journal has it. A round at work goes on with a fresh deadline; its members are
  // asked again as they say that they are available; if it had been closed, or has all it wants,
  // the first event closes it.
  Engine(EngineConfig config, const Snapshot& snapshot, Instant now);

  // What follows from `event` at `now`. `now` never goes back.
  [[nodiscard]] Effects handle(const Event& event, Instant now);

  // When to hand in a Tick at the latest; nothing if only an event can change anything. Never
  // polls: it is in the past only when that Tick will change something.
  std::optional<Instant> next_wakeup() const;

  // What Engine(config, snapshot, now) goes on from.
  Snapshot snapshot() const;
  Report report() const;

  JobState job() const { return job_; }
  // Whether the order would change anything now.
  bool accepts(Order order) const;
  Phase phase() const { return phase_; }
  std::int64_t version() const { return version_; }  // committed
  std::int64_t round() const;                        // at work, or next
  std::int64_t attempt() const { return attempt_; }  // 0: not begun
  TaskKind kind() const;                             // of that round
  // Contributions with which the round at work would close.
  std::int64_t missing() const { return std::max<std::int64_t>(0, goal_ - accepted()); }
  const StoppingState& stopping() const { return stopping_; }
  std::set<std::int64_t> bases()
      const;  // versions that an asynchronous job's open tasks began from

  // Aborts if the state contradicts itself. For tests, after every event.
  void check_invariants() const;

  // The norm that later updates are held to, of a job whose clipping norm adapts.
  void limit_norm(double most) { config_.training.norm_max = most; }

 private:
  // One per event.
  void on(const ClientAvailable& event, Instant now, Effects& out);
  void on(const ClientGone& event, Instant now, Effects& out);
  void on(const ClientRemoved& event, Instant now, Effects& out);
  void on(const TaskFailed& event, Instant now, Effects& out);
  void on(const Progressed& event, Instant now, Effects& out);
  void on(const Offered& event, Instant now, Effects& out);
  void on(const UploadCompleted& event, Instant now, Effects& out);
  void on(const BeginFailed& event, Instant now, Effects& out);
  void on(const OpenFailed& event, Instant now, Effects& out);
  void on(const Recorded& event, Instant now, Effects& out);
  void on(const RecordFailed& event, Instant now, Effects& out);
  void on(const Secured& event, Instant now, Effects& out);
  void on(const NotSecured& event, Instant now, Effects& out);
  void on(const Aggregated& event, Instant now, Effects& out);
  void on(const Committed& event, Instant now, Effects& out);
  void on(const CommitFailed& event, Instant now, Effects& out);
  void on(const Tick& event, Instant now, Effects& out);
  void on(const Order& order, Instant now, Effects& out);

  void check_round_invariants(double accepted_weight) const;
  void check_ready_invariants() const;
  void check_async_invariants() const;

  // What the time and the counts allow next; true when something moved.
  bool advance(Instant now, Effects& out);
  bool advance_idle(Instant now, Effects& out);
  bool advance_selecting(Instant now, Effects& out);
  void wait_in_vain(bool in_vain, Instant now, Effects& out);
  bool advance_collecting(Instant now, Effects& out);
  bool advance_abandoned(Instant now);
  bool advance_commit(Instant now, Effects& out);
  bool reinforce(Instant now, Effects& out);

  void begin(const std::vector<ClientId>& chosen, Instant now, Effects& out);
  void stand_by(ClientId client, Instant now, Effects& out) const;
  void assign(ClientId client, Instant now, Effects& out);
  void close(Instant now, Effects& out);
  void abandon(Refusal why, Instant now, Effects& out);
  void cancel_outstanding(Reason reason, Effects& out);
  void answer(ClientId client, std::int64_t task, const Refusal& refusal, Effects& out) const;
  void refuse(ClientId client, std::int64_t task, const Refusal& refusal, Instant now,
              Effects& out);
  void change_job(JobState state, Refusal why, Instant now, Effects& out);
  void leave_pause(Instant now, Effects& out);
  void end_job(Effects& out);
  void discard_unused(Effects& out);
  void start_closing(Effects& out);
  void end_round();
  void reset_round();  // what every round begins without
  void learn(ClientId client, const Member& member, Instant now);
  Candidate candidate(ClientId client) const;
  void fix_totals();  // W and the goal, from the cohort

  struct Pool {
    std::int64_t kept = 0;  // contributions of earlier attempts
    // Available and not counted yet: whose turn it is; who was too late for the last round and
    // waits for one; who was refused or failed in this round.
    std::vector<ClientId> fresh, late, tried;
    std::int64_t ruled_out = 0;  // available, and of no use in this round any more
    std::int64_t all() const { return std::ssize(fresh) + std::ssize(late) + std::ssize(tried); }
  };
  Pool pool() const;
  bool full(const Pool& pool) const;
  std::vector<ClientId> draw(const Pool& pool) const;

  // Jobs with secure aggregation.
  bool secured() const { return config_.secure; }
  void offered_ready(const Offered& event, Instant now, Effects& out);
  void offered_masked(const Offered& event, Instant now, Effects& out);
  bool awaits_sum(ClientId client, std::int64_t task) const;
  bool advance_ready(Instant now, Effects& out);
  bool may_secure(Instant now);
  void secure(std::int64_t base_version, Effects& out);
  void take_back(ClientId client, Member& member, Instant now, Effects& out);
  void lose(const NotSecured::Lost& lost, Instant now, Effects& out);
  void recorded_masked(ClientId client, Member& member, Instant now, Effects& out);
  // Its part is decided elsewhere: its row is being written, or its input is wanted for the sum.
  static bool engaged(const Member& member) {
    return member.status == Status::storing || member.invited;
  }

  // Asynchronous jobs with secure aggregation: the members that began from one version.
  struct Group {
    std::int64_t ready = 0;
    std::int64_t working = 0;
  };
  std::map<std::int64_t, Group> groups() const;  // by that version
  bool advance_groups(Instant now, Effects& out);
  bool is_complete(std::int64_t base_version, const Group& group) const;
  bool is_due(std::int64_t base_version, const Group& group, Instant now) const;
  void close_group(Instant now, Effects& out);
  void end_group(std::int64_t base_version, const Refusal& why, Instant now, Effects& out);
  void end_failed_group(Instant now, Effects& out);
  std::optional<Instant> next_group_wakeup() const;
  std::int64_t count_ready() const;  // that may be in one sum

  // Asynchronous jobs.
  bool asynchronous() const {
    return config_.policy.asynchronous() && kind() == TaskKind::training;
  }
  void begin_async(Instant now, Effects& out);
  bool advance_async(Instant now, Effects& out);
  void expire(Instant now, Effects& out);
  void refill(Instant now, Effects& out);
  std::vector<ClientId> idle_clients() const;
  std::int64_t slots() const;
  // With secure aggregation those who begin from the same version are summed up together, so nobody
  // is asked in the moment before the next one.
  bool may_open() const { return !secured() || phase_ == Phase::collecting; }
  void open_tasks(const std::vector<ClientId>& clients, Instant now, Effects& out);
  void draw_tasks(Instant now);
  bool due(Instant now) const;
  void close_async(Effects& out);
  void count_in(ClientId client, Instant now);
  void end_task(ClientId client, const Refusal& why, Instant now, Effects& out);
  void wait_for(Member& member, Instant now) const;
  void end_stale_tasks(Instant now, Effects& out);
  void end_async_round(Instant now, Effects& out);
  std::optional<Instant> next_async_wakeup() const;
  void restore_round(const Snapshot& snapshot, Instant now);
  void restore_async(const Snapshot& snapshot, Instant now);
  ClientReport report_of_other(ClientId client) const;
  Contribution contribution(const TaskKey& key, const Waiting& waiting) const;

  Member* working(ClientId client, std::int64_t task);  // outstanding and not storing
  Member* storing(ClientId client, std::int64_t task);
  // Tasks are out, and offers are looked at.
  bool gathers() const { return phase_ == Phase::collecting || phase_ == Phase::securing; }
  std::int64_t count(Status status) const;
  std::int64_t count_outstanding() const;
  std::int64_t accepted() const;  // and in no version yet
  std::int64_t least() const;     // contributions that a version needs
  bool alive() const { return job_ != JobState::finished && job_ != JobState::cancelled; }
  GateView gate() const;
  CloseRound close_effect() const;
  CommitRound commit_effect() const;

  EngineConfig config_;
  std::map<ClientId, std::int64_t> available_;  // declared examples
  std::set<ClientId> seen_;                     // available at some time, as far as is known

  JobState job_ = JobState::running;
  Refusal job_reason_;
  bool drained_ = false;  // Drained was said
  std::int64_t version_ = 0;
  bool statistics_done_ = false;
  StoppingState stopping_;
  Receipts answered_;
  std::map<ClientId, Insight> insights_;
  Pace pace_;

  // The round at work.
  Phase phase_ = Phase::idle;
  std::int64_t attempt_ = 0;
  Members members_;               // asynchronous: the open tasks
  std::set<ClientId> tried_;      // refused or failed in this round
  std::set<ClientId> ruled_out_;  // failed for good in this round
  std::set<ClientId> late_;       // cancelled when the last round closed without them
  Instant begun_{};               // this attempt
  double total_weight_ = 0;
  std::int64_t goal_ = 0;
  bool closed_ = false;   // by the journal: close at once
  Instant deadline_{};    // collecting; while paused: as of paused_at_
  bool expired_ = false;  // the deadline was seen to pass; only records in flight are waited for
  std::optional<Instant> paused_at_;    // since when the deadline's clock stands still
  std::optional<Instant> ready_since_;  // selecting: since when contributions_min could be reached
  std::optional<Instant> in_vain_since_;  // selecting: but for those who are ruled out
  std::optional<Instant> retry_at_;       // abandoned; closing and committing after a failure
  std::optional<Instant> secure_at_;      // collecting: when a sum may be tried again
  std::int64_t secure_failures_ = 0;      // of this attempt
  bool in_flight_ = false;                // CloseRound or CommitRound is out, unanswered
  std::int64_t commit_failures_ = 0;      // in a row
  Refusal last_failure_;
  std::optional<Instant> started_;  // until the first event

  // Asynchronous jobs.
  std::int64_t last_task_ = 0;
  Buffer buffer_;
  std::vector<TaskKey> closing_;  // of the buffer, in the version that is being made
  std::set<TaskKey> drawn_;       // seeded: the tasks that make the next version
  std::map<ClientId, Rest> rests_;
};

}  // namespace fed::round
