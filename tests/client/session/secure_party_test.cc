// A client's part in a secure sum: whole attempts with a real server, restarts, disks.
#include "session/secure_party.h"

#include <catch2/catch.hpp>

#include "secure_cohort.h"
#include "session/secure_digest.h"

namespace fed::session {
namespace {

using test::Cohort;
using test::CohortSite;
using test::kNow;

// The sum of the inputs of these clients, modulo 2^24, element by element.
std::vector<std::uint64_t> sum_of(const Cohort& cohort, const std::vector<std::size_t>& clients) {
  std::vector<std::uint64_t> total(cohort.terms.length);
  for (const std::size_t client : clients) {
    const auto values = cohort.input(client);
    for (std::size_t i = 0; i < total.size(); ++i) total[i] += values[i];
  }
  for (auto& value : total) value %= 1 << 24;
  return total;
}

template <class T>
std::string reason(const Answer<T>& answer) {
  REQUIRE_FALSE(answer.has_value());
  return secagg::name(answer.error().reason);
}

TEST_CASE("secure party: the sum is exact, and what is said twice gets the same answer") {
  Cohort cohort;
  cohort.advertise();
  cohort.share();
  cohort.mask();
  cohort.sign();
  cohort.unmask();
  CHECK(cohort.finish() == sum_of(cohort, {0, 1, 2, 3, 4}));
  for (const auto& party : cohort.parties) {
    CHECK(party.is_done());
    CHECK_FALSE(party.refusal());
    CHECK_FALSE(party.holds_secrets());
  }
}

TEST_CASE("secure party: the sum of those who stayed") {
  Cohort cohort(7);
  cohort.advertise();
  cohort.share();
  cohort.mask({1, 4});
  CHECK(cohort.survivors.set.dropped == std::vector<secagg::Member>{1, 4});
  cohort.sign();
  cohort.unmask();
  CHECK(cohort.finish() == sum_of(cohort, {0, 2, 3, 5, 6}));
}

TEST_CASE("secure party: messages of before get their answers until the end") {
  Cohort cohort;
  SecureParty& party = cohort.parties[0];
  const wire::SecureTerms terms{cohort.name, cohort.terms};
  cohort.advertise();
  const auto keys = party.on(terms).value();
  cohort.share();
  const auto shares = party.on(cohort.roster, kNow).value();
  const auto delivery = cohort.delivery(0);
  cohort.mask();
  cohort.sign();
  cohort.unmask();
  CHECK(party.on(terms)->keys == keys.keys);
  CHECK(party.on(cohort.roster, kNow + 1)->shares[2].sealed == shares.shares[2].sealed);
  CHECK(party.has_masked(delivery));
  CHECK_FALSE(party.holds_secrets());
  CHECK_FALSE(party.refusal());
}

TEST_CASE("secure party: a delivery that differs in anything was not masked for") {
  Cohort cohort;
  cohort.advertise();
  cohort.share();
  const auto delivery = cohort.delivery(0);
  cohort.mask();
  const SecureParty& party = cohort.parties[0];
  REQUIRE(party.has_masked(delivery));
  auto other = delivery;
  other.name.task += 1;
  CHECK_FALSE(party.has_masked(other));
  other = delivery;
  other.delivery.sharers.pop_back();
  CHECK_FALSE(party.has_masked(other));
  other = delivery;
  other.delivery.shares[1].sealed[70] ^= 1;
  CHECK_FALSE(party.has_masked(other));
  other = delivery;
  other.delivery.shares[1].dealer += 1;
  CHECK_FALSE(party.has_masked(other));
}

// Alters one thing at a time; each has to show.
template <class Message>
void check_digest(const Message& sound, std::initializer_list<void (*)(Message&)> changes) {
  CHECK(digest(sound) == digest(Message(sound)));
  for (const auto change : changes) {
    Message other = sound;
    change(other);
    CHECK(digest(other) != digest(sound));
  }
}

TEST_CASE("secure party: everything that a message says tells it from another") {
  Cohort cohort;
  using Terms = wire::SecureTerms;
  check_digest<Terms>(
      {cohort.name, cohort.terms},
      {[](Terms& m) { m.name.job.pop_back(); }, [](Terms& m) { m.name.task += 1; },
       [](Terms& m) { m.name.attempt += 1; }, [](Terms& m) { m.terms.clients += 1; },
       [](Terms& m) { m.terms.model[0] ^= 1; }});
  cohort.advertise();
  using Roster = wire::SecureRoster;
  check_digest<Roster>(
      cohort.roster,
      {[](Roster& m) { m.name.attempt += 1; },
       [](Roster& m) { m.roster.parameters.neighbours += 1; },
       [](Roster& m) { m.roster.parameters.threshold += 1; },
       [](Roster& m) { m.roster.entries[4].id.pop_back(); },
       [](Roster& m) { m.roster.entries[4].mask_key[31] ^= 1; },
       [](Roster& m) { m.roster.entries[4].share_key[31] ^= 1; },
       [](Roster& m) { m.roster.entries[4].self_commitment[31] ^= 1; },
       [](Roster& m) { m.roster.entries[4].signature[63] ^= 1; },
       [](Roster& m) { m.roster.entries.pop_back(); }, [](Roster& m) { m.identities[4][31] ^= 1; },
       [](Roster& m) { m.identities.pop_back(); }});
  using Survivors = wire::SecureSurvivors;
  check_digest<Survivors>({cohort.name, {{0, 1, 2}, {3, 4}}},
                          {[](Survivors& m) { m.name.attempt += 1; },
                           [](Survivors& m) {
                             m.set.survivors = {0, 1};
                           },
                           [](Survivors& m) { m.set.dropped = {3}; },
                           [](Survivors& m) {
                             m.set = {{0, 1, 2, 3}, {4}};
                           },
                           [](Survivors& m) {
                             m.set = {{3, 4}, {0, 1, 2}};
                           }});
  using Signatures = wire::SecureSignatures;
  check_digest<Signatures>({cohort.name, {{0, {}}, {1, {}}}},
                           {[](Signatures& m) { m.name.attempt += 1; },
                            [](Signatures& m) { m.signatures[1].signer = 2; },
                            [](Signatures& m) { m.signatures[1].signature[63] = 1; },
                            [](Signatures& m) { m.signatures.pop_back(); }});
}

TEST_CASE("secure party: peers are entered by first use, and a later attempt knows them") {
  Cohort cohort;
  cohort.advertise();
  for (const auto& site : cohort.sites) CHECK(site->peers->all().empty());
  cohort.share();
  for (auto& site : cohort.sites) {
    site->cut_power();
    site->restart();
    CHECK(site->peers->all().size() == 4);
    CHECK_FALSE(site->peers->lookup(site->id));
    for (const auto& peer : cohort.sites) {
      if (peer == site) continue;
      CHECK(site->peers->lookup(peer->id) == peer->identity.verify_key());
    }
  }
}

TEST_CASE("secure party: sites that have pinned each other sum, and write nothing down") {
  Cohort cohort;
  for (std::size_t i = 0; i < cohort.sites.size(); ++i) {
    CohortSite& site = *cohort.sites[i];
    for (const auto& peer : cohort.sites) {
      if (peer->id == site.id) continue;
      site.peers->pin(peer->id, peer->identity.verify_key(), kNow).value();
    }
    site.trust = Trust::pinned;
    site.restart();
    cohort.parties[i] = site.party(cohort.name, cohort.demands);
  }
  const std::string before = cohort.sites[0]->text("/state/roster");
  cohort.advertise();
  cohort.share();
  cohort.mask();
  cohort.sign();
  cohort.unmask();
  CHECK(cohort.finish() == sum_of(cohort, {0, 1, 2, 3, 4}));
  CHECK(cohort.sites[0]->text("/state/roster") == before);
}

TEST_CASE("secure party: after a restart the same attempt is refused, and a later one is not") {
  Cohort cohort;
  cohort.advertise();
  CohortSite& site = *cohort.sites[2];
  site.cut_power();
  site.restart();
  SecureParty again = site.party(cohort.name, cohort.demands);
  CHECK(reason(again.on(wire::SecureTerms{cohort.name, cohort.terms})) == "replayed_round");
  CHECK(again.refusal()->reason == "replayed_round");

  auto name = cohort.name;
  auto terms = cohort.terms;
  name.attempt = terms.attempt = 1;
  SecureParty older = site.party(name, cohort.demands);
  CHECK(reason(older.on(wire::SecureTerms{name, terms})) == "replayed_round");
  name.attempt = terms.attempt = 3;
  SecureParty later = site.party(name, cohort.demands);
  CHECK(later.on(wire::SecureTerms{name, terms}).has_value());

  auto demands = cohort.demands;
  demands.round = terms.round = 6;
  name.attempt = terms.attempt = 9;
  SecureParty earlier = site.party(name, demands);
  CHECK(reason(earlier.on(wire::SecureTerms{name, terms})) == "replayed_round");
}

// The names of this site's files stay there.
void check_says_no_file(const SecureParty& party) {
  REQUIRE(party.refusal().has_value());
  CHECK_THAT(party.refusal()->detail, !Catch::Contains("/") && Catch::Contains("own log"));
}

TEST_CASE("secure party: what cannot be remembered is not answered") {
  Cohort cohort;
  CohortSite& site = *cohort.sites[0];
  SecureParty& party = cohort.parties[0];
  const wire::SecureTerms terms{cohort.name, cohort.terms};
  site.fill_up();
  CHECK(reason(party.on(terms)) == "not_recorded");
  check_says_no_file(party);
  CHECK_FALSE(party.holds_secrets());
  site.disk.set_faults({});
  CHECK(reason(party.on(terms)) == "not_recorded");  // this attempt is over
  SecureParty other = site.party(cohort.name, cohort.demands);
  CHECK(other.on(terms).has_value());  // nothing had been answered
}

TEST_CASE("secure party: peers that cannot be entered get no shares") {
  Cohort cohort;
  cohort.advertise();
  CohortSite& site = *cohort.sites[0];
  site.fill_up();
  CHECK(reason(cohort.parties[0].on(cohort.roster, kNow)) == "not_recorded");
  check_says_no_file(cohort.parties[0]);
  CHECK_FALSE(cohort.parties[0].holds_secrets());
  site.disk.set_faults({});
  site.restart();
  CHECK(site.peers->all().empty());
}

TEST_CASE("secure party: one that moves goes on") {
  Cohort cohort;
  std::vector<SecureParty> moved = std::move(cohort.parties);
  cohort.parties = std::move(moved);
  cohort.advertise();
  moved = std::move(cohort.parties);
  cohort.parties = std::move(moved);
  cohort.share();
  cohort.mask();
  cohort.sign();
  cohort.unmask();
  CHECK(cohort.finish() == sum_of(cohort, {0, 1, 2, 3, 4}));
}

}  // namespace
}  // namespace fed::session
