// A job that is killed and restored commits what it would have committed.
#include "world.h"

namespace fed::round {
namespace {

// Well-behaved clients of which every third update of client 2 is damaged on the way; `crash_at`:
// the number of steps after which the process dies.
class Life {
 public:
  Life(const Numbers& numbers, std::set<int> crash_at)
      : world_(numbers, 5), crashes_(std::move(crash_at)) {
    world_.tell(Tick{});
    connect();
  }

  // Returns the number of steps, 0 if it hung.
  int run() {
    for (int i = 1; i < 2000; ++i) {
      if (world_.engine.job() == JobState::finished) return i;
      if (crashes_.contains(i)) {
        world_.crash();
        connect();
      }
      if (!step()) return 0;
    }
    return 0;
  }

  const std::vector<Version>& versions() const { return world_.versions; }

 private:
  void connect() {
    for (ClientId client = 1; client <= world_.clients; ++client) world_.come(client, 10 + client);
  }

  bool step() {
    if (world_.committing) {
      world_.committed();
    } else if (world_.aggregating) {
      world_.aggregated();
    } else if (!world_.recording.empty()) {
      world_.written(world_.recording.begin()->first, true);
    } else if (!world_.tasks.empty()) {
      // Who is first differs from step to step, so that a crash changes the order of arrival too.
      auto at = world_.tasks.begin();
      std::advance(at, ++turn_ % static_cast<int>(world_.tasks.size()));
      const AssignTask task = at->second;
      world_.tasks.erase(at);
      world_.tell(offer(task.client, task.task, task.client + task.task));
      world_.tell(upload(task.client, task.task));
    } else if (const auto wakeup = world_.engine.next_wakeup()) {
      world_.now = *wakeup;
      world_.tell(Tick{});
    } else {
      return false;
    }
    return true;
  }

  World world_;
  std::set<int> crashes_;
  int turn_ = 0;
};

TEST_CASE("a crash after any step changes nothing in what is committed") {
  for (bool statistics : {false, true}) {
    const Numbers numbers{.rounds = 4, .cohort = 3, .min = 3, .goal = 3, .statistics = statistics};
    Life plain(numbers, {});
    const int steps = plain.run();
    REQUIRE(steps > 0);
    REQUIRE(plain.versions().size() == (statistics ? 5 : 4));
    for (int crash = 1; crash < steps; ++crash) {
      INFO("crash at step " << crash);
      Life life(numbers, {crash});
      REQUIRE(life.run() > 0);
      CHECK(life.versions() == plain.versions());
    }
    std::set<int> often;
    for (int i = 1; i < 2000; i += 4) often.insert(i);
    Life life(numbers, often);
    REQUIRE(life.run() > 0);
    CHECK(life.versions() == plain.versions());
  }
}

TEST_CASE("a snapshot of a restored engine is the snapshot it came from") {
  Bench bench({.cohort = 3, .min = 3, .goal = 3, .statistics = true});
  const auto same = [&] {
    const Snapshot before = bench.engine.snapshot();
    bench.restart();
    CHECK(bench.engine.snapshot() == before);
    CHECK(bench.engine.next_wakeup() == bench.now);  // the first Tick is due at once
    bench.tell(Tick{});
    bench.engine.check_invariants();
  };
  same();
  bench.arrive(1, 3);
  same();
  bench.arrive(1, 3);
  bench.deliver(1);
  bench.tell(TaskFailed{2, 0, "no"}, TaskFailed{3, 0, "no"});  // abandoned
  same();
  CHECK(bench.engine.phase() == Phase::abandoned);
  bench.arrive(1, 3);
  bench.wait(10);
  bench.wait(10);
  CHECK(bench.engine.attempt() == 2);
  for (ClientId client : {2, 3}) bench.deliver(client);
  CHECK(bench.engine.phase() == Phase::closing);
  const Snapshot closed = bench.engine.snapshot();
  CHECK(closed.closed);
  bench.restart();
  CHECK_THAT(bench.tell(Tick{}), Catch::StartsWith("close 0 [1 2 3]"));
  bench.commit();
  same();
  bench.tell(Order{JobState::paused});
  same();
  CHECK(bench.engine.job() == JobState::paused);
  bench.tell(Order{JobState::cancelled});
  same();
  CHECK(bench.engine.job() == JobState::cancelled);
}

TEST_CASE(
    "after a restart the round has a fresh deadline and asks its outstanding members as they "
    "come") {
  Bench bench;
  bench.arrive(1, 3);
  bench.deliver(2);
  bench.now = at(90);
  bench.restart();
  CHECK(bench.tell(Tick{}) == "");
  CHECK(bench.engine.next_wakeup() == at(190));
  CHECK(bench.arrive(1, 4) == "assign 1; assign 3");  // 2 is counted, 4 is not in the cohort
  CHECK(bench.deliver(1) == "admit 1; record 1; accepted 1");
  CHECK(bench.tell(offer(2, 1)) == "accepted 2");
  CHECK(bench.wait(100) == "close 1 [1 2]; cancel 3 round_closed");
}

TEST_CASE("a round whose last contribution was journaled closes at the restart") {
  Bench bench;
  bench.arrive(1, 3);
  Snapshot snapshot = bench.engine.snapshot();
  for (SnapshotMember& member : snapshot.members) member.accepted = Ticket{4, sum_of(1)};
  bench.engine = Engine(bench.config, snapshot, bench.now);
  CHECK(bench.tell(Tick{}) == "close 1 [1 2 3]");
}

TEST_CASE("a round that was closed at its deadline stays closed") {
  Bench bench;
  bench.arrive(1, 3);
  bench.deliver(1);
  bench.deliver(3);
  CHECK_THAT(bench.wait(100), Catch::StartsWith("close 1 [1 3]"));
  bench.restart();
  CHECK(bench.arrive(1, 3) == "close 1 [1 3]");  // and 2 is not asked to train for nothing
}

TEST_CASE("who was refused stays so over a restart, who was asked again does not") {
  Bench bench({.cohort = 2, .min = 1, .goal = 2});
  bench.arrive(1, 2);
  bench.tell(TaskFailed{1, 1, "no"});
  bench.restart();
  CHECK(bench.arrive(1, 2) == "assign 2");
  CHECK(bench.tell(offer(1, 1)) == "refused 1 task_failed");
  bench.tell(ClientGone{2});
  CHECK(bench.wait(100) == "abandon 1.1 deadline_passed");
  bench.wait(10);
  CHECK(bench.wait(10) == "begin 1.2 [1]; assign 1");
  bench.restart();
  CHECK(bench.arrive(1, 1) == "assign 1");
}

TEST_CASE("after a restart those who were there before may come back") {
  Bench bench({.cohort = 2, .min = 2, .goal = 2});
  bench.arrive(1, 2);
  bench.deliver(1);
  Snapshot snapshot = bench.engine.snapshot();
  SECTION("nobody else was") {
    bench.engine = Engine(bench.config, snapshot, bench.now);
    CHECK(bench.arrive(2, 2) == "assign 2");
    CHECK_THAT(bench.tell(TaskFailed{2, 1, "no"}), Catch::StartsWith("abandon 1.1"));
    CHECK(bench.wait(10) == "begin 1.2 [1 2]; assign 2");
  }
  SECTION("a third had its update in a version, and is better than who has failed") {
    snapshot.previous[3] = {.task = 0, .checksum = {}};
    bench.engine = Engine(bench.config, snapshot, bench.now);
    CHECK(bench.arrive(2, 2) == "assign 2");
    CHECK_THAT(bench.tell(TaskFailed{2, 1, "no"}), Catch::StartsWith("abandon 1.1"));
    CHECK(bench.wait(10) == "");
    CHECK(bench.arrive(3, 3) == "begin 1.2 [1 3]; assign 3");
  }
}

TEST_CASE("a job whose last version was journaled is finished at the restart") {
  Bench bench({.rounds = 2});
  bench.engine = Engine(bench.config, Snapshot{.version = 2}, bench.now);
  CHECK(bench.tell(Tick{}) == "job finished round_limit");
}

TEST_CASE("draining is forgotten by a restart, a pause is not") {
  Bench bench;
  bench.arrive(1, 3);
  bench.tell(Order{JobState::draining});
  bench.restart();
  CHECK(bench.engine.job() == JobState::running);
  bench.now = at(50);
  bench.tell(Order{JobState::paused});
  bench.restart();
  CHECK(bench.arrive(1, 3) == "");
  CHECK(bench.wait(1e6) == "");
  CHECK(bench.tell(Order{JobState::running}) ==
        "job running by_operator; assign 1; assign 2; assign 3");
  CHECK(bench.engine.next_wakeup() == bench.now + from_seconds(100));
}

TEST_CASE("an empty or impossible snapshot is a job that begins again, not a hang") {
  Bench bench;
  bench.engine = Engine(bench.config, Snapshot{.attempt = 3, .members = {}}, bench.now);
  CHECK(bench.tell(Tick{}) == "abandon 1.3 too_few_clients");
  bench.arrive(1, 3);
  CHECK_THAT(bench.wait(100), Catch::StartsWith("begin 1.4"));
}

}  // namespace
}  // namespace fed::round
