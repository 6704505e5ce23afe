// The last step of the server: secrets from shares, masks from secrets, the sum without masks.
//
// Its cost is the keystream of one mask for each survivor and one for each surviving neighbour of a
// client that dropped out; each of the latter takes one X25519 as well, and each secret the
// multiplications of shamir.h. All three are shared among threads.
#pragma once

#include "secagg/masks.h"
#include "secagg/messages.h"
#include "secagg/refusal.h"
#include "secagg/shamir.h"

namespace fed::secagg {

// What the masks of a finished phase of revealing follow from. References outlive the call.
struct Unmasking {
  const Roster& roster;
  const Graph& graph;
  const crypto::Hash& terms;  // their hash
  const crypto::Hash& context;
  const SurvivorSet& set;
  const std::vector<std::vector<Share>>& shares;  // about each member; checked by commitment
};

// Takes all masks that are left in `sum` out of it: the survivors' own, and those that survivors
// share with drop-outs. Abandoned (and `sum` unspecified): too_few_shares; inconsistent_dealer if
// what was rebuilt is not what the roster says.
Attempt<void> remove_masks(const Unmasking& what, Words& sum, const Parallel& parallel);

}  // namespace fed::secagg
