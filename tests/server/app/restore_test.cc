#include "app/restore.h"

#include <catch2/catch.hpp>

namespace fed::app {
namespace {

TEST_CASE("a job without a round begins from nothing") {
  store::JobProgress progress;
  progress.job.name = "j";
  progress.job.state = "running";
  CHECK(snapshot_of(progress, false) == round::Snapshot());
  CHECK(scaling_of(progress).empty());
}

Checksum sum() {
  Checksum made{};
  made.fill(9);
  return made;
}

store::ContributionRow contribution(std::int64_t task, std::int64_t client, const char* outcome) {
  store::ContributionRow row;
  row.task = task;
  row.client = client;
  row.base_version = task - 1;
  row.examples = 20;
  row.checksum = sum();
  row.outcome = outcome;
  return row;
}

TEST_CASE("an open round comes back with its cohort and what was accepted") {
  store::JobProgress progress;
  progress.job.state = "paused";
  progress.job.version = 4;
  progress.job.best_version = 3;
  progress.job.best_value = 0.5;
  progress.job.without_better = 1;
  progress.open = store::RoundStart{"j", 5, 2, {{1, 10}, {2, 20}, {3, 30}}, 3, 60, 0};
  progress.open_state = "closing";
  progress.contributions = {contribution(5, 2, "accepted"), contribution(5, 3, "refused")};
  progress.previous = {contribution(4, 1, "accepted"), contribution(4, 2, "accepted")};
  progress.previous[0].metrics = R"({"accuracy":0.5,"loss":0.75})";
  progress.previous[1].metrics = R"({"loss":2})";
  progress.contributions[0].metrics = R"({"loss":1.5})";  // of client 2, later
  progress.contributions[1].metrics = R"({"loss":9})";    // refused
  const round::Snapshot snapshot = snapshot_of(progress, false);
  CHECK(snapshot.version == 4);
  CHECK(snapshot.job == round::JobState::paused);
  CHECK(snapshot.attempt == 2);
  CHECK(snapshot.closed);
  CHECK_FALSE(snapshot.abandoned);
  CHECK(snapshot.stopping.best == round::Evaluation{3, 0.5});
  REQUIRE(snapshot.members.size() == 3);
  CHECK_FALSE(snapshot.members[0].accepted.has_value());
  CHECK(snapshot.members[1].accepted == round::Ticket{20, sum()});
  CHECK_FALSE(snapshot.members[2].accepted.has_value());
  CHECK(snapshot.previous.at(1) == round::Answered{4, sum()});
  CHECK(snapshot.losses == std::map<round::ClientId, double>{{1, 0.75}, {2, 1.5}});
}

TEST_CASE("an asynchronous job comes back with its open tasks and what waits for a version") {
  store::JobProgress progress;
  progress.job.state = "running";
  progress.job.version = 4;
  progress.open = store::RoundStart{"j", 5, 1, {}, 3, 0, 0};
  progress.open_state = "collecting";
  progress.tasks = {{8, 3, 4, 30}};
  progress.contributions = {contribution(7, 2, "accepted"), contribution(6, 1, "refused")};
  progress.last_task = 9;
  const round::Snapshot snapshot = snapshot_of(progress, true);
  CHECK(snapshot.attempt == 1);
  CHECK(snapshot.last_task == 9);
  REQUIRE(snapshot.members.size() == 2);
  CHECK(snapshot.members[0] == round::SnapshotMember{3, 30, {}, 8, 4});
  CHECK(snapshot.members[1] == round::SnapshotMember{2, 20, round::Ticket{20, sum()}, 7, 6});
  // Statistics are a round by cohort in every job.
  progress.open = store::RoundStart{"j", 0, 1, {{1, 10}}, 1, 10, 0};
  CHECK(snapshot_of(progress, true).members.size() == 1);
}

TEST_CASE("draining is not remembered") {
  store::JobProgress progress;
  progress.job.state = "draining";
  CHECK(snapshot_of(progress, false).job == round::JobState::running);
}

TEST_CASE("the scaling is found in round 0's row") {
  store::JobProgress progress;
  progress.statistics = R"({"clients":{},"scaling":{"means":[1.5],"deviations":[2]}})";
  CHECK(scaling_of(progress) == R"({"deviations":[2],"means":[1.5]})");
}

}  // namespace
}  // namespace fed::app
