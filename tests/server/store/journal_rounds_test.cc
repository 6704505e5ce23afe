// The life of a round in the journal, opened anew before every look.
#include <catch2/catch.hpp>

#include "registry.h"

using fed::ErrorCode;
using fed::store::ContributionRow;
using fed::store::JobProgress;
using fed::store::OpenTask;
using fed::store::Outcome;
using fed::store::RoundRow;
using namespace fed::store::testing;

namespace {

ContributionRow row(const fed::store::Accepted& accepted) {
  return {.task = accepted.task,
          .client = accepted.client,
          .round = accepted.round,
          .base_version = accepted.base_version,
          .examples = accepted.examples,
          .weight = accepted.weight,
          .checksum = accepted.checksum,
          .bytes = accepted.bytes,
          .outcome = "accepted",
          .reason = 0,
          .detail = "",
          .metrics = accepted.metrics,
          .at = accepted.at};
}

Outcome refused(std::int64_t round, std::int64_t client) {
  return {.job = "fashion",
          .task = round,
          .client = client,
          .round = round,
          .outcome = "refused",
          .reason = 9,
          .detail = "a coordinate is beyond the limit",
          .at = kNow + 6};
}

}  // namespace

TEST_CASE("journal: from nothing to the first version, with all steps durable") {
  Registry registry;
  registry->add_job("fashion", "{}", "running", kNow).value();
  {
    const JobProgress progress = registry.anew().load_job_progress("fashion").value();
    CHECK((!progress.open && progress.job.version == 0 && !progress.statistics));
    CHECK((progress.contributions.empty() && progress.previous.empty()));
  }
  registry.anew().begin_round(start(1, 1)).value();
  accept(registry.anew(), accepted(1, 5)).value();
  registry.anew().record_outcome(refused(1, 2)).value();
  accept(registry.anew(), accepted(1, 1)).value();
  registry.anew().set_round_state("fashion", 1, 1, "closing", 0).value();
  {
    const JobProgress progress = registry.anew().load_job_progress("fashion").value();
    CHECK(progress.open == start(1, 1));
    CHECK(progress.open_state == "closing");
    REQUIRE(progress.contributions.size() == 3);
    CHECK(progress.contributions[0] == row(accepted(1, 1)));
    CHECK(progress.contributions[2] == row(accepted(1, 5)));
    const ContributionRow& no = progress.contributions[1];
    CHECK((no.client == 2 && no.outcome == "refused" && no.reason == 9 &&
           no.detail == refused(1, 2).detail));
  }
  auto done = commit(1, 1);
  done.contributions = {{1, 1}, {1, 5}};
  registry.anew().commit_round(done).value();
  const JobProgress progress = registry.anew().load_job_progress("fashion").value();
  CHECK((!progress.open && progress.contributions.empty()));
  CHECK((progress.job.version == 1 && progress.job.best_version == 1 &&
         progress.job.best_value == 0.75 && progress.job.without_better == 1));
  REQUIRE(progress.previous.size() == 2);
  CHECK((progress.previous[0].client == 1 && progress.previous[1].client == 5));
  CHECK((progress.previous[0].committed && progress.last_task == 1));
  const RoundRow expected{.round = 1,
                          .attempt = 1,
                          .state = "committed",
                          .reason = 0,
                          .goal = 2,
                          .total_weight = 367,
                          .cohort = 3,
                          .accepted = 2,
                          .refused = 1,
                          .discarded = 0,
                          .opened_at = kNow + 1,
                          .committed_at = kNow + 51,
                          .metrics = "{\"round\": 1}"};
  CHECK(registry->history("fashion").value() == std::vector<RoundRow>{expected});
}

TEST_CASE("journal: tasks of an asynchronous job are open until their update is there") {
  Registry registry;
  registry->add_job("fashion", "{}", "running", kNow).value();
  registry->begin_round(start(1, 1)).value();
  const std::vector<OpenTask> opened{{1, 5, 0, 90}, {2, 1, 0, 90}, {3, 2, 0, 90}};
  registry.anew().open_tasks("fashion", opened).value();
  CHECK(registry.anew().load_job_progress("fashion").value().tasks == opened);
  // All of them or none.
  const auto again = registry->open_tasks("fashion", {{4, 7, 0, 90}, {2, 1, 0, 90}});
  CHECK(again.error().code == fed::ErrorCode::already_exists);
  CHECK(registry->open_tasks("none", {{1, 1, 0, 1}}).error().code == fed::ErrorCode::not_found);
  registry.anew().end_task("fashion", 3).value();
  registry.anew().end_task("fashion", 3).value();

  // Two updates come; the round takes one of them, the other waits for the next.
  for (const OpenTask& task : {opened[0], opened[1]}) {
    auto made = accepted(task.task, task.client);
    made.round = 1;
    made.base_version = 0;
    accept(registry.anew(), made).value();
  }
  CHECK(registry.anew().load_job_progress("fashion").value().tasks.empty());
  auto done = commit(1, 1);
  done.contributions = {{2, 1}};
  registry.anew().commit_round(done).value();
  const JobProgress progress = registry.anew().load_job_progress("fashion").value();
  REQUIRE(progress.contributions.size() == 1);
  CHECK((progress.contributions[0].task == 1 && progress.contributions[0].client == 5));
  CHECK((progress.previous.size() == 1 && progress.previous[0].task == 2));
  CHECK(progress.last_task == 2);
  CHECK(registry->contributions("fashion", 1).value().size() == 2);
  CHECK(registry->uncommitted("fashion").value() == progress.contributions);
  // The job ends before the next round: it counts nowhere, and the record says so.
  registry.anew().discard_contribution("fashion", {1, 5}, 21).value();
  registry.anew().discard_contribution("fashion", {2, 1}, 21).value();  // is committed
  CHECK(registry->uncommitted("fashion").value().empty());
  const auto rows = registry->contributions("fashion", 1).value();
  CHECK((rows[0].outcome == "discarded" && rows[0].reason == 21));
  CHECK(rows[1].outcome == "accepted");
}

TEST_CASE("journal: an update that waits counts in the round that it becomes part of") {
  Registry registry;
  registry->add_job("fashion", "{}", "running", kNow).value();
  const auto counts = [&] {
    std::vector<std::int64_t> accepted;
    for (const RoundRow& row : registry.anew().history("fashion").value())
      accepted.push_back(row.accepted);
    return accepted;
  };
  registry->begin_round(start(1, 1)).value();
  for (const std::int64_t task : {1, 2, 3}) {
    auto made = accepted(task, task);
    made.round = 1;
    accept(*registry, made).value();
  }
  CHECK(counts() == std::vector<std::int64_t>{3});
  auto first = commit(1, 1);
  first.contributions = {{1, 1}, {2, 2}};
  registry->commit_round(first).value();
  CHECK(counts() == std::vector<std::int64_t>{2});  // the third came too late for it
  registry->begin_round(start(2, 1)).value();
  CHECK(counts() == std::vector<std::int64_t>{2, 1});
  auto second = commit(2, 1);
  second.contributions = {{3, 3}};
  registry->commit_round(second).value();
  CHECK(counts() == std::vector<std::int64_t>{2, 1});
}

TEST_CASE("journal: an abandoned attempt's contributions count in the next one") {
  Registry registry;
  registry->add_job("fashion", "{}", "running", kNow).value();
  registry->begin_round(start(1, 1)).value();
  accept(*registry, accepted(1, 5)).value();
  registry.anew().set_round_state("fashion", 1, 1, "abandoned", 40).value();
  CHECK(registry.anew().load_job_progress("fashion").value().open_state == "abandoned");
  auto second = start(1, 2);
  second.cohort = {{5, 17}, {8, 40}};
  second.total_weight = 57;
  registry.anew().begin_round(second).value();
  accept(registry.anew(), accepted(1, 8)).value();
  const JobProgress progress = registry.anew().load_job_progress("fashion").value();
  CHECK(progress.open == second);
  CHECK(progress.open_state == "collecting");
  CHECK(progress.contributions == std::vector{row(accepted(1, 5)), row(accepted(1, 8))});
  // The first attempt is over.
  CHECK(registry->begin_round(start(1, 1)).error().code == ErrorCode::already_exists);
  CHECK(registry->begin_round(start(1, 2)).error().code == ErrorCode::already_exists);
  CHECK(registry->commit_round(commit(1, 1)).error().code == ErrorCode::not_found);
  CHECK(registry->set_round_state("fashion", 1, 1, "closing", 0).error().code ==
        ErrorCode::not_found);
  CHECK(registry->history("fashion").value()[1].accepted == 2);
  auto done = commit(1, 2);
  done.contributions = {{1, 5}, {1, 8}};
  registry->commit_round(done).value();
  const auto history = registry.anew().history("fashion").value();
  REQUIRE(history.size() == 2);
  CHECK((history[0].state == "abandoned" && history[0].reason == 40 && history[0].cohort == 3));
  CHECK((history[1].state == "committed" && history[1].cohort == 2 && history[1].accepted == 2));
}

TEST_CASE("journal: contributions that are accepted together are all on record, or none is") {
  Registry registry;
  registry->add_job("fashion", "{}", "running", kNow).value();
  registry->begin_round(start(1, 1)).value();
  accept(*registry, accepted(1, 5, 1)).value();
  const std::vector<fed::store::Accepted> bad = {accepted(1, 2), accepted(1, 5, 2), accepted(1, 8)};
  CHECK(registry->accept_contributions(bad).error().code == ErrorCode::already_exists);
  CHECK(registry.anew().contributions("fashion", 1).value() == std::vector{row(accepted(1, 5, 1))});
  const std::vector<fed::store::Accepted> good = {accepted(1, 2), accepted(1, 5, 1),
                                                  accepted(1, 8)};
  registry->accept_contributions(good).value();
  CHECK(registry.anew().contributions("fashion", 1).value() ==
        std::vector{row(good[0]), row(good[1]), row(good[2])});
  registry->accept_contributions({}).value();
}

TEST_CASE("journal: a contribution counts once") {
  Registry registry;
  registry->add_job("fashion", "{}", "running", kNow).value();
  CHECK(accept(*registry, accepted(1, 5)).error().code == ErrorCode::invalid);
  registry->begin_round(start(1, 1)).value();
  accept(*registry, accepted(1, 5, 1)).value();
  accept(registry.anew(), accepted(1, 5, 1)).value();
  CHECK(accept(*registry, accepted(1, 5, 2)).error().code == ErrorCode::already_exists);
  registry->record_outcome(refused(1, 5)).value();  // of a second try; the first stays
  CHECK(registry.anew().contributions("fashion", 1).value() == std::vector{row(accepted(1, 5, 1))});
  // A refused client may try again with something better.
  registry->record_outcome(refused(1, 2)).value();
  registry->record_outcome(refused(1, 2)).value();
  accept(registry.anew(), accepted(1, 2, 9)).value();
  CHECK(registry->contributions("fashion", 1).value()[0] == row(accepted(1, 2, 9)));

  registry->commit_round(commit(1, 1)).value();
  accept(*registry, accepted(1, 5, 1)).value();  // a late repetition
  CHECK(accept(*registry, accepted(1, 1)).error().code == ErrorCode::invalid);
  CHECK(registry->begin_round(start(1, 2)).error().code == ErrorCode::already_exists);
  CHECK(registry->set_round_state("fashion", 1, 1, "abandoned", 0).error().code ==
        ErrorCode::invalid);
}

TEST_CASE("journal: a commit may be repeated, not replaced") {
  Registry registry;
  registry->add_job("fashion", "{}", "running", kNow).value();
  for (const std::int64_t round : {1, 2}) {
    registry->begin_round(start(round, 1)).value();
    registry->commit_round(commit(round, 1)).value();
    registry.anew().commit_round(commit(round, 1)).value();
    CHECK(registry.anew().find_job("fashion").value().version == round);
  }
  CHECK(registry->commit_round(commit(1, 1)).error().code == ErrorCode::invalid);
  registry->begin_round(start(3, 1)).value();
  auto back = commit(3, 1);
  back.version = 1;
  CHECK(registry->commit_round(back).error().code == ErrorCode::invalid);
  CHECK(registry.anew().load_job_progress("fashion").value().open == start(3, 1));
}

TEST_CASE("journal: the last commit ends the job in the same transaction") {
  Registry registry;
  registry->add_job("fashion", "{}", "running", kNow).value();
  registry->begin_round(start(1, 1)).value();
  auto last = commit(1, 1);
  last.job_state = fed::store::JobStateChange{"finished", 50, "all rounds are done"};
  registry->commit_round(last).value();
  const auto job = registry.anew().find_job("fashion").value();
  CHECK((job.version == 1 && job.state == "finished" && job.reason == 50));
  CHECK((job.detail == "all rounds are done" && job.changed_at == last.committed_at));
}

TEST_CASE("journal: a statistics round is round 0 and makes no version") {
  Registry registry;
  registry->add_job("fashion", "{}", "running", kNow).value();
  registry->begin_round(start(0, 1)).value();
  CHECK(registry.anew().load_job_progress("fashion").value().open == start(0, 1));
  auto done = commit(0, 1);
  done.metrics = "{\"mean\": [1, 2]}";
  done.best_version.reset();
  done.best_value.reset();
  registry->commit_round(done).value();
  const JobProgress progress = registry.anew().load_job_progress("fashion").value();
  CHECK(progress.statistics == "{\"mean\": [1, 2]}");
  CHECK((progress.job.version == 0 && !progress.job.best_version && !progress.job.best_value));
  registry->begin_round(start(1, 1)).value();
  CHECK(registry.anew().load_job_progress("fashion").value().open == start(1, 1));
}

TEST_CASE("journal: rounds of jobs that are not there") {
  Registry registry;
  CHECK(registry->begin_round(start(1, 1)).error().code == ErrorCode::not_found);
  CHECK(registry->commit_round(commit(1, 1)).error().code == ErrorCode::not_found);
  CHECK(registry->record_outcome(refused(1, 2)).error().code == ErrorCode::not_found);
  CHECK(registry->load_job_progress("fashion").error().code == ErrorCode::not_found);
  CHECK(registry->history("fashion").error().code == ErrorCode::not_found);
  CHECK(registry->contributions("fashion", 1).value().empty());
}

TEST_CASE("journal: jobs do not see each other's rounds") {
  Registry registry;
  registry->add_job("fashion", "{}", "running", kNow).value();
  registry->add_job("other", "{}", "running", kNow).value();
  registry->begin_round(start(1, 1)).value();
  accept(*registry, accepted(1, 5)).value();
  registry->commit_round(commit(1, 1)).value();
  const JobProgress other = registry.anew().load_job_progress("other").value();
  CHECK((!other.open && other.job.version == 0 && other.previous.empty()));
  CHECK(registry->history("other").value().empty());
}
