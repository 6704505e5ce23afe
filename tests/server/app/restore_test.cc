#include "app/restore.h"

#include <catch2/catch.hpp>

namespace fed::app {
namespace {

TEST_CASE("a job without a round begins from nothing") {
  store::JobProgress progress;
  progress.job.name = "j";
  progress.job.state = "running";
  CHECK(snapshot_of(progress) == round::Snapshot());
  CHECK(scaling_of(progress).empty());
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
  Checksum sum{};
  sum.fill(9);
  progress.contributions = {{5, 2, 20, 20, sum, 8, "accepted", 0, "", "", 0},
                            {5, 3, 30, 30, sum, 8, "refused", 8, "", "", 0}};
  progress.previous = {{4, 1, 10, 10, sum, 8, "accepted", 0, "", "", 0}};
  const round::Snapshot snapshot = snapshot_of(progress);
  CHECK(snapshot.version == 4);
  CHECK(snapshot.job == round::JobState::paused);
  CHECK(snapshot.attempt == 2);
  CHECK(snapshot.closed);
  CHECK_FALSE(snapshot.abandoned);
  CHECK(snapshot.stopping.best == round::Evaluation{3, 0.5});
  REQUIRE(snapshot.members.size() == 3);
  CHECK_FALSE(snapshot.members[0].accepted.has_value());
  CHECK(snapshot.members[1].accepted == round::Ticket{20, sum});
  CHECK_FALSE(snapshot.members[2].accepted.has_value());
  CHECK(snapshot.previous.round == 4);
  CHECK(snapshot.previous.accepted.at(1) == sum);
}

TEST_CASE("draining is not remembered") {
  store::JobProgress progress;
  progress.job.state = "draining";
  CHECK(snapshot_of(progress).job == round::JobState::running);
}

TEST_CASE("the scaling is found in round 0's row") {
  store::JobProgress progress;
  progress.statistics = R"({"clients":{},"scaling":{"means":[1.5],"deviations":[2]}})";
  CHECK(scaling_of(progress) == R"({"deviations":[2],"means":[1.5]})");
}

}  // namespace
}  // namespace fed::app
