// What a job says and records at moments that only a test can make.
#include "app/job.h"

#include <catch2/catch.hpp>
#include <cstring>

#include "base/checksum.h"
#include "job_bench.h"

namespace fed::app {
namespace {

using test::BenchClient;
using test::JobBench;

// Two updates make a version.
constexpr const char* kBuffered = R"({
  "name": "a", "model": {"type": "linear", "inputs": 2},
  "rounds": {"max": 3, "cohort": 2, "contributions": {"min": 2, "goal": 2}, "staleness": {"max": 4}}})";

constexpr std::int64_t kExamples = 10;

Bytes update(float first) {
  const float values[] = {first, 0.25F, -0.5F};
  Bytes bytes(sizeof values);
  std::memcpy(bytes.data(), values, sizeof values);
  return bytes;
}

wire::Offer offer_of(const wire::Task& task, const Bytes& bytes) {
  wire::Offer offer;
  offer.job = task.job;
  offer.task = task.task;
  offer.base_version = task.base_version;
  offer.examples = kExamples;
  offer.bytes = bytes.size();
  offer.checksum = checksum(bytes);
  return offer;
}

// The same, with the bytes in it.
wire::Offer whole_offer_of(const wire::Task& task, const Bytes& bytes) {
  wire::Offer offer = offer_of(task, bytes);
  offer.body = bytes;
  return offer;
}

// Connects it and lets it take part; returns its task.
wire::Task begins(JobBench& bench, std::int64_t client) {
  bench.connect(client).says(wire::JobAnswer{"a", true, kExamples, ""});
  bench.pass(1);
  const auto tasks = bench.client(client).heard<wire::Task>();
  REQUIRE(tasks.size() == 1);
  return tasks.front();
}

TEST_CASE("a job: an update that waits when a crash follows the end is discarded on record") {
  JobBench bench(kBuffered);
  bench.start();
  const wire::Task task = begins(bench, 1);
  const wire::Offer offer = whole_offer_of(task, update(1));
  bench.client(1).says(offer);
  bench.pass(1);
  REQUIRE(bench.client(1).heard<wire::Receipt>().size() == 1);
  REQUIRE(bench.client(1).heard<wire::Receipt>()[0].outcome == wire::Outcome::accepted);
  REQUIRE(bench.journal().uncommitted("a")->size() == 1);

  // The end is on record, and what follows from it is not.
  bench.restart();
  bench.journal().set_job_state("a", "cancelled", 0, "by the operator", 0).value();
  bench.start();
  REQUIRE(bench.job().ended());
  CHECK(bench.journal().uncommitted("a")->empty());
  const auto rows = bench.journal().contributions("a", 1).value();
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].outcome == "discarded");
  CHECK(rows[0].reason == static_cast<int>(round::Reason::job_ended));
  CHECK(bench.staging().list()->empty());

  // Its client, which has not heard of the acceptance, is told so.
  bench.connect(1).says(offer);
  bench.pass(1);
  const auto receipts = bench.client(1).heard<wire::Receipt>();
  REQUIRE(receipts.size() == 1);
  CHECK(receipts[0].outcome == wire::Outcome::discarded);
  CHECK(receipts[0].reason == static_cast<int>(round::Reason::job_ended));
  CHECK(bench.staging().list()->empty());
}

// Two updates make a version, with noise of the server.
constexpr const char* kPrivate = R"({
  "name": "a", "model": {"type": "linear", "inputs": 2},
  "rounds": {"max": 9, "cohort": 2, "contributions": {"min": 2, "goal": 2}},
  "aggregation": {"weighting": "uniform"},
  "privacy": {"clipping_norm": 2, "noise_multiplier": 1.5, "epsilon_max": 100}})";

TEST_CASE("a job: with privacy a task says which earlier ones are counted, also after a crash") {
  JobBench bench(kPrivate);
  const auto begin = [&bench] {
    bench.start();
    for (const std::int64_t client : {1, 2}) {
      bench.connect(client).says(wire::JobAnswer{"a", true, kExamples, ""});
    }
    bench.pass(1);
  };
  const auto last_task = [&bench](std::int64_t client) {
    const auto tasks = bench.client(client).heard<wire::Task>();
    REQUIRE_FALSE(tasks.empty());
    return tasks.back();
  };
  begin();
  std::vector<std::int64_t> counted;
  for (const std::int64_t round : {1, 2, 3}) {
    for (const std::int64_t client : {1, 2}) {
      const wire::Task task = last_task(client);
      REQUIRE(task.task == round);
      CHECK(task.privacy_tasks == counted);
      bench.client(client).says(whole_offer_of(task, update(1)));
    }
    bench.pass(1);
    counted.push_back(round);
  }
  bench.restart();
  begin();
  CHECK(last_task(1).task == 4);
  CHECK(last_task(1).privacy_tasks == counted);
  CHECK(last_task(2).privacy_tasks == counted);
}

// All that a model comes with, as `fedserver export` gives it away.
std::string story_of_first_model(const std::string& text) {
  JobBench bench(text);
  bench.start();
  for (const std::int64_t client : {1, 2}) {
    bench.connect(client).says(wire::JobAnswer{"a", true, kExamples, ""});
  }
  bench.pass(1);
  for (const std::int64_t client : {1, 2}) {
    const auto tasks = bench.client(client).heard<wire::Task>();
    bench.client(client).says(whole_offer_of(tasks.back(), update(1)));
  }
  bench.pass(1);
  REQUIRE(bench.job().version() == 1);
  const auto layout = bench.job().plan().model->layout();
  std::string story;
  for (const auto& [key, value] : bench.checkpoints().load("a", 1, layout).value().metadata) {
    story += key + "=" + value + "\n";
  }
  return story;
}

TEST_CASE("a job: with privacy its models do not name who took part") {
  CHECK_THAT(story_of_first_model(kBuffered),
             Catch::Contains("site-1") && Catch::Contains("site-2"));
  const std::string story = story_of_first_model(kPrivate);
  CHECK_THAT(story, Catch::Contains("job_text=") && !Catch::Contains("site-"));
  CHECK_THAT(story, !Catch::Contains("contributions="));
}

TEST_CASE("a job: who answers it after its end is told of the end") {
  JobBench bench(kBuffered);
  bench.start();
  bench.connect(1);
  bench.connect(2).says(wire::JobAnswer{"a", true, kExamples, ""});
  REQUIRE(bench.client(1).heard<wire::JobOffer>().size() == 1);
  bench.pass(1);
  REQUIRE(bench.job().order(round::JobState::cancelled).has_value());
  bench.pass(1);
  CHECK(bench.client(2).heard<wire::JobEnded>().size() == 1);
  CHECK(bench.client(1).heard<wire::JobEnded>().empty());  // it reads its data still
  bench.client(1).says(wire::JobAnswer{"a", true, kExamples, ""});
  bench.pass(1);
  REQUIRE(bench.client(1).heard<wire::JobEnded>().size() == 1);
  CHECK(bench.client(1).heard<wire::JobEnded>()[0].job == "a");
  CHECK(bench.client(1).heard<wire::Task>().empty());
}

// Sends a whole update in one chunk, as the server has admitted it.
void uploads(JobBench& bench, std::int64_t client, const wire::Offer& offer, const Bytes& bytes) {
  bench.client(client).says(offer);
  bench.pass(1);
  const auto admitted = bench.client(client).heard<wire::Admit>();
  REQUIRE(admitted.size() == 1);
  const std::uint64_t from = admitted[0].offset;
  if (from < bytes.size())
    bench.client(client).sends(admitted[0].upload, from, ByteView(bytes).subspan(from));
  bench.pass(1);
}

// Client 1 has sent all of its update, and the news of that is held back.
wire::Task sends_unheard(JobBench& bench, const Bytes& bytes) {
  bench.start();
  const wire::Task task = begins(bench, 1);
  bench.hold_uploads();
  uploads(bench, 1, offer_of(task, bytes), bytes);
  return task;
}

TEST_CASE("a job: an update whose file a newer connection has taken back is not acknowledged") {
  JobBench bench(kBuffered);
  const Bytes bytes = update(1);
  const wire::Task task = sends_unheard(bench, bytes);

  // A newer connection offers the same before the news of the last byte is heard.
  const auto newer = bench.staging().receive({"a", task.task, 1}, bytes.size(), checksum(bytes));
  REQUIRE(newer.has_value());
  REQUIRE_FALSE(bench.staging().list()->front().complete);
  bench.deliver();
  bench.pass(1);
  CHECK(bench.client(1).heard<wire::Receipt>().empty());
  CHECK(bench.journal().uncommitted("a")->empty());
}

constexpr const char* kFour = R"({
  "name": "a", "model": {"type": "linear", "inputs": 2},
  "rounds": {"max": 3, "cohort": 4, "contributions": {"min": 4, "goal": 4}}})";

TEST_CASE("a job: an earlier update that is counted is accepted once more after the end") {
  JobBench bench(R"({"name": "a", "model": {"type": "linear", "inputs": 2},
                     "rounds": {"max": 2, "cohort": 1}})");
  bench.start();
  begins(bench, 1);
  std::vector<wire::Offer> offers;
  for (std::size_t round = 0; round < 2; ++round) {
    const auto tasks = bench.client(1).heard<wire::Task>();
    REQUIRE(tasks.size() == round + 1);
    offers.push_back(whole_offer_of(tasks[round], update(static_cast<float>(round))));
    bench.client(1).says(offers.back());
    bench.pass(1);
  }
  REQUIRE(bench.job().ended());
  bench.restart();
  bench.start();
  bench.connect(1).says(offers[0]);
  bench.pass(1);
  const auto receipts = bench.client(1).heard<wire::Receipt>();
  REQUIRE(receipts.size() == 1);
  CHECK(receipts[0].outcome == wire::Outcome::accepted);
}

// So many of four clients have sent their updates, and the news of that comes at once.
void arrive(JobBench& bench, std::int64_t clients) {
  bench.start();
  for (std::int64_t client = 1; client <= 4; ++client) {
    bench.connect(client).says(wire::JobAnswer{"a", true, kExamples, ""});
  }
  bench.pass(1);
  bench.hold_uploads();
  for (std::int64_t client = 1; client <= clients; ++client) {
    const Bytes bytes = update(static_cast<float>(client));
    uploads(bench, client, offer_of(bench.client(client).heard<wire::Task>().at(0), bytes), bytes);
  }
}

void check_receipts_of_three(JobBench& bench) {
  for (std::int64_t client = 1; client <= 3; ++client) {
    const auto receipts = bench.client(client).heard<wire::Receipt>();
    REQUIRE(receipts.size() == 1);
    CHECK(receipts[0].outcome == wire::Outcome::accepted);
  }
  CHECK(bench.journal().uncommitted("a")->size() == 3);
}

TEST_CASE("a job: updates that come together are recorded with one sync, then acknowledged") {
  JobBench bench(kFour);
  arrive(bench, 3);
  const std::uint64_t before = bench.disk().syncs();
  bench.deliver();
  CHECK(bench.client(1).heard<wire::Receipt>().empty());
  bench.pass(1);
  CHECK(bench.disk().syncs() == before + 1);
  check_receipts_of_three(bench);
}

TEST_CASE("a job: no more are accepted than close the round, also where they come together") {
  std::string text = kFour;
  text.replace(text.find(R"("min": 4, "goal": 4)"), 19, R"("min": 2, "goal": 3)");
  JobBench bench(text);
  arrive(bench, 4);
  bench.deliver();
  bench.pass(1);
  REQUIRE(bench.job().version() == 1);
  CHECK(bench.journal().history("a").value().at(0).accepted == 3);
  CHECK(bench.client(4).heard<wire::Receipt>().at(0).outcome == wire::Outcome::discarded);
}

TEST_CASE("a job: an order comes after the updates that are there already") {
  JobBench bench(kFour);
  arrive(bench, 3);
  bench.deliver();
  REQUIRE(bench.job().order(round::JobState::paused).has_value());
  CHECK(bench.journal().uncommitted("a")->size() == 3);
  bench.pass(1);
  check_receipts_of_three(bench);
}

TEST_CASE("a job: where updates cannot be recorded together each is tried alone") {
  JobBench bench(kFour);
  arrive(bench, 3);
  bench.deliver();
  bench.disk().set_faults({.fail_at = {bench.disk().operations() + 1}});
  bench.pass(1);
  check_receipts_of_three(bench);
}

TEST_CASE("a job: bytes that are not those of the latest offer are not acknowledged") {
  JobBench bench(kBuffered);
  const wire::Task task = sends_unheard(bench, update(1));
  // Another update for the task is offered at the moment at which the first one is whole: nothing
  // of it has been received yet.
  bench.job().received(1, offer_of(task, update(2)));
  bench.deliver();
  bench.pass(1);
  for (const wire::Receipt& receipt : bench.client(1).heard<wire::Receipt>()) {
    CHECK(receipt.outcome != wire::Outcome::accepted);
  }
  CHECK(bench.journal().uncommitted("a")->empty());
}

}  // namespace
}  // namespace fed::app
