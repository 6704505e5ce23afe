// What the app is to do: the output of Engine::handle, to be carried out in order.
//
// Four of them write to the journal before anything that follows from them may be seen outside:
// BeginRound, OpenTasks, Record and CommitRound. Every offer gets exactly one of Admit, Await,
// Receipt and Retry; every completed upload exactly one of Record, Await, Receipt and Retry; every
// Record, once it has been answered, exactly one of Await, Discard, Receipt and Retry. Plain
// values.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/checksum.h"
#include "round/reason.h"
#include "round/types.h"

namespace fed::round {

struct CohortMember {
  ClientId client = 0;
  std::int64_t examples = 0;  // declared: the upper bound of its weight
  bool accepted = false;      // its contribution is kept from an earlier attempt

  bool operator==(const CohortMember&) const = default;
};

struct Contribution {
  ClientId client = 0;
  std::int64_t examples = 0;
  double weight = 0;  // a whole number
  std::int64_t task = 0;
  std::int64_t base_version = 0;
  double discount = 1;  // for its staleness, in (0, 1]

  bool operator==(const Contribution&) const = default;
};

// Journal this before carrying out the effects after it; if that fails, drop those and say
// BeginFailed.
struct BeginRound {
  std::int64_t round = 0;
  std::int64_t attempt = 0;  // from 1
  TaskKind kind = TaskKind::training;
  std::int64_t base_version = 0;
  std::vector<CohortMember> cohort{};  // by client id
  std::int64_t goal = 0;               // contributions at which the round closes
  double total_weight = 0;             // W: no set of contributions of this attempt weighs more
  Duration collect_max{};              // from now to the deadline

  bool operator==(const BeginRound&) const = default;
};

// The tasks of an asynchronous job that are given now. Journal them before carrying out their
// AssignTasks; if that fails, drop those and say OpenFailed.
struct OpenTask {
  ClientId client = 0;
  std::int64_t task = 0;
  std::int64_t base_version = 0;
  std::int64_t examples = 0;  // declared

  bool operator==(const OpenTask&) const = default;
};
struct OpenTasks {
  std::vector<OpenTask> tasks{};  // by task; numbered without a gap

  bool operator==(const OpenTasks&) const = default;
};

// The task of an asynchronous job is over without an update that counts: its row may go. Nothing
// is owed to it any more.
struct EndTask {
  ClientId client = 0;
  std::int64_t task = 0;
  Reason reason = Reason::none;

  bool operator==(const EndTask&) const = default;
};

// An update that was accepted will be in no version, since the job has ended before. For the
// record; the client hears that the job has ended.
struct Discard {
  ClientId client = 0;
  std::int64_t task = 0;
  Reason reason = Reason::none;

  bool operator==(const Discard&) const = default;
};

// Tell a client that is available why it has no task, and when the next selection is expected. It
// need not ask.
struct Standby {
  ClientId client = 0;
  std::int64_t round = 0;
  Duration after{};

  bool operator==(const Standby&) const = default;
};

// Send the client its task. It may have it already (after a reconnect); the same round is the same
// work.
struct AssignTask {
  ClientId client = 0;
  std::int64_t task = 0;
  std::int64_t attempt = 0;
  TaskKind kind = TaskKind::training;
  std::int64_t base_version = 0;

  bool operator==(const AssignTask&) const = default;
};

// Tell the client to stop working on this round.
struct CancelTask {
  ClientId client = 0;
  std::int64_t task = 0;
  Reason reason = Reason::none;

  bool operator==(const CancelTask&) const = default;
};

// Let the client upload what it offered, from the first byte that staging lacks.
struct Admit {
  ClientId client = 0;
  std::int64_t task = 0;

  bool operator==(const Admit&) const = default;
};

// With secure aggregation: tell the client that its offer, or its masked input, has been noted, and
// that it keeps its update until there is a receipt.
struct Await {
  ClientId client = 0;
  std::int64_t task = 0;

  bool operator==(const Await&) const = default;
};

// Sum up the updates of these clients, which are ready, under masks; then say Secured or
// NotSecured. Their masked inputs come as offers, and are recorded.
struct Secure {
  std::int64_t round = 0;
  std::int64_t base_version = 0;  // that all of them began from
  struct Update {
    ClientId client = 0;
    std::int64_t task = 0;

    bool operator==(const Update&) const = default;
  };
  std::vector<Update> updates{};  // by client

  bool operator==(const Secure&) const = default;
};

// Journal the contribution, durably, then say Recorded or RecordFailed. The receipt follows from
// that.
struct Record {
  ClientId client = 0;
  std::int64_t task = 0;
  std::int64_t examples = 0;
  double weight = 0;
  Checksum checksum{};

  bool operator==(const Record&) const = default;
};

// The last word on an update. The client may empty its outbox; staging of a refused or discarded
// one may go.
struct Receipt {
  ClientId client = 0;
  std::int64_t task = 0;
  Outcome outcome = Outcome::accepted;
  Reason reason = Reason::none;
  std::string detail{};

  bool operator==(const Receipt&) const = default;
};

// Not now: offer the same update again after `after`.
struct Retry {
  ClientId client = 0;
  std::int64_t task = 0;
  Reason reason = Reason::none;
  std::string detail{};
  Duration after{};

  bool operator==(const Retry&) const = default;
};

// Aggregate exactly these, then say Aggregated or CommitFailed.
struct CloseRound {
  std::int64_t round = 0;
  std::int64_t attempt = 0;
  TaskKind kind = TaskKind::training;
  std::int64_t base_version = 0;
  std::vector<Contribution> contributions{};  // by task, then client; at least one
  double total_weight = 0;  // W: of BeginRound, or the sum of the weights in an asynchronous job

  bool operator==(const CloseRound&) const = default;
};

// Make what was aggregated durable as `version`, then say Committed or CommitFailed.
struct CommitRound {
  std::int64_t round = 0;
  TaskKind kind = TaskKind::training;
  std::int64_t version = 0;  // of the model after it; a statistics round leaves it at 0

  bool operator==(const CommitRound&) const = default;
};

// The attempt is over without a version. The accepted contributions stay in staging for the next
// one.
struct AbandonRound {
  std::int64_t round = 0;
  std::int64_t attempt = 0;
  Reason reason = Reason::none;
  std::int64_t kept = 0;
  Duration pause{};  // before clients are selected again

  bool operator==(const AbandonRound&) const = default;
};

struct JobChanged {
  JobState state = JobState::running;
  Reason reason = Reason::none;
  std::string detail{};

  bool operator==(const JobChanged&) const = default;
};

// The job is draining and has no round at work any more: the daemon may stop.
struct Drained {
  bool operator==(const Drained&) const = default;
};

using Effect = std::variant<BeginRound, OpenTasks, EndTask, Discard, Standby, AssignTask,
                            CancelTask, Admit, Await, Secure, Record, Receipt, Retry, CloseRound,
                            CommitRound, AbandonRound, JobChanged, Drained>;
using Effects = std::vector<Effect>;

}  // namespace fed::round
