// Rounds with secure aggregation: updates stay with their clients until they are summed up.
#include <catch2/catch.hpp>

#include "harness.h"

namespace fed::round {
namespace {

struct Bench {
  explicit Bench(Numbers numbers = {.cohort = 4, .min = 3, .goal = 4, .uniform = true})
      : config(with_masks(numbers)), engine(config, now) {
    tell(Tick{});
  }

  static EngineConfig with_masks(const Numbers& numbers) {
    EngineConfig config = engine_config(numbers);
    config.secure = true;
    return config;
  }

  std::string tell(const Event& event) {
    const Effects effects = engine.handle(event, now);
    engine.check_invariants();
    return text(effects);
  }
  void pass(double seconds) { now += from_seconds(seconds); }
  std::string later(double seconds) {
    pass(seconds);
    return tell(Tick{});
  }

  static Offered ready(ClientId client, std::int64_t round = 1) {
    Offered event = offer(client, round, 1);
    event.checksum = {};
    return event;
  }
  static Offered masked(ClientId client, std::int64_t round = 1) {
    Offered event = offer(client, round, 1);
    event.masked = true;
    return event;
  }
  // The masked input of a client, until it is on record.
  void sends(ClientId client, std::int64_t round = 1) {
    CHECK(tell(masked(client, round)) == fmt::format("admit {}", client));
    CHECK(tell(upload(client, round)) == fmt::format("record {}", client));
    CHECK(tell(Recorded{client, round}) == fmt::format("await {}", client));
  }
  void begin() {
    for (ClientId client = 1; client <= 4; ++client) tell(ClientAvailable{client, 1});
  }
  void until_securing() {
    begin();
    for (ClientId client = 1; client <= 4; ++client) tell(ready(client));
    REQUIRE(engine.phase() == Phase::securing);
  }
  Status status(ClientId client) const {
    for (const ClientReport& each : engine.report().clients) {
      if (each.client == client) return each.status;
    }
    FAIL("no such client");
    return Status::not_asked;
  }

  Instant now = at(1);
  EngineConfig config;
  Engine engine;
};

TEST_CASE("a round is summed up once enough updates are ready, and receipts follow the commit") {
  Bench bench;
  bench.begin();
  for (ClientId client = 1; client <= 3; ++client) {
    CHECK(bench.tell(Bench::ready(client)) == fmt::format("await {}", client));
  }
  CHECK(bench.tell(Bench::ready(4)) == "await 4; secure 1 1 2 3 4");
  for (ClientId client = 1; client <= 4; ++client) bench.sends(client);
  CHECK(bench.tell(Secured{1}) == "close 1 [1 2 3 4]");
  CHECK(bench.tell(Aggregated{1}) == "commit 1");
  const std::string done = bench.tell(Committed{1, {}});
  CHECK(done.starts_with("accepted 1; accepted 2; accepted 3; accepted 4; begin 2.1"));
  // A receipt that was lost is given again.
  CHECK(bench.tell(Bench::ready(2)) == "accepted 2");
}

TEST_CASE("who falls silent is not in the sum, and its update is too late") {
  Bench bench;
  bench.until_securing();
  for (ClientId client = 1; client <= 3; ++client) bench.sends(client);
  CHECK(bench.tell(Secured{1}) == "close 1 [1 2 3]; cancel 4 round_closed");
  CHECK(bench.tell(Bench::ready(4)) == "discarded 4 round_closed");
}

TEST_CASE("at the deadline those that are ready are enough, or the attempt is abandoned") {
  Bench bench;
  bench.begin();
  for (ClientId client = 1; client <= 3; ++client) bench.tell(Bench::ready(client));
  CHECK(bench.later(1000) == "secure 1 1 2 3");
  Bench few;
  few.begin();
  for (ClientId client = 1; client <= 2; ++client) few.tell(Bench::ready(client));
  const std::string end = few.later(1000);
  CHECK(end.starts_with("abandon 1.1 deadline_passed"));
}

TEST_CASE("without a sum nobody trains again, and whoever spoiled it is left out") {
  Bench bench;
  bench.until_securing();
  bench.sends(1);
  bench.sends(2);
  CHECK(bench.tell(NotSecured{1, "?", {{4, "lied"}}}) == "discard 1; discard 2");
  CHECK(bench.engine.phase() == Phase::collecting);
  CHECK(bench.status(1) == Status::ready);
  CHECK(bench.status(4) == Status::failed);
  REQUIRE(bench.engine.next_wakeup());
  CHECK(*bench.engine.next_wakeup() == bench.now + std::chrono::seconds(1));
  CHECK(bench.later(0.5) == "");
  CHECK(bench.later(0.6) == "secure 1 1 2 3");
  // What is of the earlier attempt at the sum is of no use; the app tells them apart.
  for (ClientId client = 1; client <= 3; ++client) bench.sends(client);
  CHECK(bench.tell(Secured{1}) == "close 1 [1 2 3]");
}

TEST_CASE(
    "who can do no more for a round is not asked in it, and where too few are left it pauses") {
  Bench bench;
  bench.begin();
  bench.tell(TaskFailed{1, 1, "revealed", true});
  bench.tell(TaskFailed{2, 1, "no data"});
  const std::string end = bench.tell(TaskFailed{3, 1, "revealed", true});
  CHECK(end == "");  // 4 may be waited for
  CHECK(bench.tell(TaskFailed{4, 1, "no data"}).starts_with("abandon 1.1 too_few_clients"));
  CHECK(bench.later(10) == "");  // others may be away for a moment
  REQUIRE(bench.engine.next_wakeup());
  bench.now = *bench.engine.next_wakeup();
  CHECK(bench.tell(Tick{}) == "job paused revealed");
  bench.tell(ClientAvailable{5, 1});  // not before somebody says so
  CHECK(bench.later(10) == "");
  CHECK(bench.tell(Order{JobState::running}) ==
        "job running by_operator; begin 1.2 [1 3 4 5]; assign 5; assign 1; assign 3; assign 4");
}

TEST_CASE("who was away while others could do no more makes the round with them") {
  Bench bench;
  bench.begin();
  for (ClientId client = 3; client <= 4; ++client) bench.tell(ClientGone{client});
  for (ClientId client = 1; client <= 2; ++client) {
    bench.tell(TaskFailed{client, 1, "revealed", true});
  }
  CHECK(bench.later(1000).starts_with("abandon 1.1"));
  for (ClientId client = 3; client <= 4; ++client) {
    bench.tell(ClientAvailable{client, 1});
    CHECK(bench.later(10) == "");
  }
  bench.tell(ClientAvailable{5, 1});
  CHECK(bench.later(10) == "begin 1.2 [3 4 5]; assign 3; assign 4; assign 5");
}

TEST_CASE("others make the round in which some can do no more") {
  Bench bench;
  bench.begin();
  for (ClientId client = 5; client <= 7; ++client) bench.tell(ClientAvailable{client, 1});
  for (ClientId client = 1; client <= 3; ++client) {
    bench.tell(TaskFailed{client, 1, "revealed", true});
  }
  for (ClientId client = 4; client <= 7; ++client) bench.tell(Bench::ready(client));
  CHECK(bench.engine.phase() == Phase::securing);
}

TEST_CASE("a client that was only gone comes back with its update") {
  Bench bench;
  bench.until_securing();
  bench.tell(ClientGone{4});
  CHECK(bench.status(4) == Status::ready);  // it may come back to this very attempt
  CHECK(bench.tell(NotSecured{1, "?", {{4, "is silent", true}}}) == "");
  CHECK(bench.status(4) == Status::asked);
  CHECK(bench.tell(ClientAvailable{4, 1}) == "assign 4");
  CHECK(bench.tell(Bench::ready(4)) == "await 4");
  CHECK(bench.later(2) == "secure 1 1 2 3 4");
}

TEST_CASE("a ready client that goes away is not counted on") {
  Bench bench;
  bench.begin();
  for (ClientId client = 1; client <= 3; ++client) bench.tell(Bench::ready(client));
  bench.tell(ClientGone{3});
  CHECK(bench.tell(Bench::ready(4)) == "await 4");
  CHECK(bench.engine.phase() == Phase::collecting);
  CHECK(bench.tell(ClientAvailable{3, 1}) == "assign 3");
  CHECK(bench.tell(Bench::ready(3)) == "await 3; secure 1 1 2 3 4");
}

TEST_CASE("after too many attempts at a sum the round's attempt is abandoned") {
  Bench bench;
  bench.until_securing();
  for (int failure = 1; failure < 5; ++failure) {
    CHECK(bench.tell(NotSecured{1, "?", {}}) == "");
    CHECK(bench.later(60) == "secure 1 1 2 3 4");
  }
  CHECK(bench.tell(NotSecured{1, "?", {}}).starts_with("abandon 1.1 not_secured; cancel 1"));
}

TEST_CASE("masked inputs are for those who were invited, while the sum is made") {
  Bench bench;
  bench.begin();
  CHECK(bench.tell(Bench::masked(1)) == "retry 1 attempt_abandoned");
  for (ClientId client = 1; client <= 3; ++client) bench.tell(Bench::ready(client));
  bench.tell(TaskFailed{4, 1, "no data"});
  REQUIRE(bench.engine.phase() == Phase::securing);
  CHECK(bench.tell(Bench::masked(4)) == "retry 4 attempt_abandoned");
  bench.sends(1);
  CHECK(bench.tell(Bench::masked(1)) == "await 1");
  CHECK(bench.tell(Bench::ready(1)) == "await 1");
  CHECK(bench.status(1) == Status::accepted);
}

TEST_CASE("no sum is made of fewer than a version needs, whoever is asked beside those at work") {
  Bench bench;
  bench.begin();
  for (const ClientId gone : {2, 3, 4}) bench.tell(ClientRemoved{gone});
  CHECK(bench.tell(ClientAvailable{5, 1}) == "");
  CHECK(bench.tell(ClientAvailable{6, 1}).starts_with("begin 1.2 [1 5 6]"));
}

TEST_CASE("an input that came twice has no receipt before there is a version") {
  Bench bench;
  bench.until_securing();
  bench.sends(1);
  CHECK(bench.tell(upload(1, 1)) == "await 1");
  CHECK(bench.tell(NotSecured{1, "?", {}}) == "discard 1");
  CHECK(bench.tell(Bench::ready(1)) == "await 1");
}

TEST_CASE("what is written down when the attempt is over is taken back") {
  Bench bench;
  bench.until_securing();
  bench.tell(Bench::masked(1));
  CHECK(bench.tell(upload(1, 1)) == "record 1");
  CHECK(bench.tell(NotSecured{1, "?", {}}) == "");
  CHECK(bench.tell(Recorded{1, 1}) == "discard 1");
  CHECK(bench.status(1) == Status::ready);
}

TEST_CASE("what is written down for one that spoiled the sum is taken back as well") {
  Bench bench;
  bench.until_securing();
  bench.tell(Bench::masked(1));
  CHECK(bench.tell(upload(1, 1)) == "record 1");
  CHECK(bench.tell(NotSecured{1, "?", {{1, "lied"}}}) == "");
  CHECK(bench.tell(Recorded{1, 1}) == "discard 1");
}

TEST_CASE("an engine goes on with a sum, or begins it anew when the app cannot") {
  Bench bench;
  bench.until_securing();
  bench.sends(2);
  Snapshot snapshot = bench.engine.snapshot();
  CHECK(snapshot.invited == std::set<ClientId>{1, 2, 3, 4});
  bench.engine = Engine(bench.config, snapshot, bench.now);
  bench.tell(Tick{});
  CHECK(bench.engine.phase() == Phase::securing);
  CHECK(bench.status(2) == Status::accepted);
  bench.begin();
  for (const ClientId client : {1, 3, 4}) bench.sends(client);
  CHECK(bench.tell(Secured{1}) == "close 1 [1 2 3 4]");
  CHECK(bench.engine.snapshot().invited.size() == 4);

  snapshot.invited.clear();
  bench.engine = Engine(bench.config, snapshot, bench.now);
  bench.tell(Tick{});
  CHECK(bench.engine.phase() == Phase::collecting);
  bench.begin();
  for (ClientId client = 1; client <= 3; ++client) bench.tell(Bench::ready(client));
  CHECK(bench.tell(Bench::ready(4)) == "await 4; secure 1 1 2 3 4");
}

TEST_CASE("a job that is cancelled in the middle of a sum forgets it") {
  Bench bench;
  bench.until_securing();
  bench.sends(1);
  CHECK(bench.tell(Order{JobState::cancelled}) ==
        "job cancelled by_operator; cancel 2 job_ended; cancel 3 job_ended; cancel 4 job_ended; "
        "discard 1");
  CHECK(bench.tell(Secured{1}) == "");
  CHECK(bench.tell(Bench::ready(2)) == "discarded 2 job_ended");
}

TEST_CASE("a revoked client's masked input still counts, its place is not given away") {
  Bench bench;
  bench.until_securing();
  bench.sends(1);
  bench.tell(ClientRemoved{1});
  bench.tell(ClientRemoved{2});
  CHECK(bench.status(1) == Status::accepted);
  CHECK(bench.status(2) == Status::removed);
  CHECK(bench.tell(Bench::masked(2)) == "refused 2 removed");
}

}  // namespace
}  // namespace fed::round
