// Who is asked: a seeded draw without replacement.
//
// Stateless: the outcome depends on the draw and on the set of candidates with what is known of
// them, not on their order, on earlier rounds or on restarts. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "config/job.h"
#include "round/types.h"

namespace fed::round {

// Which draw this is. In an asynchronous job `round` is the number of the first task to be given.
struct Draw {
  std::uint64_t seed = 0;
  std::int64_t round = 0;
  std::int64_t attempt = 0;
};

struct Candidate {
  ClientId client = 0;
  std::int64_t examples = 1;        // declared, at least 1
  std::optional<double> seconds{};  // that its recent tasks took; > 0
  std::optional<double> loss{};     // of a recent model on its test rows
};

// min(count, size) of `candidates` (distinct), sorted by id.
//
//   uniform   all alike: sorted by id and shuffled (Fisher and Yates 1938; Durstenfeld 1964)
//   examples  with chances in proportion to the examples (Efraimidis and Spirakis 2006, A-Res)
//   speed     likewise to 1 / seconds; who is not known yet counts as the fastest
//   loss      power of choice (Cho et al. 2020, section 3, in the form rp-d that asks nobody anew):
//             draws rule.candidates (0: twice `count`) by examples, then takes those with the
//             highest loss; who is not known yet comes first
std::vector<ClientId> choose(std::vector<Candidate> candidates, std::int64_t count,
                             const Draw& draw, const config::SelectionSpec& rule = {});

}  // namespace fed::round
