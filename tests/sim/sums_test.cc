// Secure sums in the world: they are made and abandoned as they should be, and what the referee
// looks for it finds.
#include "sums.h"

#include <catch2/catch.hpp>
#include <functional>
#include <memory>

#include "reference.h"
#include "secagg/packing.h"
#include "sum_cohort.h"

using namespace fed;
using namespace fed::sim;

namespace {

template <class M>
M about(const std::string& job, std::int64_t task, std::int64_t attempt) {
  M message;
  message.name = {job, task, attempt};
  return message;
}

}  // namespace

TEST_CASE("sums: a cohort makes its versions of sums, and every checker is content") {
  Cohort cohort;
  cohort.live();
  cohort.check_all();
  CHECK(cohort.world.ledger().sums().begun() == 2);
  CHECK(cohort.world.ledger().sums().made() == 2);
  CHECK(cohort.world.ledger().sums().short_of_clients() == 0);
}

TEST_CASE("sums: a site that is killed at any question is left out, and the rest is exact") {
  const int question = GENERATE(0, 1, 2, 3, 4);
  CAPTURE(question);
  Cohort cohort;
  bool done = false;
  cohort.world.ledger().on_message = [&](std::size_t client, const wire::Message& message,
                                         bool incoming) {
    const std::vector<bool> is{std::holds_alternative<wire::SecureTerms>(message),
                               std::holds_alternative<wire::SecureRoster>(message),
                               std::holds_alternative<wire::SecureDelivery>(message),
                               std::holds_alternative<wire::SecureSurvivors>(message),
                               std::holds_alternative<wire::SecureSignatures>(message)};
    if (!incoming || client != 1 || done || !is[static_cast<std::size_t>(question)]) return;
    done = true;
    cohort.world.queue().add(cohort.world.queue().now(), &cohort, [&] {
      cohort.world.crash_client(1, Crash::process, std::chrono::seconds(30));
    });
  };
  cohort.live();
  REQUIRE(done);
  cohort.check_all();
  CHECK(cohort.world.ledger().sums().made() == 2);
  CHECK(cohort.world.ledger().sums().abandoned() == 0);
  CHECK(cohort.world.ledger().sums().short_of_clients() == (question < 3 ? 1 : 0));
  cohort.world.queue().drop(&cohort);
}

TEST_CASE("sums: a site whose update is damaged where it lies trains anew") {
  Cohort cohort(R"({
    "name": "job-1", "model": {"type": "linear", "inputs": 30},
    "rounds": {"max": 2, "cohort": 4, "contributions": {"min": 4, "goal": 4}, "seconds": {"max": 60, "select": 1}},
    "secure_aggregation": {"phase_s": 5}})");
  bool done = false;
  cohort.world.ledger().on_message = [&](std::size_t client, const wire::Message& message,
                                         bool incoming) {
    if (!incoming || client != 1 || done || !std::holds_alternative<wire::SecureTerms>(message))
      return;
    done = true;
    Disk& disk = cohort.world.client_disk(1);
    const auto file = disk.open_to_write("/state/outbox/job-1.1.update").value();
    file.write_at(file.size().value() - 5, Bytes{1, 2, 3, 4}).value();
  };
  cohort.live();
  REQUIRE(done);
  cohort.check_all();
}

namespace {

// Makes that operation of the server's disk fail, counted from now.
void fail_operation(World& world, std::uint64_t which) {
  DiskFaults faults;
  faults.fail_at = {world.server_disk().operations() + which};
  world.server_disk().set_faults(faults);
}

// Calls it at the first shares that are given back, in an event of its own; where it is told to,
// and once only.
void at_first_reveal(Cohort& cohort, std::function<void()> then) {
  const auto done = std::make_shared<bool>(false);
  cohort.world.ledger().on_message = [&cohort, done, then](std::size_t,
                                                           const wire::Message& message, bool) {
    if (*done || !std::holds_alternative<wire::SecureReveal>(message)) return;
    *done = true;
    cohort.world.queue().add(cohort.world.queue().now(), &cohort, then);
  };
}

// From what is known of one sum and of another one of the same round, over others, the difference
// would follow: once shares are given back, it is this sum or none.
void check_one_sum_each(Cohort& cohort) {
  cohort.live();
  cohort.check_all();
  CHECK(cohort.world.ledger().sums().begun() == 2);
  cohort.world.queue().drop(&cohort);
}

}  // namespace

TEST_CASE("sums: whatever the disk fails to do at the end of a sum, there is no second one") {
  for (std::uint64_t which = 1; which <= 40; ++which) {
    CAPTURE(which);
    Cohort cohort;
    at_first_reveal(cohort, [&] { fail_operation(cohort.world, which); });
    check_one_sum_each(cohort);
  }
}

TEST_CASE("sums: whatever the disk fails to do when a sum fails, the next one is of everybody") {
  // It needs everybody, and two are away as they are to reveal their shares.
  for (std::uint64_t which = 1; which <= 60; ++which) {
    CAPTURE(which);
    Cohort cohort(R"({
      "name": "job-1", "model": {"type": "linear", "inputs": 30},
      "rounds": {"max": 1, "cohort": 4, "contributions": {"min": 4, "goal": 4}, "seconds": {"max": 60, "select": 1}},
      "secure_aggregation": {"phase_s": 5}})");
    at_first_reveal(cohort, [&] {
      cohort.world.crash_client(1, Crash::process, std::chrono::seconds(30));
      cohort.world.crash_client(2, Crash::process, std::chrono::seconds(30));
      fail_operation(cohort.world, which);
    });
    cohort.live(std::chrono::minutes(30));
    CHECK(cohort.world.ledger().sums().made() == 1);
    cohort.world.queue().drop(&cohort);
  }
}

TEST_CASE("sums: whatever a server that starts again fails to read, it goes on with the same sum") {
  for (std::uint64_t which = 1; which <= 80; which += 2) {
    CAPTURE(which);
    Cohort cohort;
    at_first_reveal(cohort, [&] {
      cohort.world.crash_server(Crash::process, std::chrono::seconds(1));
      fail_operation(cohort.world, which);
    });
    check_one_sum_each(cohort);
  }
}

TEST_CASE(
    "sums: wherever the server stops while inputs come in, whoever is counted is in the sum") {
  for (std::uint64_t which = 1; which <= 60; which += 2) {
    CAPTURE(which);
    Cohort cohort;
    bool done = false;
    cohort.world.ledger().on_message = [&](std::size_t, const wire::Message& message, bool) {
      const auto* offer = std::get_if<wire::Offer>(&message);
      if (done || offer == nullptr || offer->attempt == 0) return;
      done = true;
      DiskFaults faults;
      faults.crash_at = cohort.world.server_disk().operations() + which;
      cohort.world.server_disk().set_faults(faults);
    };
    cohort.live();
    cohort.check_all();
    CHECK(cohort.world.ledger().sums().made() == 2);
  }
}

TEST_CASE("sums: who says something else than it meant to reveal has given its update up") {
  Sums sums;
  const auto reveal = about<wire::SecureReveal>("job-1", 3, 5);
  sums.lied(1, reveal.name, reveal);
  CHECK(sums.reveals(1, "job-1", 3) == 1);
  sums.lied(2, reveal.name, about<wire::SecureKeys>("job-1", 3, 5));
  CHECK(sums.reveals(2, "job-1", 3) == 0);
}

TEST_CASE("sums: an integer that is another one is found") {
  Cohort cohort;
  cohort.live();
  const auto& all = cohort.world.ledger().all_trained();
  const auto [id, update] = *all.begin();
  REQUIRE(update.hidden);
  TrainedUpdate other = update;
  other.coded[3] ^= 0x10;
  cohort.world.ledger().trained(id, other);
  CHECK_THAT(cohort.verdict("models"), Catch::Contains("is not what its 4"));
}

TEST_CASE("sums: an update of one client on the server's disk is found, wherever it lies") {
  Cohort cohort;
  cohort.live();
  CHECK(cohort.verdict("sums") == "");
  const Bytes update = cohort.world.ledger().all_trained().begin()->second.coded;
  REQUIRE(update.size() > 60);
  SimDisk& disk = cohort.world.server_disk();
  Bytes more{1, 2, 3};
  append(more, update);
  replace_file(disk, "/state/anything", more, Durability::process).value();
  CHECK_THAT(cohort.verdict("sums"), Catch::Contains("/state/anything holds site-1's update"));
  disk.remove("/state/anything").value();
  make_folder(disk, "/state/staging/job-1", Durability::process).value();
  replace_file(disk, "/state/staging/job-1/x", update, Durability::process).value();
  const auto checker = check_sums();
  std::string wrong;
  for (int i = 0; i < 100 && wrong.empty() && cohort.world.step(Instant::max()); ++i)
    wrong = checker->after_step(cohort.world);
  CHECK_THAT(wrong, Catch::Contains("holds site-1's update"));
}

TEST_CASE("sums: who is told two things, or says two things, is noticed") {
  using Say = std::function<void(Sums&)>;
  const std::vector<std::pair<const char*, Say>> wrongs{
      {"clients were told two kinds of",
       [](Sums& sums) {
         auto survivors = about<wire::SecureSurvivors>("a", 1, 1);
         survivors.set.survivors = {0, 1, 2};
         sums.overhear(0, survivors, true);
         survivors.set.survivors = {0, 2};
         sums.overhear(1, survivors, true);
       }},
      {"was given shares twice",
       [](Sums& sums) {
         auto delivery = about<wire::SecureDelivery>("a", 1, 1);
         sums.overhear(0, delivery, true);
         delivery.delivery.sharers = {1};
         sums.overhear(0, delivery, true);
       }},
      {"site-4 has given",
       [](Sums& sums) {
         auto keys = about<wire::SecureKeys>("a", 1, 1);
         sums.overhear(3, keys, false);
         keys.keys.mask_key[0] ^= 1;
         sums.overhear(3, keys, false);
       }},
      {"has masked two inputs",
       [](Sums& sums) {
         wire::Offer offer;
         offer.model.emplace();
         offer.attempt = 1;
         sums.overhear(3, offer, false);
         offer.checksum[0] = 1;
         sums.overhear(3, offer, false);
       }},
      {"tells of its own update", [](Sums& sums) {
         wire::Offer offer;
         offer.model.emplace();
         offer.checksum[0] = 1;
         sums.overhear(3, offer, false);
       }}};
  for (const auto& [words, say] : wrongs) {
    Sums sums;
    say(sums);
    CHECK_THAT(sums.wrong(), Catch::Contains(words));
    Sums others;
    say(others);
    CHECK(others.wrong() == sums.wrong());
  }
  // The same once more, and another attempt, is nothing wrong.
  Sums sums;
  for (const std::int64_t attempt : {1, 1, 2}) {
    auto keys = about<wire::SecureKeys>("a", 1, attempt);
    keys.keys.mask_key[0] = static_cast<std::uint8_t>(attempt);
    sums.overhear(3, keys, false);
  }
  CHECK(sums.wrong() == "");
}

namespace {

// All that makes a sum of the first `survivors` of three clients, of whom two rebuild a secret.
void open_sum(Sums& sums, std::int64_t attempt, secagg::Member survivors) {
  auto terms = about<wire::SecureTerms>("job-1", 1, attempt);
  terms.terms.round = 1;
  sums.overhear(0, terms, true);
  auto roster = about<wire::SecureRoster>("job-1", 1, attempt);
  roster.roster.parameters = {3, 2};
  for (int i = 0; i < 4; ++i) {
    roster.roster.entries.emplace_back();
    roster.roster.entries.back().id = "site-" + std::to_string(i + 1);
  }
  sums.overhear(0, roster, true);
  auto set = about<wire::SecureSurvivors>("job-1", 1, attempt);
  for (secagg::Member i = 0; i < 4; ++i)
    (i < survivors ? set.set.survivors : set.set.dropped).push_back(i);
  sums.overhear(0, set, true);
  const std::size_t before = sums.made();
  for (std::int64_t client = 1; client <= 3; ++client) {
    CHECK(sums.made() == before);
    auto reveal = about<wire::SecureReveal>("job-1", 1, attempt);
    for (secagg::Member i = 0; i < 4; ++i) {
      if (i + 1 != client) reveal.shares.push_back({i, {}});
    }
    sums.arrived(client, reveal);
  }
}

}  // namespace

TEST_CASE("sums: one that can be made over others than are counted is found, and a second one") {
  for (const secagg::Member survivors : {3U, 4U}) {
    Cohort cohort;
    cohort.live();
    Sums made;
    open_sum(made, 1, survivors);
    cohort.world.ledger().sums() = made;
    if (survivors == 4) {
      CHECK(cohort.verdict("sums") == "");
      open_sum(cohort.world.ledger().sums(), 2, 4);  // tells nothing new
      CHECK(cohort.verdict("sums") == "");
      open_sum(cohort.world.ledger().sums(), 3, 3);
      CHECK_THAT(cohort.verdict("sums"), Catch::Contains("sums 1 and 3 can both be made"));
    } else {
      CHECK_THAT(cohort.verdict("sums"),
                 Catch::Contains("can be made over 3 clients, and the version counts 4"));
    }
  }
}

namespace {

// The clients of these numbers have handed in an update for the sum.
void hand_in(Sums& sums, std::int64_t attempt, const std::vector<std::size_t>& clients) {
  for (const std::size_t client : clients) {
    auto keys = about<wire::SecureKeys>("job-1", 1, attempt);
    keys.keys.id = "site-" + std::to_string(client + 1);
    sums.overhear(client, keys, false);
    wire::Offer offer;
    offer.job = "job-1";
    offer.task = 1;
    offer.attempt = attempt;
    offer.model.emplace();
    sums.overhear(client, offer, false);
  }
}

}  // namespace

TEST_CASE("sums: shares that come late count, and two sums that tell one update are found") {
  Sums sums;
  open_sum(sums, 1, 4);
  hand_in(sums, 1, {0, 1, 2, 3});
  sums.overhear(0, about<wire::SecureAbandoned>("job-1", 1, 1), true);
  CHECK(sums.made() == 0);
  CHECK(sums.told_apart() == "");
  SECTION("without the last one") {
    open_sum(sums, 2, 3);
    hand_in(sums, 2, {0, 1, 2});
    CHECK_THAT(sums.told_apart(), Catch::Contains("differ in 1 updates only"));
  }
  SECTION("who has revealed has trained anew") {
    for (const std::size_t client : {0U, 1U, 2U}) sums.trained(client, "job-1", 1);
    open_sum(sums, 2, 4);
    hand_in(sums, 2, {0, 1, 2, 3});
    CHECK(sums.told_apart() == "");
  }
}

TEST_CASE("the reference adds up integers as can be said by hand") {
  const auto job = config::parse_job(
      R"({"name":"a","model":{"type":"linear","inputs":2},
          "rounds":{"max":1,"cohort":2},
          "quantisation":{"clipping_norm":4,"steps":64,"weight_max":10}})");
  REQUIRE(job.has_value());
  // 64 * 10 * 2 and a sign: 12 bits. Three coordinates, a weight, and for each of six measures a
  // weight and eight digits.
  const auto packed = [](std::vector<std::uint32_t> words) {
    words.resize(3 + 1 + 6 * 9);
    for (auto& word : words) word &= 0xfff;
    return secagg::pack(words, 12);
  };
  const auto negative = [](std::uint32_t value) { return ~value + 1; };
  const Bytes a = packed({64, negative(3), 0, 1, 5, 2 * 5}), b = packed({320, negative(1), 7, 5});
  const ReferenceSum sum = reference_sum(*job, 1, 3, {&a, &b});
  CHECK(sum.weight == 6);
  CHECK(sum.means == std::vector<double>{4, static_cast<float>(-4 * 0.0625 / 6),
                                         static_cast<float>(7 * 0.0625 / 6)});
  CHECK_FALSE(sum.wraps);
  CHECK(sum.loss_weight == 5);
  CHECK(sum.loss == 2 * 0x1p-16);
  const Bytes most = packed({2047, 0, 0, 1});
  CHECK(reference_sum(*job, 1, 3, {&most, &most}).wraps);
}
