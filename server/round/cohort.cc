#include "round/cohort.h"

#include <algorithm>
#include <span>

#include "base/random.h"

namespace fed::round {

std::vector<ClientId> choose(std::vector<ClientId> candidates, std::int64_t count,
                             const Draw& draw) {
  std::sort(candidates.begin(), candidates.end());
  Random random(mix_seed({draw.seed, seed_of("cohort"), static_cast<std::uint64_t>(draw.round),
                          static_cast<std::uint64_t>(draw.attempt)}));
  random.shuffle(std::span(candidates));
  const auto size = static_cast<std::int64_t>(candidates.size());
  candidates.resize(static_cast<std::size_t>(std::clamp<std::int64_t>(count, 0, size)));
  std::sort(candidates.begin(), candidates.end());
  return candidates;
}

}  // namespace fed::round
