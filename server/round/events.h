// What can happen to a round: the input of Engine::handle. Every event is a fact or an order; the
// engine answers with effects, and an event that means nothing in the present state changes
// nothing.
//
// Plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/checksum.h"
#include "base/error.h"
#include "round/stopping.h"
#include "round/types.h"

namespace fed::round {

// --- clients
// -----------------------------------------------------------------------------------------------------

// Connected, and able to do this job with at most `examples` examples (1 ... kExamplesMax). Said
// again after every reconnect: that is how a member of the cohort gets its task once more. Saying
// it twice on one connection assigns the task twice.
struct ClientAvailable {
  ClientId client = 0;
  std::int64_t examples = 0;
};

// Disconnected, or no longer able to do this job. Keeps its place in the round: it may come back
// and go on.
struct ClientGone {
  ClientId client = 0;
};

// Revoked: out of the round at once. What it contributed and was accepted stays.
struct ClientRemoved {
  ClientId client = 0;
};

// The client cannot do the task it was given. Not asked again in this round unless nobody else is
// left; with secure aggregation not even then if it is `for_good`, until the job is resumed.
struct TaskFailed {
  ClientId client = 0;
  std::int64_t task = 0;
  std::string detail{};
  bool for_good = false;
};

struct Progressed {
  ClientId client = 0;
  std::int64_t task = 0;
  Work work = Work::training;
  std::uint64_t done = 0, total = 0;  // bytes, or steps while training
};

struct Offered {
  ClientId client = 0;
  std::int64_t task = 0;
  std::int64_t base_version = 0;
  std::int64_t examples = 0;
  std::uint64_t bytes = 0;
  Checksum checksum{};
  std::optional<double> loss{};  // of the base version on the client's test rows
  // Its input, under a mask, for the sum that is being made; else the update itself, which a job
  // with secure aggregation leaves with the client.
  bool masked = false;
};

// What the staging area found out about the bytes while they passed.
struct UploadFacts {
  std::uint64_t bytes = 0;
  bool checksum_ok = false;  // it is the checksum of the offer
  bool finite = false;       // no NaN, no infinity
  double max_abs = 0;        // largest |coordinate|
  std::int64_t count = 0;    // coordinates
  double norm = 0;           // Euclidean
};

// Every byte of an admitted update is here, and durable.
struct UploadCompleted {
  ClientId client = 0;
  std::int64_t task = 0;
  UploadFacts facts{};
};

// --- answers of the app to the effects BeginRound, OpenTasks, Record, Secure, CloseRound,
// CommitRound
// ---------------------------------

// BeginRound could not be journaled. The app drops the rest of the effects that came with it.
struct BeginFailed {
  std::int64_t round = 0;
  std::int64_t attempt = 0;
  Error error{};
};

// OpenTasks could not be journaled: none of its tasks has been given. The app drops their
// AssignTasks.
struct OpenFailed {
  std::int64_t first_task = 0, last_task = 0;
  Error error{};
};

// The row of `Record` is durable. Exactly one of these two follows every Record.
struct Recorded {
  ClientId client = 0;
  std::int64_t task = 0;
};
struct RecordFailed {
  ClientId client = 0;
  std::int64_t task = 0;
  Error error{};
};

// What was recorded since Secure has been summed up, and its masks are gone. No masked offer is
// handed in between the moment that fixed the survivors and this.
struct Secured {
  std::int64_t round = 0;
};

// There is no sum. `lost`: those because of whom, with what they did or did not do.
struct NotSecured {
  struct Lost {
    ClientId client = 0;
    std::string detail{};
    bool silent = false;  // if it is also gone, it may come back with its update
  };
  std::int64_t round = 0;
  std::string detail{};
  std::vector<Lost> lost{};
};

// The mean is computed: CloseRound is done.
struct Aggregated {
  std::int64_t round = 0;
};

// The next version is durable. `evaluation`: what is known by now of some version's quality, for
// the stopping rule.
struct Committed {
  std::int64_t round = 0;
  std::optional<Evaluation> evaluation{};
};

// CloseRound or CommitRound failed; nothing is lost. Retryable (a full disk): the effect comes
// again later. Otherwise the job is paused, and an order to go on tries once more.
struct CommitFailed {
  std::int64_t round = 0;
  Error error{};
  bool retryable = true;
};

// --- time and the operator
// -----------------------------------------------------------------------------------------

// Nothing but the time. Send one after construction and one at `Engine::next_wakeup()`.
struct Tick {};

// The operator's: the job is to be paused, running (go on, from paused or draining), draining or,
// for good, cancelled. See `Engine::accepts`.
struct Order {
  JobState to = JobState::running;
};

using Event =
    std::variant<ClientAvailable, ClientGone, ClientRemoved, TaskFailed, Progressed, Offered,
                 UploadCompleted, BeginFailed, OpenFailed, Recorded, RecordFailed, Secured,
                 NotSecured, Aggregated, Committed, CommitFailed, Tick, Order>;

}  // namespace fed::round
