// A server that lies to a client's part in a secure sum: each lie is refused by its own name, and
// ends the attempt with nothing left to wipe.
#include <catch2/catch.hpp>

#include "secure_cohort.h"

namespace fed::session {
namespace {

using test::Cohort;
using test::CohortSite;
using test::kNow;

wire::SecureTerms terms_of(const Cohort& cohort) { return {cohort.name, cohort.terms}; }

// The reason's name, once everything that holds after a refusal does.
template <class T>
std::string refused(SecureParty& party, const Answer<T>& answer) {
  REQUIRE_FALSE(answer.has_value());
  REQUIRE(party.refusal());
  const wire::SecureRefused told = *party.refusal();
  CHECK(told.reason == secagg::name(answer.error().reason));
  CHECK(told.detail == answer.error().detail);
  CHECK(told.name == party.name());
  CHECK_FALSE(party.holds_secrets());
  const auto later = party.on(wire::SecureSurvivors{party.name(), {}});
  REQUIRE_FALSE(later.has_value());
  CHECK(secagg::name(later.error().reason) == told.reason);
  return told.reason;
}

std::string on_terms(const Cohort& cohort, const wire::SecureTerms& message) {
  CohortSite site("site-0");
  SecureParty party = site.party(cohort.name, cohort.demands);
  const std::string reason = refused(party, party.on(message));
  CHECK(site.answered->is_new("job", 0, 0));  // nothing was answered
  return reason;
}

TEST_CASE("secure party: terms of another model, settings, job, round, attempt or shape") {
  const Cohort cohort;
  auto message = terms_of(cohort);
  message.terms.model[31] ^= 1;
  CHECK(on_terms(cohort, message) == "other_model");
  message = terms_of(cohort);
  message.terms.settings[0] ^= 1;
  CHECK(on_terms(cohort, message) == "other_settings");
  message = terms_of(cohort);
  message.terms.round += 1;
  CHECK(on_terms(cohort, message) == "other_job");
  message = terms_of(cohort);
  message.terms.job = "joc";
  CHECK(on_terms(cohort, message) == "other_job");
  message = terms_of(cohort);
  message.terms.attempt += 1;
  CHECK(on_terms(cohort, message) == "other_job");
  message = terms_of(cohort);
  message.name.attempt += 1;
  CHECK(on_terms(cohort, message) == "other_job");
  message = terms_of(cohort);
  message.name.attempt = message.terms.attempt = 9;
  CHECK(on_terms(cohort, message) == "other_job");
  message = terms_of(cohort);
  message.terms.length += 1;
  CHECK(on_terms(cohort, message) == "other_job");
}

TEST_CASE("secure party: a cohort below the site's minimum, down to a single client") {
  Cohort cohort(5, 5);
  auto message = terms_of(cohort);
  message.terms.clients = 4;
  CHECK(on_terms(cohort, message) == "cohort_too_small");
  message.terms.clients = 1;
  CHECK(on_terms(cohort, message) == "malformed");
  cohort.advertise();
  auto fewer = cohort.roster;
  fewer.roster.entries.resize(4);
  fewer.identities.resize(4);
  CHECK(refused(cohort.parties[0], cohort.parties[0].on(fewer, kNow)) == "cohort_too_small");
  fewer.roster.entries = {cohort.roster.roster.entries[1]};
  fewer.identities = {cohort.roster.identities[1]};
  CHECK(refused(cohort.parties[1], cohort.parties[1].on(fewer, kNow)) == "cohort_too_small");
  for (const auto& site : cohort.sites) CHECK(site->peers->all().empty());
}

TEST_CASE("secure party: a peer whose key has changed") {
  Cohort cohort;
  CohortSite& site = *cohort.sites[0];
  const auto known = cohort.sites[3]->identity.verify_key();
  site.peers->pin("site-3", known, kNow).value();
  cohort.advertise();
  const auto other = test::identity_of("the server's own");
  cohort.impersonate(3, other);
  SecureParty& party = cohort.parties[0];
  CHECK(refused(party, party.on(cohort.roster, kNow)) == "unknown_peer");
  CHECK_THAT(party.refusal()->detail, Catch::Contains("another key for site-3"));
  CHECK_THAT(party.refusal()->detail, Catch::Contains("fedclient roster pin site-3 KEY"));
  site.restart();
  CHECK(site.peers->lookup("site-3") == known);
  CHECK(site.peers->alarms().at("site-3").offered == other.verify_key());
  CHECK(site.peers->all().size() == 1);  // nobody else came in with that roster
}

TEST_CASE("secure party: a stranger at a site that pins") {
  Cohort cohort;
  CohortSite site("site-0", Trust::pinned);
  for (std::size_t i = 1; i < 4; ++i) {
    const auto& peer = *cohort.sites[i];
    site.peers->pin(peer.id, peer.identity.verify_key(), kNow).value();
  }
  cohort.parties[0] = site.party(cohort.name, cohort.demands);
  cohort.advertise();
  SecureParty& party = cohort.parties[0];
  CHECK(refused(party, party.on(cohort.roster, kNow)) == "unknown_peer");
  CHECK_THAT(party.refusal()->detail, Catch::Contains("site-4 is not in this site's roster"));
}

TEST_CASE("secure party: a stranger who has not signed with the key that the server names") {
  Cohort cohort;
  cohort.advertise();
  cohort.roster.identities[2] = test::identity_of("somebody").verify_key();
  SecureParty& party = cohort.parties[0];
  CHECK(refused(party, party.on(cohort.roster, kNow)) == "bad_signature");
  cohort.sites[0]->restart();
  CHECK(cohort.sites[0]->peers->all().empty());
}

TEST_CASE("secure party: identities that are another's, this client's own, or not there") {
  Cohort cohort;
  cohort.advertise();
  auto roster = cohort.roster;
  roster.identities[0] = test::identity_of("somebody").verify_key();
  CHECK(refused(cohort.parties[0], cohort.parties[0].on(roster, kNow)) == "own_keys_altered");
  roster = cohort.roster;
  roster.identities[3] = roster.identities[4];
  CHECK(refused(cohort.parties[1], cohort.parties[1].on(roster, kNow)) == "duplicate_peer");
  roster = cohort.roster;
  roster.identities[3] = roster.identities[2];
  CHECK(refused(cohort.parties[2], cohort.parties[2].on(roster, kNow)) == "duplicate_peer");
  roster = cohort.roster;
  roster.identities.pop_back();
  CHECK(refused(cohort.parties[3], cohort.parties[3].on(roster, kNow)) == "malformed");
  roster = cohort.roster;
  roster.roster.entries[1].id = "two words";
  CHECK(refused(cohort.parties[4], cohort.parties[4].on(roster, kNow)) == "unknown_peer");
}

TEST_CASE("secure party: a second message of a step that was answered") {
  Cohort cohort;
  SecureParty& party = cohort.parties[0];
  cohort.advertise();
  auto& impatient = cohort.parties[1];
  auto other_terms = terms_of(cohort);
  other_terms.terms.clients += 1;
  CHECK(refused(impatient, impatient.on(other_terms)) == "out_of_turn");
  impatient = cohort.sites[1]->party(cohort.name, cohort.demands);
  party.on(cohort.roster, kNow).value();
  auto other_roster = cohort.roster;
  other_roster.identities[2] = test::identity_of("somebody").verify_key();
  CHECK(refused(party, party.on(other_roster, kNow)) == "out_of_turn");
  CHECK(cohort.sites[0]->peers->alarms().empty());  // it was not looked at
}

TEST_CASE("secure party: a message about another attempt or task") {
  Cohort cohort;
  cohort.advertise();
  auto roster = cohort.roster;
  roster.name.task += 1;
  CHECK(refused(cohort.parties[0], cohort.parties[0].on(roster, kNow)) == "other_job");
  CHECK(cohort.sites[0]->peers->all().empty());
  cohort.parties.erase(cohort.parties.begin());
  auto survivors = wire::SecureSurvivors{cohort.name, {}};
  survivors.name.attempt += 1;
  CHECK(refused(cohort.parties[0], cohort.parties[0].on(survivors)) == "other_job");
}

// All inputs are there but those of `absent`.
struct Masked : Cohort {
  explicit Masked(const std::set<std::size_t>& absent = {}) {
    advertise();
    share();
    mask(absent);
  }
};

TEST_CASE("secure party: a second delivery, and one of another attempt") {
  Masked cohort;
  auto delivery = cohort.delivery(0);
  delivery.delivery.sharers.pop_back();
  CHECK(refused(cohort.parties[0], cohort.parties[0].mask(delivery, cohort.input(0))) ==
        "out_of_turn");
  delivery = cohort.delivery(1);
  delivery.name.attempt += 1;
  CHECK(refused(cohort.parties[1], cohort.parties[1].mask(delivery, cohort.input(1))) ==
        "other_job");
}

TEST_CASE("secure party: survivors who are drop-outs too, are too few, or leave it out") {
  Masked cohort({4});
  auto both = cohort.survivors;
  both.set.dropped = {3, 4};
  CHECK(refused(cohort.parties[0], cohort.parties[0].on(both)) == "both_shares");
  auto few = cohort.survivors;
  few.set = {{1, 2}, {0, 3, 4}};
  CHECK(refused(cohort.parties[1], cohort.parties[1].on(few)) == "too_few_survivors");
  auto without = cohort.survivors;
  without.set = {{0, 1, 3}, {2, 4}};
  CHECK(refused(cohort.parties[2], cohort.parties[2].on(without)) == "absent_from_survivors");
}

TEST_CASE("secure party: fewer survivors than the threshold, where the site asks for two only") {
  Cohort cohort;
  cohort.demands.survivors_min = 2;
  for (std::size_t i = 0; i < cohort.parties.size(); ++i) {
    cohort.parties[i] = cohort.sites[i]->party(cohort.name, cohort.demands);
  }
  cohort.advertise();
  REQUIRE(cohort.roster.roster.parameters.threshold == 3);
  cohort.share();
  cohort.mask();
  // Each has two surviving neighbours.
  cohort.survivors.set = {{0, 1, 2}, {3, 4}};
  CHECK(refused(cohort.parties[0], cohort.parties[0].on(cohort.survivors)) == "too_few_survivors");
}

TEST_CASE("secure party: a second survivor set") {
  Masked cohort;
  SecureParty& party = cohort.parties[0];
  party.on(cohort.survivors).value();
  auto other = cohort.survivors;
  other.set = {{0, 1, 2, 3}, {4}};
  CHECK(refused(party, party.on(other)) == "second_survivor_set");
  CHECK_FALSE(party.on(cohort.survivors).has_value());  // nor the first again
}

TEST_CASE("secure party: too few have signed the survivor set") {
  Masked cohort;
  cohort.sign();
  REQUIRE(cohort.roster.roster.parameters.threshold == 3);
  auto few = cohort.signatures;
  few.signatures.resize(2);
  CHECK(refused(cohort.parties[0], cohort.parties[0].on(few)) == "no_quorum");
  auto forged = cohort.signatures;
  for (std::size_t i = 1; i < forged.signatures.size(); ++i) {
    forged.signatures[i].signature[5] ^= 1;
  }
  CHECK(refused(cohort.parties[1], cohort.parties[1].on(forged)) == "no_quorum");
}

TEST_CASE("secure party: a second unmasking") {
  Masked cohort;
  cohort.sign();
  cohort.unmask();
  SecureParty& party = cohort.parties[0];
  CHECK(party.on(cohort.signatures).has_value());
  auto other = cohort.signatures;
  std::swap(other.signatures[0], other.signatures[1]);
  CHECK(refused(party, party.on(other)) == "repeated_unmasking");
}

}  // namespace
}  // namespace fed::session
