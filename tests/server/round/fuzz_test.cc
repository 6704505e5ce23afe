// Thousands of random lives of a job. World checks every effect; here is what happens, and that it
// always ends.
#include "world.h"

namespace fed::round {
namespace {

class Fuzz {
 public:
  Fuzz(const Numbers& numbers, std::uint64_t seed) : world(numbers, 7), random(seed) {
    world.tell(Tick{});
  }

  // One event, sensible or not.
  void step() {
    world.now += from_seconds(chance(20) ? 40.0 * random.uniform() : random.uniform());
    switch (random.below(17)) {
      case 0:
      case 1:
        world.come(client(), 1 + static_cast<std::int64_t>(random.below(20)));
        break;
      case 2:
        if (chance(3)) world.go(client());
        break;
      case 3:
        if (chance(10)) remove(client());
        break;
      case 4:
        if (chance(4)) world.tell(TaskFailed{client(), round(), "no"});
        break;
      case 5:
        world.tell(Progressed{client(), round(), Work::training, 1, 2});
        break;
      case 6:
      case 7:
      case 8:
        world.tell(any_offer());
        break;
      case 9:
      case 10:
        world.tell(any_upload());
        break;
      case 11:
      case 12:
        write_one();
        break;
      case 13:
      case 14:
        commit_something();
        break;
      case 15:
        nonsense();
        break;
      case 16:
        order();
        break;
    }
  }

  // From now on everybody does what it should, and the disk is empty. Returns false if the job does
  // not get on.
  bool behave() {
    for (ClientId c = 1; c <= world.clients; ++c) world.come(c);
    for (int i = 0; i < 4000 && world.engine.job() != JobState::finished; ++i) {
      if (world.engine.job() != JobState::running) world.tell(Order{JobState::running});
      if (!world.recording.empty()) {
        world.written(world.recording.begin()->first, true);
      } else if (world.committing) {
        world.committed();
      } else if (world.aggregating) {
        world.aggregated();
      } else if (!world.tasks.empty()) {
        const AssignTask task = world.tasks.begin()->second;
        world.tasks.erase(task.client);
        world.tell(offer(task.client, task.task, 1));
        world.tell(upload(task.client, task.task));
      } else if (const auto wakeup = world.engine.next_wakeup()) {
        world.now = std::max(world.now, *wakeup);
        world.tell(Tick{});
      } else {
        return false;
      }
    }
    return world.engine.job() == JobState::finished;
  }

  World world;
  bool cancel_allowed = false;

 private:
  bool chance(std::uint64_t one_in) { return random.below(one_in) == 0; }
  ClientId client() {
    return 1 + static_cast<ClientId>(random.below(static_cast<std::uint64_t>(world.clients)));
  }
  std::int64_t round() {
    const std::int64_t now = world.engine.round();
    return chance(8) ? now + static_cast<std::int64_t>(random.below(3)) - 1 : now;
  }

  void remove(ClientId client) {
    world.connected.erase(client);
    world.tasks.erase(client);
    world.tell(ClientRemoved{client});
  }

  Event any_offer() {
    Offered event = offer(client(), round(), 1 + static_cast<std::int64_t>(random.below(8)));
    if (chance(10)) event.examples = 1000;
    if (chance(15)) event.bytes += 1;
    if (chance(15)) event.base_version += 1;
    if (chance(10)) event.checksum = sum_of(static_cast<int>(100 + random.below(3)));
    return event;
  }

  Event any_upload() {
    UploadCompleted event = upload(client(), round());
    if (chance(10)) event.facts.checksum_ok = false;
    if (chance(15)) event.facts.finite = false;
    if (chance(15)) event.facts.max_abs = 1e30;
    if (chance(15)) event.facts.count += 1;
    return event;
  }

  void write_one() {
    if (world.recording.empty()) return;
    world.written(world.recording.begin()->first, !chance(6));
  }

  void commit_something() {
    if (!world.aggregating && !world.committing) return;
    if (chance(4)) {
      world.commit_failed(!chance(5));
    } else if (world.committing) {
      std::optional<Evaluation> evaluation;
      if (chance(2)) evaluation = {world.engine.version(), random.uniform()};
      world.committed(evaluation);
    } else {
      world.aggregated();
    }
  }

  // Answers that nobody asked for.
  void nonsense() {
    const Error error{ErrorCode::io, "?"};
    const ClientId who = client();
    switch (random.below(6)) {
      case 0:
        if (!world.recording.contains(who)) world.tell(Recorded{who, round()});
        break;
      case 1:
        if (!world.recording.contains(who)) world.tell(RecordFailed{who, round(), error});
        break;
      case 2:
        if (world.engine.phase() != Phase::closing) world.tell(Aggregated{round()});
        break;
      case 3:
        world.tell(BeginFailed{round(), world.engine.attempt(), error});
        break;
      case 4:
        world.tell(ClientAvailable{who, 0}), world.connected.erase(who), world.tasks.erase(who);
        break;
      case 5:
        world.tell(Tick{});
        break;
    }
  }

  void order() {
    switch (random.below(8)) {
      case 0:
        world.tell(Order{JobState::paused});
        break;
      case 1:
        world.tell(Order{JobState::draining});
        break;
      case 2:
        if (chance(10)) world.crash(), world.tell(Tick{});
        break;
      case 3:
        if (cancel_allowed && chance(20)) world.tell(Order{JobState::cancelled});
        break;
      default:
        world.tell(Order{JobState::running});
        break;
    }
  }

  Random random;
};

Numbers some_numbers(std::uint64_t seed) {
  Random random(mix_seed({seed, 1}));
  Numbers n;
  n.cohort = 1 + static_cast<std::int64_t>(random.below(6));
  n.goal = 1 + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(n.cohort)));
  n.min = 1 + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(n.goal)));
  n.rounds = 4;
  n.collect = random.below(4) == 0 ? 0.5 : 20;
  n.select = random.below(4) == 0 ? 0 : 5;
  n.statistics = random.below(2) == 0;
  n.uniform = random.below(2) == 0;
  if (random.below(2) == 0) n.target = 0.99;
  if (random.below(4) == 0) n.patience = 3;
  return n;
}

TEST_CASE("no life of a job breaks a promise, and every job ends once its clients behave") {
  std::map<std::string, int> seen;
  int finished_early = 0;
  for (std::uint64_t seed = 0; seed < 4000; ++seed) {
    INFO("seed " << seed);
    Fuzz fuzz(some_numbers(seed), seed);
    const int steps = static_cast<int>(seed % 300);
    for (int i = 0; i < steps; ++i) fuzz.step();
    finished_early += fuzz.world.engine.job() == JobState::finished;
    const bool ended = fuzz.behave();
    INFO(waiting_for(fuzz.world.engine.report()));
    REQUIRE(ended);
    REQUIRE(fuzz.world.engine.version() <= 4);
    const bool limit = fuzz.world.engine.report().job_reason.reason == Reason::round_limit;
    REQUIRE((fuzz.world.engine.version() == 4 || !limit));
    const auto trained =
        std::count_if(fuzz.world.versions.begin(), fuzz.world.versions.end(),
                      [](const Version& v) { return v.kind == TaskKind::training; });
    REQUIRE(trained == fuzz.world.engine.version());
    for (const auto& [what, count] : fuzz.world.seen) seen[what] += count;
  }
  CHECK(finished_early < 2000);
  for (const char* what :
       {"begin", "assign", "cancel", "admit", "record", "accepted", "refused", "discarded", "retry",
        "close", "commit", "abandon", "job paused", "job draining", "job running", "drained"}) {
    INFO(what << " " << seen[what]);
    CHECK(seen[what] > 500);  // the random events do get everywhere
  }
}

TEST_CASE("a cancelled job stays cancelled and commits at most what was under way") {
  int cancelled = 0;
  for (std::uint64_t seed = 0; seed < 800; ++seed) {
    INFO("seed " << seed);
    Fuzz fuzz(some_numbers(seed), mix_seed({seed, 2}));
    fuzz.cancel_allowed = true;
    std::optional<std::int64_t> at_cancel;
    for (int i = 0; i < 600; ++i) {
      fuzz.step();
      if (fuzz.world.engine.job() != JobState::cancelled) {
        REQUIRE_FALSE(at_cancel);
        continue;
      }
      if (!at_cancel) at_cancel = fuzz.world.engine.version();
      REQUIRE(fuzz.world.engine.version() <= *at_cancel + 1);
      REQUIRE_FALSE(fuzz.world.engine.next_wakeup());
    }
    cancelled += at_cancel.has_value();
  }
  CHECK(cancelled > 100);
}

TEST_CASE("the same events give the same effects") {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    Fuzz one(some_numbers(seed), seed), two(some_numbers(seed), seed);
    for (int i = 0; i < 200; ++i) one.step(), two.step();
    REQUIRE(one.behave() == two.behave());
    CHECK(one.world.versions == two.world.versions);
    CHECK(one.world.seen == two.world.seen);
    CHECK(one.world.engine.snapshot() == two.world.engine.snapshot());
  }
}

}  // namespace
}  // namespace fed::round
