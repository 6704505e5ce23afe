// The client's part in secure sums, with a real server and the others' parties: what was revealed
// for one sum goes into no other.
#include "app/secure_work.h"

#include "../session/secure_cohort.h"
#include "core_bench.h"
#include "secagg/packing.h"

namespace fed::app {
namespace {

using test::Cohort;

constexpr const char* kAnswered = "/state/secure.answered";

// Site 0 of the cohort, as a process that may be started anew.
class WorkingSite {
 public:
  WorkingSite()
      : outbox_(session::Outbox::open(disk.disk, "/state/outbox", test::storage_key()).value()) {
    train(1);
    start();
  }

  void start() {
    config::SecureAgreementSpec agreement;
    agreement.clients_min = 3;
    agreement.peers = config::SecureAgreementSpec::Peers::first_use;
    work.emplace(SecureWork::Setup{
        .disk = disk.disk,
        .state_dir = "/state",
        .agreement = agreement,
        .identity = identity_,
        .random = test::random_of("site-0"),
        .loop = loop_,
        .work = masking_,
        .outbox = outbox_,
        .send = [this](wire::Message message) { said.push_back(std::move(message)); },
        .masked = [this](const wire::Offer& offer) { masked.push_back(offer); },
        .unmasked = [this](const std::string&, std::int64_t) { ++unmasked; },
        .lost = [this](const wire::Offer& offer, const Error&) { lost.push_back(offer); },
        .refused = [this](const wire::SecureRefused& told) { refused = told; }});
  }

  // What lies in the outbox from now on.
  void train(std::uint32_t value) { train(value, cohort.terms.length); }
  void train(std::uint32_t value, std::uint64_t length) {
    wire::Offer offer;
    offer.job = cohort.terms.job;
    offer.task = cohort.name.task;
    offer.base_version = static_cast<std::int64_t>(cohort.terms.round) - 1;
    offer.examples = 1;
    offer.model = cohort.terms.model;
    offer.settings = cohort.terms.settings;
    const std::vector<std::uint32_t> words(length, value);
    update = outbox_.put(offer, secagg::pack(words, cohort.terms.modulus_bits)).value();
  }

  void hears_terms(std::uint32_t attempt) {
    wire::SecureTerms message{cohort.name, cohort.terms};
    message.name.attempt = message.terms.attempt = attempt;
    work->on(message, {.shape = SecureShape{.settings = cohort.terms.settings,
                                            .threat = cohort.terms.threat,
                                            .modulus_bits = cohort.terms.modulus_bits,
                                            .length = cohort.terms.length,
                                            .survivors_min = 3,
                                            .clients_max = 5},
                       .update = &update,
                       .open = true,
                       .name = "site-0"});
  }

  void make_mask() {
    masking_.release();
    loop_.pass(0);
  }

  // Everybody answers everything up to the signatures; the server then asks for the shares.
  void sign() {
    share();
    make_mask();
    REQUIRE(masked.size() == 1);
    for (std::uint32_t i = 0; i < cohort.parties.size(); ++i) {
      if (i > 0) cohort.parties[i].mask(cohort.delivery(i), cohort.input(i)).value();
      cohort.server->input(i).value();
    }
    cohort.survivors = {cohort.name, cohort.server->close_inputs().value()};
    work->on(cohort.survivors);
    cohort.server->signature(0, last<wire::SecureSignature>().signature).value();
    for (std::uint32_t i = 1; i < cohort.parties.size(); ++i)
      cohort.server->signature(i, cohort.parties[i].on(cohort.survivors)->signature).value();
    cohort.signatures = {cohort.name, cohort.server->close_signatures().value()};
  }
  // The same up to the shares; the mask of its own input is being made.
  void share() {
    hears_terms(cohort.terms.attempt);
    cohort.server->keys(last<wire::SecureKeys>().keys).value();
    for (std::size_t i = 1; i < cohort.parties.size(); ++i) {
      const auto keys = cohort.parties[i].on(wire::SecureTerms{cohort.name, cohort.terms}).value();
      cohort.server->keys(keys.keys).value();
    }
    cohort.roster = {cohort.name, cohort.server->close_keys().value(), {}};
    for (const auto& site : cohort.sites)
      cohort.roster.identities.push_back(site->identity.verify_key());
    work->on(cohort.roster);
    cohort.server->shares(0, last<wire::SecureShares>().shares).value();
    for (std::uint32_t i = 1; i < cohort.parties.size(); ++i)
      cohort.server->shares(i, cohort.parties[i].on(cohort.roster, test::kNow)->shares).value();
    cohort.server->close_shares().value();
    work->on(cohort.delivery(0));
  }
  void reveal() {
    sign();
    work->on(cohort.signatures);
    cohort.server->reveal(0, last<wire::SecureReveal>().shares).value();
  }
  void hears_end() { work->on(wire::SecureAbandoned{cohort.name, "too few came back"}); }

  template <class M>
  M last() const {
    INFO("said last: " << (said.empty() ? "nothing" : wire::name(said.back())));
    REQUIRE_FALSE(said.empty());
    REQUIRE(std::holds_alternative<M>(said.back()));
    return std::get<M>(said.back());
  }

  Cohort cohort;
  test::StateDisk disk;
  wire::Offer update;
  std::optional<SecureWork> work;
  std::vector<wire::Message> said;
  std::vector<wire::Offer> masked, lost;
  std::optional<wire::SecureRefused> refused;  // as this site's people are told
  int unmasked = 0;

 private:
  const crypto::Ed25519KeyPair identity_ = test::identity_of("site-0");
  test::ManualLoop loop_;
  test::HeldWork masking_;
  session::Outbox outbox_;
};

constexpr std::uint32_t kNext = 3;  // after the cohort's own attempt

TEST_CASE("secure work: an update that was revealed is in no other sum") {
  WorkingSite site;
  site.reveal();
  SECTION("whatever the server says next") {}
  SECTION("in no later life") {
    site.disk.cut_power();
    site.start();
  }
  site.hears_terms(kNext);
  CHECK(site.last<wire::SecureRefused>().reason == "revealed");
  REQUIRE(site.lost.size() == 1);
  CHECK(site.lost[0].task == site.update.task);
}

TEST_CASE("secure work: a sum that comes to nothing costs the update, if it was revealed") {
  WorkingSite site;
  SECTION("revealed") {
    site.reveal();
    site.hears_end();
    REQUIRE(site.lost.size() == 1);
    CHECK(site.lost[0].checksum == site.update.checksum);
  }
  SECTION("not revealed: it is in the next one") {
    site.sign();
    site.hears_end();
    CHECK(site.lost.empty());
    site.hears_terms(kNext);
    CHECK(site.last<wire::SecureKeys>().name.attempt == kNext);
  }
  CHECK(site.unmasked == 1);
  CHECK(site.work->input(site.update.job, site.update.task) == nullptr);
}

TEST_CASE("secure work: a mask that is ready when its sum is over is of no other one") {
  WorkingSite site;
  site.share();
  site.hears_end();
  site.hears_terms(kNext);
  site.make_mask();
  CHECK(site.masked.empty());
  CHECK(site.work->input(site.cohort.name.job, site.cohort.name.task) == nullptr);
}

TEST_CASE("secure work: what can never be masked is lost, and is trained anew") {
  WorkingSite site;
  site.train(1, site.cohort.terms.length / 2);
  site.share();
  site.make_mask();
  CHECK(site.masked.empty());
  CHECK(site.last<wire::SecureRefused>().reason == "no_update");
  CHECK(site.lost.size() == 1);
}

TEST_CASE("secure work: an update goes into no sum that it was not made for") {
  WorkingSite site;
  SECTION("of another text of the job, whose noise may be less") {
    site.update.settings = crypto::Hash{};
  }
  SECTION("of an earlier version of this program, which did not say") {
    site.update.settings.reset();
  }
  SECTION("of another kind, which has no noise") { site.update.model = crypto::Hash{}; }
  site.hears_terms(site.cohort.terms.attempt);
  CHECK(site.last<wire::SecureRefused>().reason == "other_job");
  CHECK(site.lost.size() == 1);
}

TEST_CASE("secure work: one that was revealed is given up when another task's sum begins") {
  WorkingSite site;
  site.reveal();
  const wire::Offer revealed = site.update;
  ++site.cohort.name.task;
  site.train(2);
  site.hears_terms(kNext);
  CHECK(site.last<wire::SecureKeys>().name.attempt == kNext);
  REQUIRE(site.lost.size() == 1);
  CHECK(site.lost[0].task == revealed.task);
}

TEST_CASE("secure work: the end of a job takes its masked input off offer") {
  WorkingSite site;
  site.sign();
  site.work->forget(site.update.job);
  CHECK(site.unmasked == 1);
  CHECK(site.work->input(site.update.job, site.update.task) == nullptr);
  site.work->forget(site.update.job);
  CHECK(site.unmasked == 1);
}

// As of a model that does not change any more.
TEST_CASE("secure work: another task's update of the same bytes is another update") {
  WorkingSite site;
  site.reveal();
  site.hears_end();
  const Checksum revealed = site.update.checksum;
  ++site.cohort.name.task;
  site.train(1);
  REQUIRE(site.update.checksum == revealed);
  site.hears_terms(kNext);
  CHECK(site.last<wire::SecureKeys>().name.attempt == kNext);
}

TEST_CASE("secure work: what is trained anew is another update") {
  WorkingSite site;
  site.reveal();
  site.hears_end();
  site.train(2);
  site.hears_terms(kNext);
  CHECK(site.last<wire::SecureKeys>().name.attempt == kNext);
  CHECK(site.lost.size() == 1);
}

TEST_CASE("secure work: nothing is revealed that is not on record before") {
  WorkingSite site;
  site.sign();
  site.disk.fail_operation(1);
  site.work->on(site.cohort.signatures);
  CHECK(site.last<wire::SecureRefused>().reason == "not_recorded");
  CHECK_THAT(site.last<wire::SecureRefused>().detail, !Catch::Contains("/state"));
  CHECK(site.refused->reason == "not_recorded");
  CHECK_THAT(site.refused->detail, Catch::Contains(kAnswered));
  for (const wire::Message& message : site.said)
    CHECK_FALSE(std::holds_alternative<wire::SecureReveal>(message));
}

TEST_CASE("secure work: a damaged memory of earlier sums is named here, and not to the server") {
  WorkingSite site;
  site.disk.write(kAnswered, "nonsense\n");
  site.hears_terms(kNext);
  CHECK(site.last<wire::SecureRefused>().reason == "no_memory_of_peers");
  CHECK_THAT(site.last<wire::SecureRefused>().detail, !Catch::Contains("/state"));
  CHECK_THAT(site.refused->detail, Catch::Contains(kAnswered));
}

TEST_CASE("secure work: the record of what was revealed is on the disk when the shares leave") {
  WorkingSite site;
  site.reveal();
  const std::string record = site.disk.text(kAnswered);
  CHECK_THAT(record, Catch::Contains(to_hex(site.update.checksum)));
}

}  // namespace
}  // namespace fed::app
