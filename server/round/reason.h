// Why something was refused, discarded, put off or ended: a closed list, with one sentence each
// that tells its reader what to do (law 9). Code branches on the value, people read the sentence.
//
// The numbers travel in wire::Receipt and lie in the journal: add at the end, never renumber. Pure
// functions.
#pragma once

#include <cstdint>
#include <string>

#include "round/types.h"

namespace fed::round {

enum class Reason : std::uint8_t {
  none = 0,  // accepted, or nothing to explain

  // An update refused for good.
  not_in_cohort = 1,
  unknown_round = 2,
  wrong_base_version = 3,
  wrong_size = 4,
  examples_out_of_range = 5,
  duplicate = 6,
  wrong_shape = 7,
  not_finite = 8,
  over_limit = 9,
  task_failed = 10,
  removed = 11,
  over_norm = 12,

  // An update that is too late to be of use: discarded.
  round_closed = 20,
  job_ended = 21,
  task_over = 22,
  too_stale = 23,
  left_over = 24,

  // Not now: the client keeps its update and offers it again.
  attempt_abandoned = 30,
  not_offered = 31,
  checksum_mismatch = 32,
  being_stored = 33,
  storage_failed = 34,

  // Why an attempt was abandoned (or storage_failed).
  deadline_passed = 40,
  too_few_clients = 41,
  not_secured = 42,

  // Why a job changed its state.
  round_limit = 50,
  target_reached = 51,
  patience_exhausted = 52,
  commit_failed = 53,
  by_operator = 54,
  budget_spent = 55,
  revealed = 56,

  // Why a client has no task at the moment.
  not_chosen = 60,
};

// The enum's name, for logs, metrics and --json: "not_in_cohort".
const char* name(Reason reason);

// One sentence for people: what is the matter and what to do.
const char* sentence(Reason reason);

// True for the reasons after which the same update may be offered again.
bool may_retry(Reason reason);

// True for the reasons that say "too late", so that the outcome is discarded rather than refused.
bool too_late(Reason reason);

// Why an offer or a completed upload was not taken further. `reason` none: it has been counted
// already, and the answer is the receipt once more.
struct Refusal {
  Reason reason = Reason::none;
  std::string detail{};  // the sentence, with the numbers of this case

  bool operator==(const Refusal&) const = default;
};

}  // namespace fed::round
