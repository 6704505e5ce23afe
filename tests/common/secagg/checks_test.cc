// The checks of a client by themselves, over a sparse graph, where a whole attempt would be slow.
#include "secagg/checks.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <numeric>

#include "world.h"

namespace fed::secagg {
namespace {

constexpr std::uint32_t kClients = 200, kNeighbours = 40, kThreshold = 26;
constexpr Member kSelf = 77;

struct Sparse {
  Graph graph{kClients, kNeighbours, crypto::sha256(view("sparse"))};
  Demands demands;
  std::vector<Member> sharers;
  Sparse() : sharers(kClients) {
    demands.threat = {Adversary::semi_malicious, 50, 100};  // at most 20 drop out
    std::iota(sharers.begin(), sharers.end(), Member{0});
  }
  // Everybody survives but these.
  SurvivorSet without(const std::vector<Member>& gone) const {
    SurvivorSet set;
    for (Member member : sharers) {
      const bool lost = std::count(gone.begin(), gone.end(), member) > 0;
      (lost ? set.dropped : set.survivors).push_back(member);
    }
    return set;
  }
  Answer<void> survivors(const std::vector<Member>& gone) const {
    return check_survivors(without(gone), sharers, kSelf, graph, kThreshold, demands);
  }
};

std::string reason_of(const Answer<void>& answer) {
  return answer ? "fine" : name(answer.error().reason);
}

// `count` members other than kSelf that are, or are not, its neighbours.
std::vector<Member> some(const Sparse& world, std::size_t count, bool neighbours) {
  std::vector<Member> chosen;
  for (Member member = 0; member < kClients && chosen.size() < count; ++member) {
    if (member != kSelf && world.graph.adjacent(kSelf, member) == neighbours) {
      chosen.push_back(member);
    }
  }
  return chosen;
}

TEST_CASE("in a sparse graph no more may drop out than it was made for") {
  Sparse world;
  CHECK(reason_of(world.survivors({})) == "fine");
  // Spread over the ring, so that nobody loses many neighbours.
  std::vector<Member> spread;
  for (Member member = 0; spread.size() < 21; member += 9) {
    if (member != kSelf) spread.push_back(member);
  }
  CHECK(reason_of(world.survivors(spread)) == "too_few_survivors");
  spread.pop_back();
  CHECK(reason_of(world.survivors(spread)) == "fine");
  world.demands.survivors_min = 181;
  CHECK(reason_of(world.survivors(spread)) == "too_few_survivors");
}

TEST_CASE("everybody in the sum keeps a threshold of neighbours in it") {
  Sparse world;
  world.demands.threat.dropped_permille = 500;
  // 40 - 14 neighbours are the threshold, 40 - 15 are not.
  CHECK(reason_of(world.survivors(some(world, 14, true))) == "fine");
  CHECK(reason_of(world.survivors(some(world, 15, true))) == "too_few_survivors");
}

TEST_CASE("a full graph asks for a number of survivors, whatever the drop-out rate") {
  Demands demands;
  demands.threat.dropped_permille = 0;
  const Graph full(10, 9, {});
  CHECK(survivors_wanted(full, demands.threat, 3) == 3);
  CHECK(survivors_wanted(full, demands.threat, 0) == 2);
  const Graph sparse(200, 40, {});
  CHECK(survivors_wanted(sparse, {Adversary::curious, 0, 0}, 3) == 200);
  CHECK(survivors_wanted(sparse, {Adversary::curious, 0, 100}, 3) == 180);
  CHECK(survivors_wanted(sparse, {Adversary::curious, 0, 999}, 3) == 3);
}

TEST_CASE("a delivery with too few sharing neighbours is refused, shares of others as well") {
  Sparse world;
  world.demands.threat.dropped_permille = 500;
  const auto deliver = [&](const std::vector<Member>& gone, const std::vector<Member>& dealers) {
    ShareDelivery delivery;
    delivery.sharers = world.without(gone).survivors;
    for (Member dealer : dealers) delivery.shares.push_back({dealer, {}});
    return reason_of(check_delivery(delivery, kSelf, world.graph, kThreshold, world.demands));
  };
  const auto neighbours = world.graph.neighbours(kSelf);
  CHECK(deliver({}, neighbours) == "fine");
  CHECK(deliver({}, {}) == "fine");
  CHECK(deliver(some(world, 14, true), {}) == "fine");
  CHECK(deliver(some(world, 15, true), {}) == "too_few_sharers");
  CHECK(deliver(some(world, 15, false), neighbours) == "fine");
  CHECK(deliver(some(world, 101, false), {}) == "too_few_sharers");
  CHECK(deliver({}, some(world, 1, false)) == "malformed");
  CHECK(deliver({neighbours[0]}, {neighbours[0]}) == "malformed");
  CHECK(deliver({kSelf}, {}) == "absent_from_sharers");
}

// Members sign by themselves here; the graph says whose signatures count for whom.
struct Signing : Sparse {
  std::vector<crypto::Ed25519KeyPair> keys;
  std::vector<crypto::VerifyKey> identities;
  crypto::Hash statement = crypto::sha256(view("this survivor set"));
  Signing() {
    for (Member member = 0; member < kClients; ++member) {
      keys.emplace_back(crypto::SecretKey::random(crypto::Memory::plain));
      identities.push_back(keys.back().verify_key());
    }
  }
  std::string quorum(const std::vector<Member>& signers) const {
    std::vector<SurvivorSignature> signatures;
    for (Member signer : signers) signatures.push_back({signer, keys[signer].sign(statement)});
    return reason_of(
        check_quorum(signatures, statement, sharers, kSelf, graph, kThreshold, identities));
  }
};

TEST_CASE("a quorum is of the holders of each peer's shares, not of anybody") {
  Signing world;
  CHECK(world.quorum(world.sharers) == "fine");
  CHECK(world.quorum({}) == "no_quorum");
  // All who are no holder of this one peer's shares: a great majority, and no quorum for it.
  const Member peer = world.graph.neighbours(kSelf)[3];
  std::vector<Member> others, holders;
  for (Member member : world.sharers) {
    (world.graph.adjacent(peer, member) ? holders : others).push_back(member);
  }
  REQUIRE(others.size() == kClients - kNeighbours);
  CHECK(world.quorum(others) == "no_quorum");
  others.insert(others.end(), holders.begin(), holders.begin() + kThreshold - 1);
  CHECK(world.quorum(others) == "no_quorum");
  others.push_back(holders[kThreshold - 1]);
  CHECK(world.quorum(others) == "fine");
}

TEST_CASE("a peer's own signature is none about itself") {
  Signing world;
  const Member peer = world.graph.neighbours(kSelf)[0];
  std::vector<Member> signers;
  std::uint32_t about_peer = 0;
  for (Member member : world.sharers) {
    if (world.graph.adjacent(peer, member) && ++about_peer >= kThreshold) continue;
    signers.push_back(member);
  }
  REQUIRE(std::count(signers.begin(), signers.end(), peer) == 1);
  CHECK(world.quorum(signers) == "no_quorum");
}

TEST_CASE("peers that dealt no shares need no quorum: nothing about them is revealed") {
  Signing world;
  const Member peer = world.graph.neighbours(kSelf)[3];
  std::vector<Member> signers;
  std::uint32_t about_peer = 0;
  for (Member member : world.sharers) {
    if (world.graph.adjacent(peer, member) && ++about_peer >= kThreshold) continue;
    signers.push_back(member);
  }
  REQUIRE(world.quorum(signers) == "no_quorum");
  // With this peer alone the check fails for it; without all who miss signers it passes.
  const auto marked = marks(signers, kClients);
  std::erase_if(world.sharers, [&](Member member) {
    return world.graph.count_neighbours(member, marked) < kThreshold;
  });
  CHECK(world.quorum(signers) == "fine");
}

TEST_CASE("lists of members are ascending, without repetition and within the roster") {
  CHECK(well_formed({}, 3));
  CHECK(well_formed({0, 1, 2}, 3));
  CHECK_FALSE(well_formed({0, 1, 3}, 3));
  CHECK_FALSE(well_formed({1, 0}, 3));
  CHECK_FALSE(well_formed({1, 1}, 3));
  CHECK(marks({0, 2}, 3) == std::vector<bool>{true, false, true});
}

TEST_CASE("a survivor statement says who survived and who dropped out, in this context") {
  const crypto::Hash context{};
  const auto said = statement(SurvivorSet{{1, 2}, {3}}, context);
  CHECK(said != statement(SurvivorSet{{1, 2, 3}, {}}, context));
  CHECK(said != statement(SurvivorSet{{1, 2}, {4}}, context));
  CHECK(said != statement(SurvivorSet{{3}, {1, 2}}, context));
  CHECK(said != statement(SurvivorSet{{1}, {2, 3}}, context));
  CHECK(said != statement(SurvivorSet{{1, 2}, {3}}, crypto::Hash{1}));
}

}  // namespace
}  // namespace fed::secagg
