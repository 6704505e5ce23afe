#include "secagg/unmasking.h"

#include <algorithm>

namespace fed::secagg {
namespace {

using crypto::Scalar;

// Members whose secrets one thread rebuilds with one cache of weights.
constexpr std::size_t kMembersPerTask = 32;

Abandoned inconsistent(const ClientId& dealer) {
  return {AbandonReason::inconsistent_dealer,
          "the shares that " + dealer + " dealt do not rebuild what it committed to", dealer};
}

// The masks that `member`'s secret accounts for, with the opposite sign.
Attempt<std::vector<Mask>> masks_of(const Unmasking& what, Member member, bool survived,
                                    const std::vector<bool>& survivors, const Scalar& secret) {
  const SignedKeys& keys = what.roster.entries[member];
  std::vector<Mask> masks;
  if (survived) {
    if (self_commitment(secret, what.terms, keys.id) != keys.self_commitment) {
      return inconsistent(keys.id);
    }
    masks.push_back({self_mask_key(secret, what.context, keys.id), true});
    return masks;
  }
  const crypto::X25519KeyPair pair = mask_key_pair(secret, what.terms, keys.id);
  if (pair.public_key() != keys.mask_key) return inconsistent(keys.id);
  for (Member peer : what.graph.neighbours(member)) {
    if (!survivors[peer]) continue;
    const SignedKeys& other = what.roster.entries[peer];
    auto key = pair_mask_key(pair, keys.id, other.mask_key, other.id, what.context);
    FED_CHECK(key.has_value());  // the server let no key of small order into the roster
    masks.push_back({std::move(*key), peer < member});  // the survivor added it if it is lower
  }
  return masks;
}

struct Rebuilt {
  std::vector<Mask> masks;
  std::optional<Abandoned> end;
};

Rebuilt rebuild(const Unmasking& what, std::span<const Member> members,
                const std::vector<bool>& survivors) {
  Rebuilt result;
  LagrangeCache cache;
  for (Member member : members) {
    auto secret = cache.reconstruct(what.shares[member], what.roster.parameters.threshold);
    if (!secret) {
      result.end = Abandoned{AbandonReason::too_few_shares,
                             "too few shares came back about " + what.roster.entries[member].id,
                             {}};
      return result;
    }
    auto masks = masks_of(what, member, survivors[member], survivors, *secret);
    if (!masks) {
      result.end = masks.error();
      return result;
    }
    std::move(masks->begin(), masks->end(), std::back_inserter(result.masks));
  }
  return result;
}

}  // namespace

Attempt<void> remove_masks(const Unmasking& what, Words& sum, const Parallel& parallel) {
  const std::vector<bool> survivors = marks(what.set.survivors, what.graph.size());
  std::vector<Member> members = what.set.survivors;
  members.insert(members.end(), what.set.dropped.begin(), what.set.dropped.end());

  const std::size_t tasks = (members.size() + kMembersPerTask - 1) / kMembersPerTask;
  std::vector<Rebuilt> parts(tasks);
  parallel(tasks, [&](std::size_t task) {
    const std::span<const Member> all(members);
    const std::size_t first = task * kMembersPerTask;
    parts[task] =
        rebuild(what, all.subspan(first, std::min(kMembersPerTask, all.size() - first)), survivors);
  });
  std::vector<Mask> masks;
  for (Rebuilt& part : parts) {
    if (part.end) return *part.end;
    std::move(part.masks.begin(), part.masks.end(), std::back_inserter(masks));
  }
  add_masks(masks, sum, parallel);
  return {};
}

}  // namespace fed::secagg
