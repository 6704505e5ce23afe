// What the two halves of the journal of rounds share. Internal to the layer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "store/records.h"
#include "store/sqlite.h"

namespace fed::store {

// For messages: "round 3 of the job ...".
std::string place(std::string_view job, std::int64_t round);

struct Attempt {
  std::int64_t attempt = 0;
  std::string state;
};

// The last attempt at a round; one that is committed is always the last.
Result<std::optional<Attempt>> last_attempt(Database& database, std::string_view job,
                                            std::int64_t round);
bool is_committed(const std::optional<Attempt>& attempt);

// Inside the transaction of a commit: the contributions that it is made of.
Status commit_contributions(Database& database, const RoundCommit& commit);

// Inside the transaction of a commit: what it costs, if it has a cost.
Status enter_privacy(Database& database, const RoundCommit& commit);

// The contributions and tasks of a job's progress, whose job and open round are there already.
Status load_contributions(Database& database, JobProgress& progress);

}  // namespace fed::store
