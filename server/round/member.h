// One client's place in a round: what the gate judges by, and what the report shows.
//
// Plain value, owned by the engine.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/checksum.h"
#include "round/reason.h"
#include "round/types.h"

namespace fed::round {

// The update that a member has offered and that was admitted.
struct Ticket {
  std::int64_t examples = 0;
  Checksum checksum{};

  bool operator==(const Ticket&) const = default;
};

struct Member {
  std::int64_t task = 0;  // of a synchronous round: the round
  std::int64_t base_version = 0;
  std::int64_t examples = 0;  // declared when it was selected; its update may not claim more
  Status status = Status::not_asked;
  bool connected = false;
  bool told = false;  // has its task on this connection
  std::optional<Ticket>
      ticket{};                  // set from the admission on; always there in storing and accepted
  std::optional<double> loss{};  // with the ticket: of the base version on its test rows
  bool invited = false;          // to the sum that is being made
  bool revoked = false;  // while storing: nothing more is wanted from it, but this one counts

  std::optional<Instant> given{};     // when it was told first, if it was by this process
  std::optional<Instant> deadline{};  // asynchronous: when the task ends without an update

  // For the report only.
  Instant last_activity{};
  std::uint64_t done = 0, total = 0;
  Refusal last_refusal{};
};

using Members = std::map<ClientId, Member>;

// The last update of each client that counts: a client whose receipt was lost asks once more.
struct Answered {
  std::int64_t task = 0;
  Checksum checksum{};

  bool operator==(const Answered&) const = default;
};
using Receipts = std::map<ClientId, Answered>;

// An update of an asynchronous job that was accepted and is in no version yet, by its task.
struct TaskKey {
  std::int64_t task = 0;
  ClientId client = 0;

  auto operator<=>(const TaskKey&) const = default;
};
struct Waiting {
  std::int64_t base_version = 0;
  Ticket ticket{};
};
using Buffer = std::map<TaskKey, Waiting>;

// What is known of a client from its accepted updates.
struct Insight {
  std::optional<double> seconds{};  // a task takes, the recent ones counting more; of this process
  std::optional<double> loss{};     // of the last base version on its test rows
};

// A client of an asynchronous job that is not asked for a while, since its last task came to
// nothing.
struct Rest {
  Instant until{};
  bool over = false;
  std::int64_t failures = 0;  // in a row
  Refusal why{};
};

}  // namespace fed::round
