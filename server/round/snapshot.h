// All that a restarted engine needs to go on, as the journal has it.
//
// Plain value. Times are missing on purpose: the clock of an Instant does not survive a restart, so
// a round at work gets a fresh deadline. Connections are missing too: clients come back and say
// that they are available.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "round/member.h"
#include "round/reason.h"
#include "round/stopping.h"
#include "round/types.h"

namespace fed::round {

struct SnapshotMember {
  ClientId client = 0;
  std::int64_t examples = 0;         // declared, as in BeginRound or OpenTasks
  std::optional<Ticket> accepted{};  // as in Record, once it was durable
  // Of an asynchronous job, as in OpenTasks; else as follows from the round.
  std::int64_t task = 0;
  std::int64_t base_version = 0;

  bool operator==(const SnapshotMember&) const = default;
};

struct Snapshot {
  // From the rows of CommitRound and JobChanged.
  std::int64_t version = 0;
  bool statistics_done = false;
  JobState job = JobState::running;  // draining is not remembered
  Reason job_reason = Reason::none;
  StoppingState stopping{};

  // From the last BeginRound of the round after `version` and the Records since. attempt 0: none
  // has begun.
  std::int64_t attempt = 0;
  // The cohort of that; of an asynchronous job the open tasks (OpenTasks without EndTask or
  // Record) and the accepted updates that are in no version, by task.
  std::vector<SnapshotMember> members{};
  std::int64_t last_task = 0;  // highest number of an asynchronous job's tasks
  bool abandoned = false;      // AbandonRound followed
  bool closed = false;         // CloseRound followed
  // Secure followed and has not been answered, and the app can go on with it: its clients. Empty
  // otherwise; the app has then discarded what was recorded for the sum.
  std::set<ClientId> invited = {};
  // Refused or failed in this round; left empty, they are just asked once more.
  std::set<ClientId> tried = {};

  // The last accepted update of each client, so that a lost receipt can be repeated. May be left
  // empty.
  Receipts previous{};

  // What the clients said of the loss with their last accepted update, so that a selection by loss
  // does not depend on restarts. An Offered without a loss leaves the one before.
  std::map<ClientId, double> losses{};

  bool operator==(const Snapshot&) const = default;
};

}  // namespace fed::round
