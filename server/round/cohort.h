// Who takes part in a round: uniform selection without replacement.
//
// Stateless: the outcome depends on (seed, round, attempt) and on the set of candidates, not on
// their order, on earlier rounds or on restarts. The candidates are sorted by id and shuffled
// (Fisher and Yates 1938; Durstenfeld 1964) with a generator seeded for this attempt. Pure
// functions.
#pragma once

#include <cstdint>
#include <vector>

#include "round/types.h"

namespace fed::round {

// Which draw this is.
struct Draw {
  std::uint64_t seed = 0;
  std::int64_t round = 0;
  std::int64_t attempt = 0;
};

// min(count, size) of `candidates` (distinct), sorted by id.
std::vector<ClientId> choose(std::vector<ClientId> candidates, std::int64_t count,
                             const Draw& draw);

}  // namespace fed::round
