#include "secure_removal.h"

#include <algorithm>

#include "secagg/masks.h"
#include "secagg/shamir.h"

namespace fed::bench {

using secagg::Member;
using secagg::SecretKind;

SecureRemoval::SecureRemoval(const secagg::World& world, std::size_t dropped)
    : world_(world), dropped_(dropped), server_(world.server()), dealt_(world.size()) {
  for (std::size_t i = 0; i < world.size(); ++i) {
    peers_.push_back(make_peer(world, i));
    FED_CHECK(server_.keys(peers_.back().keys).has_value());
  }
  roster_ = server_.close_keys().value();
  collect();
}

// Only what the server looks at is filled in: nobody opens these shares.
secagg::ShareMessage SecureRemoval::deal(Member dealer) {
  const auto holders = server_.graph().neighbours(dealer);
  std::vector<secagg::Point> points;
  for (const Member holder : holders) points.push_back(holder + 1);
  const Peer& peer = peers_[dealer];
  const bool stays = survived(dealer);
  auto shares =
      secagg::split(stays ? peer.self_scalar : peer.mask_scalar, roster_.parameters.threshold,
                    points, secagg::seeded(world_.options.seed, "deal " + peer.keys.id));
  secagg::ShareMessage message(holders.size());
  for (std::size_t i = 0; i < holders.size(); ++i) {
    message[i].holder = holders[i];
    const auto kind = stays ? SecretKind::self_mask : SecretKind::mask_key;
    (stays ? message[i].self_commitment : message[i].mask_commitment) = share_commitment(
        kind, server_.context(), peer.keys.id, peers_[holders[i]].keys.id, shares[i].y.view());
    dealt_[dealer].emplace_back(holders[i], std::move(shares[i].y));
  }
  return message;
}

void SecureRemoval::reveal(Member holder) {
  secagg::Revelation revelation;
  for (const Member dealer : server_.graph().neighbours(holder)) {
    const auto& all = dealt_[dealer];
    const auto mine = std::lower_bound(all.begin(), all.end(), holder,
                                       [](const auto& a, Member b) { return a.first < b; });
    secagg::RevealedShare share{dealer, {}};
    std::copy_n(mine->second.view().begin(), share.share.size(), share.share.begin());
    revelation.push_back(share);
  }
  FED_CHECK(server_.reveal(holder, revelation).has_value());
}

void SecureRemoval::collect() {
  const auto survivors = static_cast<Member>(world_.size() - dropped_);
  for (Member member = 0; member < world_.size(); ++member) {
    FED_CHECK(server_.shares(member, deal(member)).has_value());
  }
  FED_CHECK(server_.close_shares().has_value());
  for (Member member = 0; member < survivors; ++member) {
    FED_CHECK(server_.input(member).has_value());
  }
  const crypto::Hash what = statement(server_.close_inputs().value(), server_.context());
  for (Member member = 0; member < survivors; ++member) {
    FED_CHECK(server_.signature(member, world_.identity(member).sign(what)).has_value());
  }
  FED_CHECK(server_.close_signatures().has_value());
  for (Member member = 0; member < survivors; ++member) reveal(member);
  FED_CHECK(server_.complete());
}

secagg::Words SecureRemoval::finish(secagg::Words sum, const secagg::Parallel& parallel) const {
  return server_.finish(std::move(sum), parallel).value();
}

secagg::Words SecureRemoval::masks_of_survivors() const {
  std::vector<secagg::Mask> masks;
  for (Member member = 0; survived(member); ++member) {
    const Peer& peer = peers_[member];
    masks.push_back(
        {secagg::self_mask_key(peer.self_scalar, server_.context(), peer.keys.id), false});
    for (const Member other : server_.graph().neighbours(member)) {
      const secagg::SignedKeys& keys = peers_[other].keys;
      masks.push_back({secagg::pair_mask_key(peer.mask_key, peer.keys.id, keys.mask_key, keys.id,
                                             server_.context())
                           .value(),
                       other < member});
    }
  }
  secagg::Words sum = secagg::zero_words(world_.options.modulus_bits, world_.options.length);
  add_masks(masks, sum);
  return sum;
}

std::size_t SecureRemoval::masks() const {
  std::size_t count = world_.size() - dropped_;
  std::vector<bool> staying(world_.size());
  std::fill_n(staying.begin(), count, true);
  for (auto member = static_cast<Member>(count); member < world_.size(); ++member) {
    count += server_.graph().count_neighbours(member, staying);
  }
  return count;
}

}  // namespace fed::bench
