// The world by itself: it turns, it repeats itself, and what its checkers look for they find.
#include "world.h"

#include <catch2/catch.hpp>
#include <set>

#include "app/local_time.h"
#include "base/log.h"
#include "checker.h"
#include "reference.h"
#include "seed_run.h"

using namespace fed;
using namespace fed::sim;

namespace {

// Gentle worlds: one with a model that fills the window, one whose tasks begin from many versions.
constexpr std::uint64_t kLargeModel = 18, kStaleTasks = 38;

// What happened, line by line; keys are random and not in it.
std::string history(std::uint64_t seed) {
  std::string lines;
  run_seed({.seed = seed, .narrate = [&](const std::string& line) { lines += line + '\n'; }});
  return lines;
}

// A gentle world that has come to its end.
struct Ended {
  explicit Ended(std::uint64_t seed) : world(draw_scenario(seed, Mood::gentle)) {
    REQUIRE(world.begin());
    checkers = all_checkers();
    const Instant until = world.queue().now() + std::chrono::hours(8);
    while (!world.finished() && world.step(until)) watch();
    const Instant quiet = world.queue().now() + std::chrono::minutes(10);
    while (world.step(quiet)) watch();
    INFO(world.unfinished());
    REQUIRE(world.finished());
  }
  void watch() {
    for (const auto& checker : checkers) REQUIRE(checker->after_step(world).empty());
  }
  std::string verdict(const std::string& name) {
    for (const auto& checker : checkers) {
      if (checker->name() == name) return checker->at_end(world);
    }
    return "there is no such checker";
  }

  World world;
  std::vector<std::unique_ptr<Checker>> checkers;
};

const UpdateId& accepted_update(World& world) {
  for (const Told& told : world.ledger().told()) {
    if (told.outcome == wire::Outcome::accepted && told.update.task > 0) return told.update;
  }
  FAIL("nothing was accepted");
  return world.ledger().told().front().update;
}

}  // namespace

TEST_CASE("in a gentle world every job ends, and every checker is content") {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    Ended ended(seed);
    for (const auto& checker : ended.checkers) {
      INFO("seed " << seed << ", " << checker->name());
      CHECK(checker->at_end(ended.world) == "");
    }
  }
}

TEST_CASE("the same seed gives the same history, line by line") {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const std::string first = history(seed);
    CHECK(first.size() > 1000);
    CHECK((first == history(seed)));
  }
}

TEST_CASE("a model of which one number is another is found") {
  Ended ended(3);
  const UpdateId id = accepted_update(ended.world);
  TrainedUpdate update = *ended.world.ledger().find(id);
  update.values[0] += 0.25F;
  ended.world.ledger().trained(id, update);
  CHECK_THAT(ended.verdict("models"), Catch::Contains("is not what"));
}

TEST_CASE("an update that nobody has made is found") {
  Ended ended(3);
  const UpdateId id = accepted_update(ended.world);
  ended.world.ledger().forget(id);
  CHECK_THAT(ended.verdict("models"), Catch::Contains("never made"));
}

TEST_CASE("an acknowledgement without a record is found, and so is an offer without an answer") {
  Ended ended(3);
  wire::Offer offer;
  offer.job = "job-1";
  offer.task = 77;
  ended.world.ledger().overhear(0, offer, false);
  CHECK_THAT(ended.verdict("answers"), Catch::Contains("never answered"));
  wire::Receipt receipt;
  receipt.job = "job-1";
  receipt.task = 77;
  ended.world.ledger().overhear(0, receipt, true);
  CHECK_THAT(ended.verdict("answers"), Catch::Contains("not on record"));
}

TEST_CASE("a refusal without a word is found") {
  Ended ended(3);
  wire::Offer offer;
  offer.job = "job-1";
  offer.task = 78;
  ended.world.ledger().overhear(0, offer, false);
  wire::Receipt receipt{"job-1", 78, wire::Outcome::refused, 1, ""};
  ended.world.ledger().overhear(0, receipt, true);
  CHECK_THAT(ended.verdict("answers"), Catch::Contains("without a word"));
}

TEST_CASE("a refusal of what is counted is found") {
  Ended ended(3);
  const UpdateId id = accepted_update(ended.world);
  const wire::Receipt receipt{id.job, id.task, wire::Outcome::discarded, 20, "too late"};
  ended.world.ledger().overhear(id.client, receipt, true);
  CHECK_THAT(ended.verdict("answers"), Catch::Contains("is counted, and the last"));
}

TEST_CASE("a version that goes back is found, and a job that stands still") {
  Ended ended(3);
  const auto versions = check_versions();
  CHECK_THAT(versions->after_step(ended.world), Catch::Contains("went from version 0"));

  World world(draw_scenario(3, Mood::gentle));
  REQUIRE(world.begin());
  const Instant begun = world.queue().now();
  while (world.server().coordinator().jobs().empty()) REQUIRE(world.step(begun + from_seconds(60)));
  for (std::size_t i = 0; i < world.clients(); ++i) world.client(i).crash();
  world.calm();
  const auto progress = check_progress();
  std::string wrong;
  while (wrong.empty() && world.step(begun + std::chrono::hours(8))) {
    wrong = progress->after_step(world);
  }
  // With nobody there nothing happens any more; the next look is the one that sees it.
  world.step(world.queue().now() + std::chrono::hours(8));
  if (wrong.empty()) wrong = progress->after_step(world);
  CHECK_THAT(wrong, Catch::Contains("no new version"));
}

TEST_CASE("more in staging than the jobs need is found") {
  Ended ended(3);
  const auto limits = check_limits();
  CHECK(limits->after_step(ended.world) == "");
  const std::uint64_t much = 1 << 20;
  REQUIRE(ended.world.server().staging().receive({"job-1", 99, 1}, much, {}).has_value());
  CHECK_THAT(limits->after_step(ended.world), Catch::Contains("bytes are staged"));
}

namespace {

// What the checker says of a gentle world, at the first moment at which it says anything.
std::string first_words(std::uint64_t seed, const std::unique_ptr<Checker>& checker) {
  World world(draw_scenario(seed, Mood::gentle));
  REQUIRE(world.begin());
  const Instant until = world.queue().now() + std::chrono::hours(8);
  while (!world.finished() && world.step(until)) {
    const std::string wrong = checker->after_step(world);
    if (!wrong.empty()) return wrong;
  }
  return {};
}

// The limit's checker with all limits as they are is content in each of these worlds.
std::string first_words(std::uint64_t seed, const LimitShares& shares) {
  CHECK(first_words(seed, check_limits()) == "");
  return first_words(seed, check_limits(shares));
}

}  // namespace

TEST_CASE("more under way or waiting than there may be is found, were there less room") {
  CHECK_THAT(first_words(kLargeModel, LimitShares{.window = 0.9}),
             Catch::Contains("than the window"));
  CHECK_THAT(first_words(kLargeModel, LimitShares{.client_link = 1e-4}),
             Catch::StartsWith("site-") && Catch::EndsWith("bytes waiting"));
  CHECK_THAT(first_words(kLargeModel, LimitShares{.server_link = 1e-6}),
             Catch::StartsWith("a link of the server has"));
}

TEST_CASE("a version of a model that is too old is found, were less allowed") {
  CHECK_THAT(first_words(kStaleTasks, LimitShares{.versions = 0.6}),
             Catch::Contains("holds a model that is"));
}

TEST_CASE("the lines of a server that is told to end are the server's") {
  World world(draw_scenario(3, Mood::gentle));
  REQUIRE(world.begin());
  const Instant begun = world.queue().now();
  const auto& jobs = world.server().coordinator().jobs();
  while (jobs.empty() || !jobs.begin()->second->is_loaded())
    REQUIRE(world.step(begun + from_seconds(60)));
  std::set<std::string> speakers;
  log::redirect([&](log::Level, std::string_view) { speakers.insert(world.queue().speaker()); });
  world.drain_server(std::chrono::seconds(1));
  log::redirect(nullptr);
  CHECK(speakers == std::set<std::string>{"server"});
}

TEST_CASE("a client that is revoked is sent away, and one that would not be is found") {
  Scenario scenario = draw_scenario(3, Mood::gentle);
  scenario.clients.push_back(scenario.clients.back());
  scenario.clients.back().site.client = scenario.clients.size() - 1;
  scenario.joins.push_back(Duration(0));
  World world(scenario);
  REQUIRE(world.begin());
  CHECK_FALSE(world.revoke(0));  // the jobs need it
  const Instant until = world.queue().now() + std::chrono::minutes(1);
  while (world.step(until)) continue;
  REQUIRE(world.session_of(0) != nullptr);
  REQUIRE(world.session_of(scenario.clients.size() - 1) != nullptr);  // it has joined
  const auto checker = check_revoked();
  REQUIRE(world.revoke(0));
  CHECK(world.session_of(0) == nullptr);
  CHECK(checker->after_step(world) == "");
  const Instant later = world.queue().now() + std::chrono::minutes(5);
  while (world.step(later)) REQUIRE(checker->after_step(world) == "");  // it tries again
  world.revoked_ids().insert(world.session_of(1)->client().id);
  CHECK_THAT(checker->after_step(world), Catch::Contains("site-2 is revoked and has a session"));
}

TEST_CASE("an order that cannot be recorded changes nothing, and is not confirmed") {
  const round::JobState to = GENERATE(round::JobState::paused, round::JobState::cancelled);
  World world(draw_scenario(3, Mood::gentle));
  REQUIRE(world.begin());
  const auto job = [&] { return world.server().coordinator().job("job-1"); };
  const Instant until = world.queue().now() + std::chrono::hours(1);
  while (world.step(until) && (!job() || job()->version() < 1)) continue;
  REQUIRE(job()->version() >= 1);
  DiskFaults full;
  full.bytes_max = world.server_disk().bytes_used();
  world.server_disk().set_faults(full);
  const Status refused = world.order("job-1", to);
  REQUIRE_FALSE(refused.has_value());
  CHECK_THAT(refused.error().detail, Catch::Contains("nothing has changed"));
  CHECK(job()->state() == round::JobState::running);
  world.server_disk().set_faults({});
  REQUIRE(world.order("job-1", to).has_value());
  CHECK(job()->state() == to);
}

TEST_CASE("an order that was confirmed and does not hold after a crash is found") {
  World world(draw_scenario(3, Mood::gentle));
  REQUIRE(world.begin());
  const auto loaded = [&] {
    if (!world.server().up()) return false;
    const auto job = world.server().coordinator().job("job-1");
    return job && job->is_loaded();
  };
  const Instant until = world.queue().now() + std::chrono::hours(1);
  while (!loaded() && world.step(until)) continue;
  const auto checker = check_orders();
  REQUIRE(world.order("job-1", round::JobState::paused).has_value());
  const auto restart = [&] {
    world.crash_server(Crash::power, std::chrono::seconds(1));
    while (!loaded() && world.step(until)) continue;
    REQUIRE(loaded());
  };
  restart();
  CHECK(checker->after_step(world) == "");
  REQUIRE(world.server().journal().set_job_state("job-1", "running", 0, "", 0).has_value());
  restart();
  CHECK_THAT(checker->after_step(world),
             Catch::Contains("job-1 is running, but the operator was told that it is paused"));
}

TEST_CASE("a site that trains what it declines is found") {
  Ended ended(3);
  CHECK(ended.verdict("sites") == "");
  ended.world.client(0).traits().spec.jobs.names_declined = {"job-1"};
  CHECK_THAT(ended.verdict("sites"), Catch::Contains("site-1 has trained job-1 and declines it"));
}

TEST_CASE("a site that has a task at work outside its hours is found") {
  Scenario scenario = draw_scenario(3, Mood::gentle);
  scenario.clients[0].training_pace = {std::chrono::minutes(5), std::chrono::minutes(5), true};
  World world(scenario);
  REQUIRE(world.begin());
  const auto checker = check_sites();
  const Instant begun = world.queue().now();
  while (world.client(0).core()->session().active() == nullptr)
    REQUIRE(world.step(begun + std::chrono::minutes(10)));
  REQUIRE(checker->after_step(world) == "");
  // Of these hours its program does not know.
  const int minute = app::local_time(world.client(0).unix_seconds()).second / 60;
  const auto at = [&](int later) { return (minute + later) % config::kMinutesOfDay; };
  world.client(0).traits().spec.limits.hours = {{at(120), at(180)}};
  std::string wrong;
  while (wrong.empty() && world.step(begun + std::chrono::hours(1)))
    wrong = checker->after_step(world);
  CHECK_THAT(wrong, Catch::Contains("site-1 has a task at work outside its hours"));
}

TEST_CASE("a job that nobody has taken on is found at the end") {
  Scenario scenario = draw_scenario(3, Mood::gentle);
  scenario.jobs.back().at = std::chrono::hours(1000);
  const SeedResult result = run_scenario(scenario, {.seed = 3, .narrate = {}});
  REQUIRE(result.failures.size() == 1);
  CHECK_THAT(result.failures[0],
             Catch::StartsWith("the end at") && Catch::Contains("has not been taken on"));
}

TEST_CASE("the reference is the mean, where that can be said by hand") {
  const auto job = config::parse_job(
      R"({"name":"a","model":{"type":"linear","inputs":2},"rounds":{"max":1,"cohort":2}})");
  REQUIRE(job.has_value());
  const ReferenceModel start = reference_start(*job, {1, 2, 3});
  const std::vector<float> a{1, 0, -1}, b{4, 0, 0.5F};
  const ReferenceModel next = reference_step(*job, start, {{&a, 1, 0}, {&b, 2, 0}}, 3);
  CHECK(next.weights == std::vector<float>{4, 2, 3});
}
