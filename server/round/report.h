// The answer to "what is this round waiting for", for `fedserver why` and `fedserver status`.
//
// Plain values, a copy of the engine's state at one moment; safe to hand to another thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "round/reason.h"
#include "round/stopping.h"
#include "round/types.h"

namespace fed::round {

struct ClientReport {
  ClientId client = 0;
  bool member = false;     // of this round's cohort; else it is merely available
  bool connected = false;  // false for an outstanding member: it is gone and may come back
  Status status = Status::not_asked;
  std::int64_t examples = 0;  // declared
  std::optional<Instant> last_activity{};
  std::uint64_t done = 0,
                total =
                    0;  // of what `status` names: bytes, or steps while training; total 0 = unknown
  Refusal last_refusal{};

  // "gone" for an outstanding member that is not connected, "available" for who has no task, else
  // name(status).
  const char* state() const;
};

struct Report {
  JobState job = JobState::running;
  Refusal job_reason{};  // why the job is in this state
  Phase phase = Phase::idle;
  TaskKind kind = TaskKind::training;
  std::int64_t version = 0;  // committed
  std::int64_t versions_max = 0;
  std::int64_t round = 0;      // at work, or next
  std::int64_t attempt = 0;    // 0: not begun
  std::int64_t available = 0;  // could be selected: connected, able, not yet counted in this round
  std::int64_t second_choice = 0;  // of them: late for the last round, or failed in this one
  std::int64_t cohort = 0;         // members now; before the selection: wanted
  std::int64_t accepted = 0;       // with secure aggregation: or ready
  std::int64_t outstanding = 0;    // members that may still deliver
  std::int64_t contributions_min = 0, contributions_goal = 0;
  // Selecting: when the round begins with those who are there, if they are enough; collecting: when
  // it closes or is abandoned. Nothing while the job is paused.
  std::optional<Instant> deadline{};
  std::optional<Instant> retry_at{};  // of an abandoned attempt or a failed commit
  Refusal last_failure{};  // of the last abandoned attempt or failed commit of this round
  std::optional<Evaluation> best{};
  std::vector<ClientReport> clients{};  // by id: members, then whoever else is available

  // Contributions that are missing before the round can commit.
  std::int64_t missing() const;
};

// One sentence: what has to happen for the round to go on.
std::string waiting_for(const Report& report);

}  // namespace fed::round
