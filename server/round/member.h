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
  std::int64_t examples = 0;  // declared when it was selected; its update may not claim more
  Status status = Status::not_asked;
  bool connected = false;
  bool told = false;  // has its task on this connection
  std::optional<Ticket>
      ticket{};          // set from the admission on; always there in storing and accepted
  bool revoked = false;  // while storing: nothing more is wanted from it, but this one counts

  // For the report only.
  Instant last_activity{};
  std::uint64_t done = 0, total = 0;
  Refusal last_refusal{};
};

using Members = std::map<ClientId, Member>;

// The accepted updates of the last committed round: a client whose receipt was lost asks once more.
struct Receipts {
  std::int64_t round = -1;
  std::map<ClientId, Checksum> accepted{};

  bool operator==(const Receipts&) const = default;
};

}  // namespace fed::round
