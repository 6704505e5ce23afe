// A client whose server lies: each lie is refused for its own reason, and afterwards the client
// says nothing more.
#include <algorithm>
#include <catch2/catch.hpp>

#include "world.h"

namespace fed::secagg {
namespace {

constexpr std::size_t kVictim = 2;

template <class T>
void refuses(const Answer<T>& answer, RefusalReason reason) {
  REQUIRE_FALSE(answer.has_value());
  CHECK(std::string(name(answer.error().reason)) == name(reason));
  CHECK(answer.error().detail.size() > 10);
}

// Whatever it is asked after a refusal.
void says_nothing_more(Client& client, const Play& play) {
  CHECK(client.phase() == Client::Phase::refused);
  CHECK_FALSE(client.holds_secrets());
  refuses(client.advertise(play.world.terms), RefusalReason::out_of_turn);
  refuses(client.share(play.roster), RefusalReason::out_of_turn);
  refuses(client.mask({}, play.world.input(0)), RefusalReason::out_of_turn);
  refuses(client.sign(play.set), RefusalReason::out_of_turn);
  refuses(client.unmask(play.signatures), RefusalReason::out_of_turn);
}

// Phase 1: the terms.

void refuses_terms(const std::function<void(Terms&)>& alter, RefusalReason reason) {
  const World world(Options{});
  Terms terms = world.terms;
  alter(terms);
  Client client = world.client(kVictim);
  refuses(client.advertise(terms), reason);
  says_nothing_more(client, Play(world));
}

TEST_CASE("terms that are not what the client works on are refused") {
  refuses_terms([](Terms& terms) { terms.job = "other"; }, RefusalReason::other_job);
  refuses_terms([](Terms& terms) { terms.round += 1; }, RefusalReason::other_job);
  refuses_terms([](Terms& terms) { terms.model[31] ^= 1; }, RefusalReason::other_model);
  refuses_terms([](Terms& terms) { terms.settings[0] ^= 1; }, RefusalReason::other_settings);
  refuses_terms([](Terms& terms) { terms.modulus_bits += 1; }, RefusalReason::other_job);
  refuses_terms([](Terms& terms) { terms.length += 1; }, RefusalReason::other_job);
  refuses_terms([](Terms& terms) { terms.modulus_bits = 65; }, RefusalReason::malformed);
  refuses_terms([](Terms& terms) { terms.length = 0; }, RefusalReason::malformed);
  refuses_terms([](Terms& terms) { terms.clients = 2; }, RefusalReason::malformed);
}

TEST_CASE("terms for fewer clients than a client wants to hide among are refused") {
  World world(Options{});
  world.demands.clients_min = 7;
  Client client = world.client(kVictim);
  refuses(client.advertise(world.terms), RefusalReason::cohort_too_small);
}

TEST_CASE("terms that were answered before are refused, a new attempt is not") {
  const World world(Options{});
  ClientSetup setup = world.setup(kVictim);
  setup.answered_before = [&](const crypto::Hash& hash) { return hash == hash_of(world.terms); };
  Client replayed(setup), again(setup);
  refuses(replayed.advertise(world.terms), RefusalReason::replayed_round);
  Terms next = world.terms;
  next.attempt += 1;
  CHECK(again.advertise(next).has_value());
}

// Phase 2: the roster.

struct AtRoster {
  World world;
  Play play;
  explicit AtRoster(const Options& options = {}) : world(options), play(world) {
    REQUIRE(play.until(Step::advertise).has_value());
  }
  // A client's entry as it would be had it signed these keys.
  void sign_again(SignedKeys& keys, std::size_t as) const {
    keys.signature = world.identity(as).sign(statement(keys, hash_of(world.terms)));
  }
};

void refuses_roster(const std::function<void(AtRoster&, Roster&)>& alter, RefusalReason reason) {
  AtRoster at;
  Roster roster = at.play.roster;
  alter(at, roster);
  Client& client = at.play.clients[kVictim];
  refuses(client.share(roster), reason);
  says_nothing_more(client, at.play);
}

TEST_CASE("terms and rosters of more clients than a sum may have are refused") {
  World world(Options{});
  world.demands.clients_max = 5;
  Client client = world.client(kVictim);
  refuses(client.advertise(world.terms), RefusalReason::cohort_too_large);
  AtRoster at;
  Demands demands = at.world.demands;
  demands.clients_max = static_cast<std::uint32_t>(at.play.roster.entries.size()) - 1;
  const auto checked = check_roster(at.play.roster, at.play.roster.entries[kVictim],
                                    hash_of(at.world.terms), demands, {});
  REQUIRE(checked.has_error());
  CHECK(checked.error().reason == RefusalReason::cohort_too_large);
}

TEST_CASE("a roster with fewer clients than demanded is refused") {
  refuses_roster([](AtRoster&, Roster& r) { r.entries.resize(2); },
                 RefusalReason::cohort_too_small);
}

TEST_CASE("a roster in which this client's entry is missing or altered is refused") {
  refuses_roster([](AtRoster&, Roster& r) { r.entries.erase(r.entries.begin() + kVictim); },
                 RefusalReason::own_keys_altered);
  refuses_roster([](AtRoster&, Roster& r) { r.entries[kVictim].mask_key[3] ^= 1; },
                 RefusalReason::own_keys_altered);
  refuses_roster([](AtRoster&, Roster& r) { r.entries[kVictim].self_commitment[3] ^= 1; },
                 RefusalReason::own_keys_altered);
}

TEST_CASE("keys that their client has not signed for these terms are refused") {
  const auto wrong = RefusalReason::bad_signature;
  refuses_roster([](AtRoster&, Roster& r) { r.entries[0].signature[5] ^= 1; }, wrong);
  refuses_roster([](AtRoster&, Roster& r) { r.entries[0].mask_key[5] ^= 1; }, wrong);
  refuses_roster([](AtRoster&, Roster& r) { r.entries[5].share_key[5] ^= 1; }, wrong);
  refuses_roster([](AtRoster&, Roster& r) { r.entries[0].self_commitment[5] ^= 1; }, wrong);
  refuses_roster([](AtRoster& at, Roster& r) { at.sign_again(r.entries[0], 1); }, wrong);
  // Signed, but for another attempt.
  refuses_roster(
      [](AtRoster& at, Roster& r) {
        Terms other = at.world.terms;
        other.attempt += 1;
        r.entries[0].signature = at.world.identity(0).sign(statement(r.entries[0], hash_of(other)));
      },
      wrong);
}

TEST_CASE("a peer whose identity this client does not know is refused") {
  refuses_roster(
      [](AtRoster& at, Roster& r) {
        r.entries[0].id = "a stranger";
        at.sign_again(r.entries[0], 0);
      },
      RefusalReason::unknown_peer);
}

TEST_CASE("a roster with an id or a key twice, or out of order, is refused") {
  const auto twice = RefusalReason::duplicate_peer;
  refuses_roster([](AtRoster&, Roster& r) { r.entries.insert(r.entries.begin(), r.entries[0]); },
                 twice);
  refuses_roster(
      [](AtRoster& at, Roster& r) {
        r.entries[0].mask_key = r.entries[1].mask_key;
        at.sign_again(r.entries[0], 0);
      },
      twice);
  refuses_roster(
      [](AtRoster& at, Roster& r) {
        r.entries[0].share_key = r.entries[1].mask_key;
        at.sign_again(r.entries[0], 0);
      },
      twice);
  refuses_roster([](AtRoster&, Roster& r) { std::swap(r.entries[0], r.entries[1]); },
                 RefusalReason::malformed);
}

TEST_CASE("a peer with a key of small order is refused") {
  refuses_roster(
      [](AtRoster& at, Roster& r) {
        r.entries[0].share_key = {};
        at.sign_again(r.entries[0], 0);
      },
      RefusalReason::unsafe_key);
}

TEST_CASE("parameters weaker than the client's own rule are refused") {
  const auto weak = RefusalReason::weak_parameters;
  refuses_roster([](AtRoster&, Roster& r) { r.parameters.threshold -= 1; }, weak);
  refuses_roster([](AtRoster&, Roster& r) { r.parameters.threshold = 0; }, weak);
  refuses_roster([](AtRoster&, Roster& r) { r.parameters.threshold = 6; }, weak);
  refuses_roster([](AtRoster&, Roster& r) { r.parameters.neighbours = 2; }, weak);
  refuses_roster([](AtRoster&, Roster& r) { r.parameters.neighbours = 6; }, weak);
  refuses_roster([](AtRoster&, Roster& r) { r.parameters.neighbours = 0; }, weak);
  // The server plans for curious adversaries; the client fears more.
  Options options;
  options.threat = {Adversary::curious, 50, 50};
  AtRoster at(options);
  World fearful(options);
  fearful.demands.threat.adversary = Adversary::semi_malicious;
  Client client = fearful.client(kVictim);
  REQUIRE(client.advertise(at.world.terms).has_value());
  refuses(client.share(at.play.roster), weak);
}

// Phase 3: who dealt shares.

struct AtDelivery {
  World world{Options{}};
  Play play{world};
  ShareDelivery delivery;
  explicit AtDelivery() {
    REQUIRE(play.until(Step::share).has_value());
    delivery = play.server.delivery(kVictim);
  }
  Answer<Bytes> mask() { return play.clients[kVictim].mask(delivery, world.input(kVictim)); }
};

void refuses_delivery(const std::function<void(ShareDelivery&)>& alter, RefusalReason reason) {
  AtDelivery at;
  alter(at.delivery);
  refuses(at.mask(), reason);
  says_nothing_more(at.play.clients[kVictim], at.play);
}

TEST_CASE("a delivery that leaves the client out, or too many others, is refused") {
  refuses_delivery([](ShareDelivery& d) { std::erase(d.sharers, Member{kVictim}); },
                   RefusalReason::absent_from_sharers);
  refuses_delivery([](ShareDelivery& d) { d.sharers = {0, 1, 2}; }, RefusalReason::too_few_sharers);
  refuses_delivery([](ShareDelivery& d) { d.sharers = {1, 2}; }, RefusalReason::too_few_sharers);
}

TEST_CASE("a delivery that is out of order or from strangers is refused") {
  const auto wrong = RefusalReason::malformed;
  refuses_delivery([](ShareDelivery& d) { std::swap(d.sharers[0], d.sharers[1]); }, wrong);
  refuses_delivery([](ShareDelivery& d) { d.sharers.push_back(6); }, wrong);
  refuses_delivery([](ShareDelivery& d) { d.sharers.push_back(5); }, wrong);
  refuses_delivery([](ShareDelivery& d) { d.shares.push_back(d.shares[0]); }, wrong);
  refuses_delivery([](ShareDelivery& d) { d.shares[1].dealer = kVictim; }, wrong);
  refuses_delivery([](ShareDelivery& d) { d.shares.back().dealer = 77; }, wrong);
  refuses_delivery([](ShareDelivery& d) { d.sharers.pop_back(); }, wrong);
}

TEST_CASE("shares that do not open are not there, and the client goes on") {
  AtDelivery at;
  at.delivery.shares[0].sealed[10] ^= 1;
  std::swap(at.delivery.shares[1].sealed, at.delivery.shares[2].sealed);
  REQUIRE(at.mask().has_value());
  SurvivorSet all;
  all.survivors = {0, 1, 2, 3, 4, 5};
  Play& play = at.play;
  REQUIRE(play.clients[kVictim].sign(all).has_value());
  std::vector<SurvivorSignature> signatures;
  for (Member signer : all.survivors) {
    const auto said = statement(all, play.server.context());
    signatures.push_back({signer, at.world.identity(signer).sign(said)});
  }
  const auto revealed = play.clients[kVictim].unmask(signatures);
  REQUIRE(revealed.has_value());
  CHECK(revealed->size() == 2);
}

// Phase 4: who survived.

struct AtSurvivors {
  World world{Options{}};
  Play play{world};
  SurvivorSet set;
  AtSurvivors() {
    play.absent = [](Step step, std::size_t client) { return step == Step::mask && client == 0; };
    REQUIRE(play.until(Step::mask).has_value());
    set = play.set;
  }
};

void refuses_set(const std::function<void(SurvivorSet&)>& alter, RefusalReason reason) {
  AtSurvivors at;
  alter(at.set);
  refuses(at.play.clients[kVictim].sign(at.set), reason);
  says_nothing_more(at.play.clients[kVictim], at.play);
}

TEST_CASE("a survivor set that asks for both secrets of a peer is refused") {
  refuses_set([](SurvivorSet& s) { s.dropped = {0, 1}; }, RefusalReason::both_shares);
  refuses_set([](SurvivorSet& s) { s.survivors.insert(s.survivors.begin(), 0); },
              RefusalReason::both_shares);
}

TEST_CASE("a survivor set that is not a part of those who dealt shares is refused") {
  refuses_set([](SurvivorSet& s) { s.dropped.clear(); }, RefusalReason::not_among_sharers);
  refuses_set([](SurvivorSet& s) { s.survivors.pop_back(); }, RefusalReason::not_among_sharers);

  World world{Options{}};
  Play play(world);
  play.absent = [](Step step, std::size_t client) { return step == Step::share && client == 0; };
  REQUIRE(play.until(Step::mask).has_value());
  SurvivorSet set = play.set;
  set.survivors.insert(set.survivors.begin(), 0);
  refuses(play.clients[kVictim].sign(set), RefusalReason::not_among_sharers);
}

TEST_CASE("a survivor set without this client, or with too few, is refused") {
  refuses_set(
      [](SurvivorSet& s) {
        std::erase(s.survivors, Member{kVictim});
        s.dropped.push_back(kVictim);
      },
      RefusalReason::absent_from_survivors);
  const auto few = RefusalReason::too_few_survivors;
  refuses_set([](SurvivorSet& s) { s = {{1, 2}, {0, 3, 4, 5}}; }, few);
  refuses_set([](SurvivorSet& s) { s = {{1, 2, 3}, {0, 4, 5}}; }, few);  // below the threshold
}

TEST_CASE("a survivor set out of order or with strangers is refused") {
  const auto wrong = RefusalReason::malformed;
  refuses_set([](SurvivorSet& s) { std::swap(s.survivors[0], s.survivors[1]); }, wrong);
  refuses_set([](SurvivorSet& s) { s.survivors.push_back(5); }, wrong);
  refuses_set([](SurvivorSet& s) { s.dropped.push_back(6); }, wrong);
}

TEST_CASE("a second survivor set is refused, and ends the attempt") {
  AtSurvivors at;
  Client& client = at.play.clients[kVictim];
  REQUIRE(client.sign(at.set).has_value());
  const SurvivorSet other{{2, 3, 4, 5}, {0, 1}};
  refuses(client.sign(other), RefusalReason::second_survivor_set);
  says_nothing_more(client, at.play);
}

}  // namespace
}  // namespace fed::secagg
