#include <catch2/catch.hpp>
#include <set>

#include "harness.h"

namespace fed::round {
namespace {

TEST_CASE("a round from the first client to the commit, and the next begins at once") {
  Bench bench;
  CHECK(bench.tell(Tick{}) == "");
  CHECK(bench.arrive(1, 2) == "");
  CHECK(bench.arrive(3, 3) == "begin 1.1 [1 2 3]; assign 1; assign 2; assign 3");
  const auto begun = only<BeginRound>(bench.effects).at(0);
  CHECK(begun.base_version == 0);
  CHECK(begun.goal == 3);
  CHECK(begun.total_weight == 30);
  CHECK(begun.collect_max == from_seconds(100));
  CHECK(bench.tell(offer(2, 1)) == "admit 2");
  CHECK(bench.tell(upload(2, 1)) == "record 2");
  CHECK(only<Record>(bench.effects).at(0).weight == 5);
  CHECK(bench.tell(Recorded{2, 1}) == "accepted 2");
  CHECK(bench.deliver(1, 10) == "admit 1; record 1; accepted 1");
  CHECK(bench.deliver(3, 1) == "admit 3; record 3; accepted 3; close 1 [1 2 3]");
  const auto closed = only<CloseRound>(bench.effects).at(0);
  CHECK(closed.contributions ==
        std::vector<Contribution>{{1, 10, 10, 1}, {2, 5, 5, 1}, {3, 1, 1, 1}});
  CHECK(closed.total_weight == 30);
  CHECK(bench.tell(Aggregated{1}) == "commit 1");
  CHECK(bench.tell(Committed{1, {}}) == "begin 2.1 [1 2 3]; assign 1; assign 2; assign 3");
  CHECK(bench.engine.version() == 1);
  CHECK(only<AssignTask>(bench.effects).at(0).base_version == 1);
}

TEST_CASE("a job ends at its last version and repeats lost receipts afterwards") {
  Bench bench({.rounds = 1});
  bench.arrive(1, 3);
  for (ClientId client : {1, 2, 3}) bench.deliver(client);
  CHECK(bench.commit() == "commit 1; job finished round_limit");
  CHECK(bench.engine.job() == JobState::finished);
  CHECK_FALSE(bench.engine.next_wakeup());
  CHECK(bench.tell(offer(3, 1)) == "accepted 3");
  CHECK(bench.tell(offer(4, 1)) == "discarded 4 job_ended");
  CHECK(bench.tell(Order{JobState::running}, Order{JobState::paused}, Order{JobState::draining},
                   Order{JobState::cancelled}, ClientAvailable{5, 5}) == "");
}

TEST_CASE("a job ends at its target or when patience is exhausted") {
  Bench target({.rounds = 9, .target = 0.8});
  target.arrive(1, 3);
  for (ClientId client : {1, 2, 3}) target.deliver(client);
  CHECK_THAT(target.commit(Evaluation{0, 0.5}), Catch::Contains("begin 2.1"));
  for (ClientId client : {1, 2, 3}) target.deliver(client);
  CHECK(target.commit(Evaluation{1, 0.85}) == "commit 2; job finished target_reached");
  CHECK(target.engine.stopping().best == Evaluation{1, 0.85});

  Bench patience({.rounds = 9, .metric = "loss", .patience = 2});
  patience.arrive(1, 3);
  std::string last;
  for (double loss : {0.5, 0.6, 0.7}) {
    for (ClientId client : {1, 2, 3}) patience.deliver(client);
    last = patience.commit(Evaluation{0, loss});
  }
  CHECK(last == "commit 3; job finished patience_exhausted");
}

TEST_CASE("with enough clients for a round but not for a cohort, selection has patience") {
  Bench bench({.cohort = 5, .min = 2, .goal = 4});
  bench.arrive(1, 1);
  CHECK_FALSE(bench.engine.next_wakeup());
  bench.now = at(50);
  bench.arrive(2, 2);
  CHECK(bench.engine.next_wakeup() == at(60));
  CHECK(bench.wait(5) == "");
  bench.tell(ClientGone{1});  // below the minimum: the patience starts again
  CHECK_FALSE(bench.engine.next_wakeup());
  bench.arrive(3, 3);
  CHECK(bench.engine.next_wakeup() == at(65));
  CHECK(bench.wait(9) == "");
  CHECK(bench.wait(1) == "begin 1.1 [2 3]; assign 2; assign 3");
  CHECK(only<BeginRound>(bench.effects).at(0).goal == 2);
  CHECK(bench.engine.next_wakeup() == at(165));
}

TEST_CASE("over-selection closes at the goal and tells the others to stop") {
  Bench bench({.cohort = 4, .min = 1, .goal = 2});
  bench.arrive(1, 4);
  bench.deliver(4);
  bench.tell(offer(2, 1), ClientGone{3});
  CHECK(bench.deliver(1) == "admit 1; record 1; accepted 1; close 1 [1 4]; cancel 2 round_closed");
  CHECK(bench.tell(upload(2, 1)) == "discarded 2 round_closed");
  CHECK(bench.tell(ClientAvailable{3, 10}, offer(3, 1)) == "discarded 3 round_closed");
}

TEST_CASE("the deadline closes a round that has enough") {
  Bench bench;
  bench.arrive(1, 3);
  bench.deliver(3);
  bench.deliver(1);
  CHECK(bench.engine.next_wakeup() == at(100));
  CHECK(bench.wait(99.5) == "");
  CHECK(bench.wait(0.5) == "close 1 [1 3]; cancel 2 round_closed");
}

TEST_CASE("an attempt without enough keeps what it has and replaces the rest") {
  Bench bench({.cohort = 3, .min = 3, .goal = 3});
  bench.arrive(1, 3);
  bench.arrive(4, 9);  // there, but too late for this attempt
  bench.deliver(2, 7);
  CHECK(bench.wait(100) ==
        "abandon 1.1 deadline_passed; cancel 1 attempt_abandoned; cancel 3 attempt_abandoned");
  CHECK(only<AbandonRound>(bench.effects).at(0).kept == 1);
  CHECK(bench.engine.next_wakeup() == at(110));
  CHECK(bench.tell(offer(2, 1)) == "accepted 2");
  CHECK(bench.tell(offer(1, 1)) == "retry 1 attempt_abandoned");
  CHECK(bench.wait(9) == "");
  bench.wait(1);
  const auto begun = only<BeginRound>(bench.effects).at(0);
  CHECK(begun.attempt == 2);
  CHECK(begun.round == 1);
  CHECK(begun.cohort.size() == 3);
  CHECK(begun.total_weight == 30);
  CHECK(std::count(begun.cohort.begin(), begun.cohort.end(), CohortMember{2, 10, true}) == 1);
  const auto assigned = only<AssignTask>(bench.effects);
  REQUIRE(assigned.size() == 2);
  bench.deliver(assigned[0].client);
  CHECK_THAT(bench.deliver(assigned[1].client), Catch::Contains("close 1"));
  const auto closed = only<CloseRound>(bench.effects).at(0);
  CHECK(closed.contributions.size() == 3);
  CHECK(std::count(closed.contributions.begin(), closed.contributions.end(),
                   Contribution{2, 7, 7, 1}) == 1);
}

TEST_CASE("who was refused or failed is not asked again in the round while others are there") {
  Bench bench({.cohort = 3, .min = 3, .goal = 3});
  bench.arrive(1, 3);
  bench.arrive(4, 5);
  bench.tell(offer(1, 1));
  UploadCompleted bad = upload(1, 1);
  bad.facts.finite = false;
  // Another one takes its place at once, beside those that are at work.
  const std::string next = bench.tell(bad);
  CHECK_THAT(next, Catch::StartsWith("refused 1 not_finite; begin 1.2 [2 3 ") &&
                       !Catch::Contains("cancel"));
  REQUIRE(only<AssignTask>(bench.effects).size() == 1);
  const ClientId fourth = only<AssignTask>(bench.effects)[0].client;
  const ClientId fifth = fourth == 4 ? 5 : 4;
  CHECK_THAT(bench.tell(TaskFailed{fourth, 1, "no"}),
             Catch::Contains(fmt::format("begin 1.3 [2 3 {0}]; assign {0}", fifth)));
  // Nobody fresh is left: whoever is at work is waited for, and what it delivers is kept.
  CHECK(bench.tell(TaskFailed{fifth, 1, "no"}) == "");
  CHECK(bench.deliver(2) == "admit 2; record 2; accepted 2");
  CHECK_THAT(bench.tell(TaskFailed{3, 1, "no"}), Catch::StartsWith("abandon 1.3 too_few"));
  CHECK(only<AbandonRound>(bench.effects).at(0).kept == 1);
  bench.tell(ClientGone{4}, ClientGone{5});
  CHECK(bench.wait(40) == "");  // the pause is over; patience for fresh clients begins
  CHECK_THAT(bench.wait(10), Catch::StartsWith("begin 1.4 [1 2 3]"));  // nobody else is left
}

TEST_CASE("a smaller cohort of fresh clients is preferred to asking one again") {
  Bench bench({.cohort = 3, .min = 2, .goal = 3});
  bench.arrive(1, 3);
  bench.tell(TaskFailed{1, 1, "no"});
  CHECK(bench.tell(TaskFailed{2, 1, "no"}) == "");  // 3 is at work and may deliver
  CHECK(bench.arrive(4, 4) == "begin 1.2 [3 4]; assign 4");
}

TEST_CASE("a job whose only clients keep failing slows down to its longest pause") {
  Bench bench({.cohort = 1, .min = 1, .goal = 1, .collect = 60, .select = 2});
  bench.arrive(1, 1);
  std::vector<double> pauses;
  for (int i = 0; i < 8; ++i) {
    bench.tell(TaskFailed{1, 1, "out of memory"});
    pauses.push_back(seconds(only<AbandonRound>(bench.effects).at(0).pause));
    REQUIRE_THAT(bench.wait(pauses.back()), Catch::StartsWith("begin"));
  }
  CHECK(pauses == std::vector<double>{2, 4, 8, 16, 32, 60, 60, 60});
}

TEST_CASE("a round closes as soon as nobody can deliver any more") {
  Bench bench({.cohort = 4, .min = 2, .goal = 4});
  bench.arrive(1, 4);
  bench.deliver(1);
  bench.deliver(2);
  CHECK(bench.tell(TaskFailed{3, 1, "no data"}) == "");
  CHECK(bench.tell(ClientRemoved{4}) == "close 1 [1 2]");
}

TEST_CASE("a member that went away comes back to the same task") {
  Bench bench;
  bench.arrive(1, 3);
  bench.tell(offer(1, 1), ClientGone{1});
  CHECK(bench.tell(ClientAvailable{1, 10}) == "assign 1");
  CHECK(bench.tell(offer(1, 1)) == "admit 1");
  bench.tell(upload(1, 1), Recorded{1, 1}, ClientGone{1});
  CHECK(bench.tell(ClientAvailable{1, 10}) == "");  // nothing left to do for it
  // What it declares now is for later rounds; this one keeps the weight it began with.
  CHECK(bench.tell(ClientGone{2}, ClientAvailable{2, 4}) == "assign 2");
  CHECK(bench.deliver(2, 8) == "admit 2; record 2; accepted 2");
}

TEST_CASE("a removed client is out, but what was accepted or is being stored stays") {
  Bench bench({.cohort = 3, .min = 1, .goal = 3});
  bench.arrive(1, 3);
  bench.deliver(1);
  bench.tell(offer(2, 1), upload(2, 1));
  CHECK(bench.tell(ClientRemoved{1}, ClientRemoved{2}, ClientRemoved{3}) == "");
  CHECK(bench.tell(Recorded{2, 1}) == "accepted 2; close 1 [1 2]");
}

TEST_CASE("a removed client whose record failed is refused") {
  Bench bench({.cohort = 2, .min = 1, .goal = 2});
  bench.arrive(1, 2);
  bench.deliver(1);
  bench.tell(offer(2, 1), upload(2, 1), ClientRemoved{2});
  CHECK(bench.tell(RecordFailed{2, 1, {ErrorCode::disk_full, "full"}}) ==
        "refused 2 removed; close 1 [1]");
}

TEST_CASE("a round waits for a record in flight, even past its deadline") {
  Bench bench({.cohort = 2, .min = 1, .goal = 2});
  bench.arrive(1, 2);
  bench.deliver(1);
  bench.tell(offer(2, 1), upload(2, 1));
  CHECK(bench.wait(1000) == "");
  CHECK_FALSE(bench.engine.next_wakeup());
  SECTION("it comes through") { CHECK(bench.tell(Recorded{2, 1}) == "accepted 2; close 1 [1 2]"); }
  SECTION("it does not") {
    CHECK(bench.tell(RecordFailed{2, 1, {ErrorCode::disk_full, "full"}}) ==
          "retry 2 storage_failed; close 1 [1]; cancel 2 round_closed");
  }
  SECTION("the job is cancelled meanwhile") {
    CHECK(bench.tell(Order{JobState::cancelled}) == "job cancelled by_operator; discard 1");
    CHECK(bench.tell(Recorded{2, 1}) == "discard 2; discarded 2 job_ended");
    CHECK(bench.tell(Recorded{2, 1}) == "");
  }
}

TEST_CASE("a full disk puts an update off and loses nothing") {
  Bench bench;
  bench.arrive(1, 3);
  bench.tell(offer(1, 1), upload(1, 1));
  CHECK(bench.tell(RecordFailed{1, 1, {ErrorCode::disk_full, "no space"}}) ==
        "retry 1 storage_failed");
  CHECK(only<Retry>(bench.effects).at(0).after > Duration::zero());
  CHECK(bench.deliver(1) == "admit 1; record 1; accepted 1");
}

TEST_CASE("a task that could not be journaled was never given") {
  Bench bench;
  bench.arrive(1, 3);
  CHECK(bench.tell(BeginFailed{1, 1, {ErrorCode::disk_full, "no space"}}) ==
        "abandon 1.1 storage_failed; cancel 1 attempt_abandoned; cancel 2 attempt_abandoned; "
        "cancel 3 attempt_abandoned");
  CHECK(bench.wait(10) == "begin 1.2 [1 2 3]; assign 1; assign 2; assign 3");
}

TEST_CASE("damaged bytes are asked for once more, a bad update is not") {
  Bench bench({.cohort = 2, .min = 1, .goal = 2});
  bench.arrive(1, 2);
  UploadCompleted damaged = upload(1, 1);
  damaged.facts.checksum_ok = false;
  CHECK(bench.tell(offer(1, 1), damaged) == "admit 1; retry 1 checksum_mismatch");
  CHECK(bench.deliver(1) == "admit 1; record 1; accepted 1");
  UploadCompleted huge = upload(2, 1);
  huge.facts.max_abs = 65;
  CHECK(bench.tell(offer(2, 1), huge) == "admit 2; refused 2 over_limit; close 1 [1]");
}

TEST_CASE("a failed commit is tried again with growing pauses") {
  Bench bench({.cohort = 1, .min = 1, .goal = 1});
  bench.arrive(1, 1);
  CHECK_THAT(bench.deliver(1), Catch::EndsWith("close 1 [1]"));
  const Error full{ErrorCode::disk_full, "no space"};
  CHECK(bench.tell(CommitFailed{1, full, true}) == "");
  CHECK(bench.engine.next_wakeup() == at(1));
  CHECK(bench.wait(1) == "close 1 [1]");
  CHECK(bench.tell(Aggregated{1}) == "commit 1");
  for (double pause : {1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0}) {
    bench.tell(CommitFailed{1, full, true});
    CHECK(*bench.engine.next_wakeup() - bench.now == from_seconds(pause));
    CHECK(bench.wait(pause) == "commit 1");
  }
  CHECK_THAT(bench.tell(Committed{1, {}}), Catch::StartsWith("begin 2.1"));
}

TEST_CASE("a commit that cannot work pauses the job until the operator resumes it") {
  Bench bench({.cohort = 1, .min = 1, .goal = 1});
  bench.arrive(1, 1);
  bench.deliver(1);
  CHECK(bench.tell(CommitFailed{1, {ErrorCode::invalid, "the model is not finite"}, false}) ==
        "job paused commit_failed");
  CHECK_THAT(only<JobChanged>(bench.effects).at(0).detail,
             Catch::Contains("the model is not finite"));
  CHECK_FALSE(bench.engine.next_wakeup());
  CHECK(bench.wait(1e6) == "");
  CHECK(bench.tell(Order{JobState::running}) == "job running by_operator; close 1 [1]");
}

TEST_CASE("a pause stops the deadline and new tasks, not the uploads") {
  Bench bench;
  bench.arrive(1, 3);
  bench.now = at(40);
  bench.tell(ClientGone{3}, Order{JobState::paused});
  CHECK_FALSE(bench.engine.next_wakeup());
  CHECK(bench.wait(500) == "");
  CHECK(bench.tell(ClientAvailable{3, 10}) == "");  // its task waits
  CHECK(bench.deliver(1) == "admit 1; record 1; accepted 1");
  CHECK(bench.tell(Order{JobState::running}) == "job running by_operator; assign 3");
  CHECK(bench.engine.next_wakeup() == at(600));
  bench.tell(Order{JobState::paused});
  bench.deliver(2);
  CHECK_THAT(bench.deliver(3), Catch::EndsWith("close 1 [1 2 3]"));
  CHECK(bench.commit() == "commit 1");  // and no round 2
  CHECK(bench.tell(Order{JobState::running}) ==
        "job running by_operator; begin 2.1 [1 2 3]; assign 1; assign 2; assign 3");
}

TEST_CASE("nobody is waited for where nobody else can come") {
  Bench bench;
  bench.arrive(1, 3);
  bench.deliver(1);
  bench.deliver(2);
  CHECK_THAT(bench.wait(100), Catch::Contains("close 1 [1 2]; cancel 3 round_closed"));
  SECTION("who was late is there: all three that were ever seen are") {
    CHECK_THAT(bench.commit(), Catch::Contains("begin 2.1 [1 2 3]"));
  }
  SECTION("a fourth was there before, and may come back in place of who was late") {
    bench.tell(ClientAvailable{4, 10}, ClientGone{4});
    CHECK(bench.commit() == "commit 1");
    const Report waits = bench.engine.report();
    CHECK(waits.deadline == at(110));
    CHECK(waiting_for(waits) ==
          "Round 2 waits a moment for a full cohort; 3 of 3 clients are there, 1 of them late for "
          "the last round or failed in this one.");
    SECTION("it does") { CHECK_THAT(bench.arrive(4, 4), Catch::StartsWith("begin 2.1")); }
    SECTION("it does not") { CHECK_THAT(bench.wait(10), Catch::StartsWith("begin 2.1 [1 2 3]")); }
    SECTION("it is removed") {
      CHECK_THAT(bench.tell(ClientRemoved{4}), Catch::StartsWith("begin 2.1 [1 2 3]"));
    }
  }
  SECTION("a cohort that is not full waits for whoever may be new") {
    bench.tell(ClientGone{1}, ClientRemoved{1});
    CHECK(bench.commit() == "commit 1");
  }
}

TEST_CASE("resuming while selecting begins the patience again") {
  Bench bench;
  bench.arrive(1, 2);
  bench.tell(Order{JobState::paused});
  CHECK(bench.wait(1000) == "");
  CHECK(bench.tell(Order{JobState::running}) == "job running by_operator");
  CHECK(bench.wait(9) == "");
  CHECK(bench.wait(1) == "begin 1.1 [1 2]; assign 1; assign 2");
}

TEST_CASE("another attempt is another draw") {
  std::set<std::string> cohorts;
  Bench bench({.cohort = 3, .min = 3, .goal = 3});
  bench.arrive(1, 20);
  for (int i = 0; i < 8; ++i) {
    bench.tell(BeginFailed{1, bench.engine.attempt(), {ErrorCode::disk_full, "full"}});
    bench.wait(100);
    cohorts.insert(ids(only<BeginRound>(bench.effects).at(0).cohort));
  }
  CHECK(cohorts.size() >= 4);
}

TEST_CASE("the report keeps the last refusal, shortened, until the client's update is counted") {
  Bench bench;
  bench.arrive(1, 3);
  bench.tell(TaskFailed{2, 1, std::string(5000, 'x')});
  CHECK(bench.engine.report().clients[1].last_refusal ==
        Refusal{Reason::task_failed, std::string(200, 'x')});
  bench.tell(offer(1, 1), upload(1, 1), RecordFailed{1, 1, {ErrorCode::disk_full, "full"}});
  CHECK(bench.engine.report().clients[0].last_refusal.reason == Reason::storage_failed);
  bench.deliver(1);
  CHECK(bench.engine.report().clients[0].last_refusal == Refusal{});
}

TEST_CASE("a drained job finishes its round and no more") {
  Bench bench;
  CHECK(bench.tell(Tick{}, Order{JobState::draining}) == "job draining by_operator; drained");
  CHECK(bench.tell(Order{JobState::running}) == "job running by_operator");
  bench.arrive(1, 3);
  CHECK(bench.tell(Order{JobState::draining}) == "job draining by_operator");
  for (ClientId client : {1, 2, 3}) bench.deliver(client);
  CHECK(bench.commit() == "commit 1; drained");
  CHECK_FALSE(bench.engine.next_wakeup());
  CHECK_THAT(bench.tell(Order{JobState::running}),
             Catch::StartsWith("job running by_operator; begin 2.1"));
  bench.tell(Order{JobState::draining});
  CHECK_THAT(bench.wait(100), Catch::StartsWith("abandon 2.1") && Catch::EndsWith("drained"));
}

TEST_CASE("a cancelled job ends at once, but a version that is being committed counts") {
  Bench bench({.cohort = 2, .min = 1, .goal = 2});
  bench.arrive(1, 2);
  bench.deliver(1);
  SECTION("while collecting") {
    CHECK(bench.tell(Order{JobState::cancelled}) ==
          "job cancelled by_operator; cancel 2 job_ended; discard 1");
    CHECK(bench.tell(offer(2, 1)) == "discarded 2 job_ended");
    CHECK(bench.engine.phase() == Phase::idle);
  }
  SECTION("while closing") {
    bench.deliver(2);
    CHECK(bench.tell(Order{JobState::cancelled}) == "job cancelled by_operator");
    CHECK(bench.commit() == "commit 1");
    CHECK(bench.engine.version() == 1);
    CHECK(bench.engine.job() == JobState::cancelled);
    CHECK(bench.engine.phase() == Phase::idle);
  }
  SECTION("while a commit waits to be tried again") {
    bench.deliver(2);
    bench.tell(CommitFailed{1, {ErrorCode::disk_full, "no space"}, true});
    CHECK(bench.tell(Order{JobState::cancelled}) ==
          "job cancelled by_operator; discard 1; discard 2");
    CHECK(bench.engine.phase() == Phase::idle);
    CHECK_FALSE(bench.engine.next_wakeup());
  }
}

TEST_CASE("federated statistics are a round 0 over everybody, and commit no version") {
  Bench bench({.rounds = 1, .cohort = 2, .min = 2, .goal = 2, .statistics = true});
  bench.arrive(1, 1);
  CHECK(bench.engine.kind() == TaskKind::statistics);
  CHECK(bench.arrive(2, 2) == "begin 0.1 [1 2]; assign 1; assign 2");
  CHECK(only<AssignTask>(bench.effects).at(0).kind == TaskKind::statistics);
  bench.arrive(3, 4);
  bench.deliver(1);
  CHECK_THAT(bench.wait(100), Catch::StartsWith("abandon 0.1"));
  CHECK(bench.wait(10) ==
        "begin 0.2 [1 2 3 4]; assign 2; assign 3; assign 4");  // everybody who is there by now
  CHECK(only<BeginRound>(bench.effects).at(0).goal == 4);
  for (ClientId client : {2, 3, 4}) bench.deliver(client);
  CHECK(bench.engine.phase() == Phase::closing);
  CHECK_THAT(bench.commit(), Catch::StartsWith("commit 0; begin 1.1"));
  CHECK(bench.engine.version() == 0);
  CHECK(bench.tell(offer(1, 0)) == "accepted 1");  // a lost receipt of the round before
  for (const auto& member : bench.engine.snapshot().members) bench.deliver(member.client);
  CHECK(bench.commit() == "commit 1; job finished round_limit");
}

TEST_CASE("federated statistics that are sized for the cohort are of no more than that") {
  EngineConfig config =
      engine_config({.rounds = 1, .cohort = 2, .min = 1, .goal = 2, .statistics = true});
  config.statistics_of_cohort = true;
  Bench bench(config);
  CHECK(bench.arrive(1, 4) == "begin 0.1 [1 2]; assign 1; assign 2");
  bench.deliver(1);
  CHECK(bench.tell(TaskFailed{2, 0, "no"}) == "close 0 [1]");
}

TEST_CASE("uniform weights count clients") {
  Bench bench({.uniform = true});
  bench.arrive(1, 3, 1000);
  CHECK(only<BeginRound>(bench.effects).at(0).total_weight == 3);
  bench.deliver(1, 1000);
  CHECK(only<Record>(bench.effects).at(0).weight == 1);
}

TEST_CASE("a client that declares nonsense is not available") {
  Bench bench({.cohort = 1, .min = 1, .goal = 1});
  CHECK(bench.tell(ClientAvailable{1, 0}) == "");
  CHECK(bench.tell(ClientAvailable{1, kExamplesMax + 1}) == "");
  CHECK(bench.tell(ClientAvailable{1, kExamplesMax}) == "begin 1.1 [1]; assign 1");
}

}  // namespace
}  // namespace fed::round
