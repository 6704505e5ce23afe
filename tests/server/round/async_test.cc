// Asynchronous jobs: FedAsync (Xie et al. 2019), FedBuff (Nguyen et al. 2022), a seeded order.
#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "base/random.h"
#include "harness.h"

namespace fed::round {
namespace {

struct AsyncNumbers {
  std::int64_t rounds = 3, cohort = 3, goal = 2, min = 0, staleness = 2;
  double task = 100, select = 10;
  bool seeded = false, uniform = false;
};

EngineConfig async_config(const AsyncNumbers& n) {
  config::JobSpec job = job_spec({.rounds = n.rounds,
                                  .cohort = n.cohort,
                                  .min = n.min > 0 ? n.min : n.goal,
                                  .goal = n.goal,
                                  .collect = n.task,
                                  .select = n.select,
                                  .uniform = n.uniform});
  job.rounds.staleness.max = n.staleness;
  if (n.seeded) job.rounds.order = config::RoundsSpec::Order::seeded;
  return engine_config(job, {.bytes = kBytes, .count = kCount}, {});
}

struct AsyncBench : Bench {
  explicit AsyncBench(const AsyncNumbers& n = {}) {
    config = async_config(n);
    engine = Engine(config, now);
    tell(Tick{});
  }
  // What a client that has got this task sends, in whole.
  std::string deliver(ClientId client, std::int64_t task, std::int64_t base) {
    Offered offered = offer(client, task);
    offered.base_version = base;
    offered.checksum = sum_of(static_cast<int>(task));
    return tell(offered, upload(client, task), Recorded{client, task});
  }
  std::string commit() {
    const std::int64_t round = engine.round();
    return tell(Aggregated{round}, Committed{round, {}});
  }
};

TEST_CASE("clients are asked one by one, and nobody waits for another") {
  AsyncBench bench;
  CHECK(bench.arrive(1, 1) == "open 1:1@0; assign 1");
  CHECK(bench.arrive(2, 2) == "open 2:2@0; assign 2");
  CHECK(bench.arrive(3, 3) == "open 3:3@0; assign 3");
  CHECK(bench.arrive(4, 4) == "");  // three are at work
  // Whoever delivers is free; who is asked next is drawn.
  CHECK_THAT(bench.deliver(2, 2, 0), Catch::StartsWith("admit 2; record 2; accepted 2; open 4:"));
  CHECK(bench.engine.version() == 0);
}

TEST_CASE("a fast client is never idle because another is slow") {
  AsyncBench bench({.rounds = 9, .cohort = 2, .goal = 2});
  bench.arrive(1, 2);
  for (std::int64_t task = 3; task < 12; ++task) {
    const std::string happened = bench.deliver(1, task == 3 ? 1 : task - 1, bench.engine.version());
    INFO(happened);
    REQUIRE(bench.engine.job() == JobState::running);
    const auto opened = only<OpenTasks>(bench.effects);
    REQUIRE(opened.size() == 1);
    CHECK(opened[0].tasks[0].client == 1);  // at once, also while a version is being made
    CHECK(opened[0].tasks[0].task == task);
    if (bench.engine.phase() == Phase::closing) {
      // Client 1's next task begins from the version that there is, until the next one is there.
      break;
    }
  }
  CHECK(bench.engine.phase() == Phase::closing);
  CHECK(bench.engine.report().clients.size() == 2);
}

TEST_CASE("while no version can be made, what waits for one has a bound, and then it goes on") {
  AsyncBench bench({.rounds = 9, .cohort = 2, .goal = 2});
  bench.arrive(1, 2);
  // Whoever is asked delivers at once; the version is never said to be made.
  std::size_t accepted = 0;
  std::map<std::int64_t, ClientId> open{{1, 1}, {2, 2}};
  while (!open.empty() && accepted < 100) {
    const auto [task, client] = *open.begin();
    open.erase(open.begin());
    bench.deliver(client, task, 0);
    ++accepted;
    for (const OpenTasks& opened : only<OpenTasks>(bench.effects)) {
      for (const OpenTask& each : opened.tasks) open[each.task] = each.client;
    }
  }
  CHECK(accepted == 8);  // twice cohort and goal
  CHECK_THAT(bench.commit(), Catch::Contains("open 9:"));
}

TEST_CASE("K updates make a version, and later ones count less and are for the next") {
  AsyncBench bench({.cohort = 3, .goal = 2, .staleness = 2});
  bench.arrive(1, 3);
  CHECK_THAT(bench.deliver(1, 1, 0), Catch::Contains("open 4:1@0"));
  CHECK_THAT(bench.deliver(2, 2, 0), Catch::Contains("close 1 [1 2]"));
  const auto first = only<CloseRound>(bench.effects).at(0);
  CHECK(first.total_weight == 10);
  CHECK(first.contributions[0] == Contribution{1, 5, 5, 1, 0, 1.0});
  // While the version is being made another one comes: it waits.
  CHECK_THAT(bench.deliver(1, 4, 0), !Catch::Contains("close"));
  CHECK_THAT(bench.commit(), Catch::Contains("commit 1; begin 2.1 []"));
  CHECK(bench.engine.version() == 1);
  // Task 3 began from version 0 and is delivered for version 2: s = (1 + 1)^-0.5.
  CHECK_THAT(bench.deliver(3, 3, 0), Catch::Contains("close 2 [3 1]"));
  const auto second = only<CloseRound>(bench.effects).at(0);
  CHECK(second.contributions[0].discount == Approx(0.70710678118654752));
  CHECK(second.contributions[0].weight == 5);
  CHECK(second.contributions[1].base_version == 0);
}

TEST_CASE("an update that is too stale is not waited for, and its client is told") {
  AsyncBench bench({.rounds = 9, .cohort = 2, .goal = 1, .staleness = 1});
  bench.arrive(1, 2);
  bench.deliver(1, 1, 0);
  bench.commit();
  bench.deliver(1, 3, 0);
  const std::string second = bench.commit();  // version 2: task 2 from version 0 is 2 behind
  CHECK_THAT(second, Catch::Contains("cancel 2 too_stale; end 2 too_stale"));
  CHECK_THAT(second, Catch::Contains(":2@2"));  // and gets a new one at once, from the latest
  CHECK(bench.deliver(2, 2, 0) == "discarded 2 task_over; discarded 2 task_over");
}

TEST_CASE("the staleness functions are those of the paper") {
  using Weight = config::StalenessSpec::Weight;
  const config::StalenessSpec constant{.max = 9, .weight = Weight::constant};
  const config::StalenessSpec polynomial{.max = 9, .weight = Weight::polynomial, .exponent = 0.5};
  const config::StalenessSpec hinge{.max = 9, .weight = Weight::hinge, .slope = 10, .grace = 4};
  CHECK(discount(constant, 7) == 1);
  CHECK(discount(polynomial, 0) == 1);
  CHECK(discount(polynomial, 3) == Approx(0.5));
  CHECK(discount(hinge, 4) == 1);
  CHECK(discount(hinge, 5) == Approx(1.0 / 11));
  CHECK(discount(hinge, 8) == Approx(1.0 / 41));
}

TEST_CASE("the gate of an asynchronous job") {
  AsyncBench bench({.cohort = 2, .goal = 2});
  bench.arrive(1, 2);
  const auto says = [&](ClientId client, std::int64_t task, std::int64_t base) {
    Offered offered = offer(client, task);
    offered.base_version = base;
    return bench.tell(offered);
  };
  CHECK(says(1, 2, 0) == "discarded 1 task_over");  // somebody else's
  CHECK(says(1, 9, 0) == "refused 1 unknown_round");
  CHECK(says(1, 1, 1) ==
        "refused 1 wrong_base_version; cancel 1 wrong_base_version; "
        "end 1 wrong_base_version");
  CHECK(bench.wait(10) == "open 3:1@0; assign 1");  // after a rest
  CHECK_THAT(bench.deliver(1, 3, 0), Catch::StartsWith("admit 1; record 1; accepted 1; open 4:1"));
  // The receipt was lost.
  Offered again = offer(1, 3);
  again.base_version = 0;
  again.checksum = sum_of(3);
  CHECK(bench.tell(again) == "accepted 1");
  again.checksum = sum_of(99);
  CHECK(bench.tell(again) == "refused 1 duplicate");
}

TEST_CASE("a task that takes too long makes room, and its client rests for a while") {
  AsyncBench bench({.cohort = 1, .goal = 1, .task = 100});
  bench.arrive(1, 2);
  CHECK(bench.engine.report().outstanding == 1);
  const std::string late = bench.wait(100);
  CHECK_THAT(late,
             Catch::StartsWith("cancel 1 deadline_passed; end 1 deadline_passed; open 2:2@0"));
  CHECK_THAT(bench.tell(TaskFailed{2, 2, "no"}), Catch::StartsWith("end 2 task_failed"));
  CHECK(bench.wait(10) == "open 3:1@0; assign 1");
}

TEST_CASE("an order to pause, drain or cancel is followed at any moment of an asynchronous job") {
  AsyncBench bench({.cohort = 2, .goal = 2});
  bench.arrive(1, 2);
  SECTION("paused: nothing new, the clock stands still, uploads are taken") {
    CHECK(bench.tell(Order{JobState::paused}) == "job paused by_operator");
    CHECK(bench.wait(1000) == "");
    CHECK(bench.deliver(1, 1, 0) == "admit 1; record 1; accepted 1");
    CHECK(bench.tell(Order{JobState::running}) == "job running by_operator; open 3:1@0; assign 1");
    CHECK(bench.wait(99) == "");
    CHECK_THAT(bench.wait(1), Catch::Contains("end 2 deadline_passed"));
  }
  SECTION("drained: the open tasks end, then it rests; what was accepted is for later") {
    CHECK(bench.tell(Order{JobState::draining}) == "job draining by_operator");
    CHECK(bench.deliver(1, 1, 0) == "admit 1; record 1; accepted 1");
    CHECK(bench.tell(TaskFailed{2, 2, "no"}) == "end 2 task_failed; drained");
    CHECK(bench.engine.phase() == Phase::idle);
    CHECK_THAT(bench.tell(Order{JobState::running}),
               Catch::StartsWith("job running by_operator; begin 1.2 []"));
    CHECK_THAT(bench.deliver(1, 3, 0), Catch::Contains("close 1 [1 1]"));
  }
  SECTION("cancelled: what was accepted and is in no version is on record") {
    bench.deliver(1, 1, 0);
    CHECK(bench.tell(Order{JobState::cancelled}) ==
          "job cancelled by_operator; cancel 1 job_ended; cancel 2 job_ended; discard 1");
    CHECK(bench.deliver(1, 1, 0) == "discarded 1 job_ended; discarded 1 job_ended");
  }
  SECTION("cancelled while a version is made: that one still counts") {
    bench.deliver(1, 1, 0);
    bench.deliver(2, 2, 0);
    CHECK(bench.tell(Order{JobState::cancelled}) ==
          "job cancelled by_operator; cancel 1 job_ended; cancel 2 job_ended");
    CHECK(bench.commit() == "commit 1");
    CHECK(bench.engine.version() == 1);
  }
}

TEST_CASE("a task that could not be journaled was not given, and is given again later") {
  AsyncBench bench({.cohort = 1, .goal = 1});
  bench.arrive(1, 1);
  CHECK(bench.tell(OpenFailed{1, 1, {ErrorCode::disk_full, "full"}}) == "");
  CHECK(bench.wait(5) == "open 2:1@0; assign 1");
}

TEST_CASE("a restarted asynchronous job has its open tasks and its updates") {
  AsyncBench bench({.cohort = 2, .goal = 2});
  bench.arrive(1, 2);
  bench.deliver(1, 1, 0);
  const Snapshot before = bench.engine.snapshot();
  bench.restart();
  CHECK(bench.engine.snapshot() == before);
  CHECK(bench.tell(Tick{}) == "");
  // Client 2 was at work on task 2 all the time; the receipt of task 1 is repeated.
  Offered again = offer(1, 1);
  again.checksum = sum_of(1);
  CHECK(bench.tell(again) == "accepted 1");
  CHECK_THAT(bench.deliver(2, 2, 0), Catch::Contains("close 1 [1 2]"));
  bench.restart();
  CHECK_THAT(bench.tell(Tick{}), Catch::Contains("close 1 [1 2]"));
  CHECK_THAT(bench.commit(), Catch::Contains("commit 1"));
}

TEST_CASE("the receipt of an update that is in no version yet is repeated after a restart") {
  AsyncBench bench({.cohort = 2, .goal = 2});
  bench.arrive(1, 2);
  bench.deliver(1, 1, 0);
  Snapshot journaled = bench.engine.snapshot();
  journaled.previous.clear();  // as the journal has it: what versions were made of
  bench.engine = Engine(bench.config, journaled, bench.now);
  bench.tell(Tick{});
  bench.arrive(1, 1);
  Offered again = offer(1, 1);
  again.checksum = sum_of(1);
  CHECK(bench.tell(again) == "accepted 1");
  again.checksum = sum_of(7);
  CHECK_THAT(bench.tell(again), Catch::Contains("refused 1") || Catch::Contains("duplicate"));
}

// One life of a job with a seeded order; who is fast is drawn from `luck`. Returns its versions.
std::vector<std::string> life(std::uint64_t luck, bool crashes) {
  AsyncBench bench({.rounds = 12, .cohort = 5, .goal = 2, .staleness = 9, .seeded = true});
  Random random(luck);
  bench.arrive(1, 5);
  std::vector<std::string> versions;
  while (bench.engine.job() == JobState::running) {
    if (crashes && random.below(6) == 0) {
      bench.restart();
      bench.tell(Tick{});
      std::vector<ClientId> order{1, 2, 3, 4, 5};
      random.shuffle(std::span(order));
      for (const ClientId client : order) bench.arrive(client, client);
    }
    if (bench.engine.phase() == Phase::closing) {
      bench.commit();
      continue;
    }
    std::vector<SnapshotMember> open;
    for (const SnapshotMember& member : bench.engine.snapshot().members) {
      if (!member.accepted) open.push_back(member);
    }
    REQUIRE_FALSE(open.empty());
    const SnapshotMember& next = open[random.below(open.size())];
    const std::string happened = bench.deliver(next.client, next.task, next.base_version);
    for (const CloseRound& close : only<CloseRound>(bench.effects)) {
      std::string version;
      for (const Contribution& each : close.contributions) {
        version += fmt::format("{}:{}@{} ", each.task, each.client, each.base_version);
      }
      versions.push_back(version);
    }
  }
  return versions;
}

TEST_CASE("with a seeded order the versions do not depend on who is fast, nor on restarts") {
  const auto expected = life(0, false);
  CHECK(expected.size() == 12);
  std::set<std::string> bases;
  for (const std::string& version : expected) bases.insert(version.substr(version.find('@')));
  CHECK(bases.size() > 3);  // it is really asynchronous
  for (std::uint64_t luck = 1; luck < 40; ++luck) CHECK(life(luck, false) == expected);
  for (std::uint64_t luck = 1; luck < 40; ++luck) CHECK(life(luck, true) == expected);
}

TEST_CASE("a seeded order waits for a full set of clients, but not for ever") {
  AsyncBench bench({.cohort = 3, .goal = 2, .select = 10, .seeded = true});
  CHECK(bench.arrive(1, 2) == "");
  CHECK(bench.wait(10) == "open 1:1@0 2:2@0; assign 1; assign 2");
  bench.deliver(1, 1, 0);
  CHECK_THAT(bench.deliver(2, 2, 0), Catch::Contains("close 1 [1 2]"));
}

}  // namespace
}  // namespace fed::round
