// The last refusals of a client, those that keep a lying server from both secrets of one peer.
#include <algorithm>
#include <catch2/catch.hpp>

#include "world.h"

namespace fed::secagg {
namespace {

constexpr std::size_t kVictim = 2;

// Everybody but client 0 sent an input; `liars` are corrupted and sign whatever the server wants.
struct AtUnmasking {
  World world{Options{}};
  Play play{world};
  AtUnmasking() {
    play.absent = [](Step step, std::size_t client) { return step == Step::mask && client == 0; };
    REQUIRE(play.until(Step::mask).has_value());
    for (Member member : play.set.survivors) {
      play.signatures.push_back({member, play.clients[member].sign(play.set).value()});
    }
  }
  Answer<Revelation> unmask() { return play.clients[kVictim].unmask(play.signatures); }
  std::uint32_t threshold() const { return play.roster.parameters.threshold; }
  SurvivorSignature signature_of(Member member, const SurvivorSet& set) const {
    return {member, world.identity(member).sign(statement(set, play.server.context()))};
  }
};

void refuses(const Answer<Revelation>& answer, RefusalReason reason) {
  REQUIRE_FALSE(answer.has_value());
  CHECK(std::string(name(answer.error().reason)) == name(reason));
}

TEST_CASE("a client reveals one share about each neighbour that dealt, after a quorum") {
  AtUnmasking at;
  CHECK(at.play.clients[kVictim].holds_secrets());
  const auto revealed = at.unmask();
  CHECK_FALSE(at.play.clients[kVictim].holds_secrets());
  REQUIRE(revealed.has_value());
  std::vector<Member> about;
  for (const RevealedShare& share : *revealed) about.push_back(share.about);
  CHECK(about == std::vector<Member>{0, 1, 3, 4, 5});
  CHECK(at.play.clients[kVictim].phase() == Client::Phase::done);
  refuses(at.unmask(), RefusalReason::repeated_unmasking);
  refuses(at.unmask(), RefusalReason::repeated_unmasking);
}

TEST_CASE("exactly a threshold of each peer's holders suffices, one fewer does not") {
  AtUnmasking at;
  REQUIRE(at.threshold() == 3);
  // With four signers, each peer among them has three others that signed.
  at.play.signatures.resize(4);
  CHECK(at.unmask().has_value());
  AtUnmasking fewer;
  fewer.play.signatures.resize(3);  // members 1, 2, 3: member 1's holders are 2 and 3
  refuses(fewer.unmask(), RefusalReason::no_quorum);
  CHECK_FALSE(fewer.play.clients[kVictim].holds_secrets());
  refuses(fewer.unmask(), RefusalReason::out_of_turn);
}

TEST_CASE("signatures that are wrong, of others, of other sets or counted twice make no quorum") {
  const std::vector<std::function<void(AtUnmasking&, SurvivorSignature&)>> lies{
      [](AtUnmasking&, SurvivorSignature& one) { one.signature[9] ^= 1; },
      [](AtUnmasking&, SurvivorSignature& one) { one.signer = 77; },
      [](AtUnmasking& at, SurvivorSignature& one) { one = at.play.signatures[0]; },
      [](AtUnmasking& at, SurvivorSignature& one) {
        one.signature = at.play.signatures[0].signature;
      },
      [](AtUnmasking& at, SurvivorSignature& one) {
        one = at.signature_of(one.signer, SurvivorSet{{1, 2, 3, 4}, {0, 5}});
      },
      [](AtUnmasking& at, SurvivorSignature& one) {
        const auto said = statement(at.play.set, crypto::Hash{});
        one.signature = at.world.identity(one.signer).sign(said);
      }};
  for (const auto& lie : lies) {
    AtUnmasking at;
    at.play.signatures.resize(4);
    lie(at, at.play.signatures.back());
    refuses(at.unmask(), RefusalReason::no_quorum);
  }
}

TEST_CASE("a signature counts once, however often it is there") {
  AtUnmasking at;
  auto& signatures = at.play.signatures;
  signatures.resize(3);  // one too few about each of the three
  for (int copies = 0; copies < 3; ++copies) {
    for (std::size_t i = 0; i < 3; ++i) signatures.push_back(signatures[i]);
  }
  refuses(at.unmask(), RefusalReason::no_quorum);
}

// The attack that the quorum is for: half of the clients are told that a peer survived, the others
// that it dropped out. Whatever one corrupted client signs, not both halves reveal.
TEST_CASE("two survivor sets cannot both get a quorum of honest clients and one corrupted one") {
  Options options;
  options.clients = 9;
  options.threat = {Adversary::semi_malicious, 112, 300};  // one of nine is corrupted
  const World world(options);
  Play play(world);
  REQUIRE(play.until(Step::advertise).has_value());
  const std::uint32_t threshold = play.roster.parameters.threshold;
  CHECK(threshold == 5);
  for (std::uint32_t split = 0; split < 256; ++split) {
    // By the graph and the threshold alone: honest members 1 to 8 sign the one set or the other,
    // member 0 both.
    const Graph full(9, 8, {});
    std::vector<bool> first(9), second(9);
    first[0] = second[0] = true;
    for (Member member = 1; member < 9; ++member) {
      (split >> (member - 1) & 1 ? first : second)[member] = true;
    }
    for (Member peer = 1; peer < 9; ++peer) {
      const bool both = full.count_neighbours(peer, first) >= threshold &&
                        full.count_neighbours(peer, second) >= threshold;
      CHECK_FALSE(both);
    }
  }
}

TEST_CASE("a server that splits the clients gets no shares from either half") {
  World world{Options{}};
  Play play(world);
  REQUIRE(play.until(Step::share).has_value());
  for (Member member = 0; member < 6; ++member) {
    auto input = play.clients[member].mask(play.server.delivery(member), world.input(member));
    REQUIRE(input.has_value());
  }
  const SurvivorSet one{{0, 1, 2, 3}, {4, 5}}, other{{1, 2, 3, 4, 5}, {0}};
  std::vector<SurvivorSignature> signatures[2];
  for (Member member = 0; member < 6; ++member) {
    const bool first = member < 3;
    auto signature = play.clients[member].sign(first ? one : other);
    REQUIRE(signature.has_value());
    signatures[first ? 0 : 1].push_back({member, *signature});
  }
  for (Member member = 0; member < 6; ++member) {
    refuses(play.clients[member].unmask(signatures[member < 3 ? 0 : 1]), RefusalReason::no_quorum);
  }
}

TEST_CASE("clients that were shown different rosters cannot open each other's shares") {
  World world{Options{}};
  Play play(world);
  REQUIRE(play.until(Step::advertise).has_value());
  Roster shorter = play.roster;
  shorter.entries.pop_back();
  shorter.parameters = parameters_for(5, world.terms.threat).value();
  const auto from_short = play.clients[0].share(shorter);
  const auto from_long = play.clients[1].share(play.roster);
  REQUIRE(from_short.has_value());
  REQUIRE(from_long.has_value());
  const auto context =
      context_hash(keys_hash(hash_of(world.terms), play.roster.entries), play.roster.parameters);
  ShareDelivery delivery{{0, 1, 2, 3, 4, 5}, {}};
  for (const DealtShares& shares : *from_short) {
    if (shares.holder == 1) delivery.shares.push_back({0, shares.sealed});
  }
  REQUIRE(delivery.shares.size() == 1);
  REQUIRE(play.clients[1].mask(delivery, world.input(1)).has_value());
  const SurvivorSet all{{0, 1, 2, 3, 4, 5}, {}};
  REQUIRE(play.clients[1].sign(all).has_value());
  std::vector<SurvivorSignature> signatures;
  for (Member member : all.survivors) {
    signatures.push_back({member, world.identity(member).sign(statement(all, context))});
  }
  const auto revealed = play.clients[1].unmask(signatures);
  REQUIRE(revealed.has_value());
  CHECK(revealed->empty());
}

}  // namespace
}  // namespace fed::secagg
