// All that a restarted engine needs to go on, as the journal has it.
//
// Plain value. Times are missing on purpose: the clock of an Instant does not survive a restart, so
// a round at work gets a fresh deadline. Connections are missing too: clients come back and say
// that they are available.
#pragma once

#include <cstdint>
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
  std::int64_t examples = 0;         // declared, as in BeginRound
  std::optional<Ticket> accepted{};  // as in Record, once it was durable

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
  std::vector<SnapshotMember> members{};
  bool abandoned = false;  // AbandonRound followed
  bool closed = false;     // CloseRound followed
  // Refused or failed in this round; left empty, they are just asked once more.
  std::set<ClientId> tried = {};

  // Contributions of the last committed round, so that a lost receipt can be repeated. May be left
  // empty.
  Receipts previous{};

  bool operator==(const Snapshot&) const = default;
};

}  // namespace fed::round
