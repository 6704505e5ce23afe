// A dealer that shares other secrets than it has signed for, and commits to those shares: nobody
// can tell before the secrets are rebuilt. Then it has its name, and all others their input.
#include <catch2/catch.hpp>

#include "drill.h"
#include "secagg/graph.h"
#include "secagg/shamir.h"

namespace fed::secure {
namespace {

constexpr std::size_t kLiar = 3, kClients = 7;

class Forger {
 public:
  explicit Forger(const secagg::World& world)
      : world_(world), share_key_(crypto::SecretKey::random(crypto::Memory::plain)) {}

  secagg::SignedKeys keys() const {
    const crypto::Hash terms = secagg::hash_of(world_.terms);
    secagg::SignedKeys keys;
    keys.id = secagg::World::id(kLiar);
    keys.mask_key = secagg::mask_key_pair(crypto::Scalar(7), terms, keys.id).public_key();
    keys.share_key = share_key_.public_key();
    keys.self_commitment = secagg::self_commitment(crypto::Scalar(8), terms, keys.id);
    keys.signature = world_.identity(kLiar).sign(secagg::statement(keys, terms));
    return keys;
  }

  secagg::ShareMessage deal(const secagg::Roster& roster) const {
    const crypto::Hash keys = secagg::keys_hash(secagg::hash_of(world_.terms), roster.entries);
    const crypto::Hash context = secagg::context_hash(keys, roster.parameters);
    const auto holders =
        secagg::graph_of(keys, roster.entries.size(), roster.parameters).neighbours(kLiar);
    std::vector<secagg::Point> points;
    for (const secagg::Member holder : holders) points.push_back(holder + 1);
    const auto shares = secagg::split(crypto::Scalar(5), roster.parameters.threshold, points,
                                      secagg::seeded(1, "forger"));
    const secagg::ClientId& me = roster.entries[kLiar].id;
    secagg::ShareMessage message;
    for (std::size_t i = 0; i < holders.size(); ++i) {
      const secagg::SignedKeys& holder = roster.entries[holders[i]];
      const auto share = shares[i].y.view();
      const auto commit = [&](secagg::SecretKind kind) {
        return secagg::share_commitment(kind, context, me, holder.id, share);
      };
      message.push_back({holders[i],
                         secagg::seal_shares(share_key_.dh(holder.share_key).value().view(),
                                             context, me, holder.id, share, share),
                         commit(secagg::SecretKind::mask_key),
                         commit(secagg::SecretKind::self_mask)});
    }
    return message;
  }

 private:
  const secagg::World& world_;
  crypto::X25519KeyPair share_key_;
};

// Up to the end of the sum; the forger hands in an input or falls silent before that.
void play(Drill& drill, bool stays) {
  const Forger forger(drill.world);
  drill.alter = [&](std::size_t client, wire::Message answer) {
    auto* keys = std::get_if<wire::SecureKeys>(&answer);
    if (keys != nullptr && client == kLiar) keys->keys = forger.keys();
    return answer;
  };
  drill.begin();
  drill.run_to(Step::shares);
  const auto told = wire::decode(drill.last_heard(kLiar)).value();
  const auto& roster = std::get<wire::SecureRoster>(told).roster;
  drill.say(kLiar, wire::SecureShares{drill.name_for(kLiar), forger.deal(roster)});
  drill.run_to(Step::inputs);
  if (stays) drill.carry_out(drill.attempt.input(number_of(kLiar), drill.now));
  drill.run_to(Step::complete);
  REQUIRE(drill.complete);
}

TEST_CASE("dealer: one that shares something else is named when its secret is rebuilt") {
  for (const bool stays : {true, false}) {
    INFO((stays ? "in the sum" : "dropped out"));
    Drill drill({.clients = kClients});
    play(drill, stays);
    REQUIRE(drill.survivors().size() == (stays ? kClients : kClients - 1));
    const auto& terms = drill.world.terms;
    const auto sum = drill.attempt.finish(secagg::zero_words(terms.modulus_bits, terms.length),
                                          secagg::one_by_one);
    REQUIRE_FALSE(sum.has_value());
    REQUIRE(sum.error().lost.size() == 1);
    CHECK(sum.error().lost[0].client == number_of(kLiar));
    CHECK_FALSE(sum.error().lost[0].silent);
    CHECK(sum.error().lost[0].detail == "dealt shares of something else than it promised");
  }
}

TEST_CASE("dealer: without it, the others' sum is exact") {
  Drill drill({.clients = kClients});
  drill.silent = [](Step, std::size_t client) { return client == kLiar; };
  drill.run();
  REQUIRE(drill.complete);
  CHECK(drill.survivors().size() == kClients - 1);
  CHECK(drill.sum() == drill.expected());
}

TEST_CASE("dealer: a restart in the end finds the same culprit") {
  Drill drill({.clients = kClients});
  play(drill, false);
  Attempt again(setup_of(drill.world));
  REQUIRE(again.restore(drill.notes, drill.now).has_value());
  REQUIRE(again.step() == Step::complete);
  const auto& terms = drill.world.terms;
  const auto sum =
      again.finish(secagg::zero_words(terms.modulus_bits, terms.length), secagg::one_by_one);
  REQUIRE_FALSE(sum.has_value());
  REQUIRE(sum.error().lost.size() == 1);
  CHECK(sum.error().lost[0].client == number_of(kLiar));
}

}  // namespace
}  // namespace fed::secure
