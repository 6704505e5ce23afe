#include "store/attempts.h"
#include "store/job_state.h"
#include "store/journal.h"
#include "store/sqlite.h"

namespace fed::store {

std::string place(std::string_view job, std::int64_t round) {
  return "round " + std::to_string(round) + " of the job \"" + std::string(job) + "\"";
}

Result<std::optional<Attempt>> last_attempt(Database& database, std::string_view job,
                                            std::int64_t round) {
  Statement statement = database.prepare(
      "SELECT attempt, state FROM rounds WHERE job = ?1 AND round = ?2"
      " ORDER BY attempt DESC LIMIT 1");
  FED_ASSIGN(row, statement.bind(job).bind(round).step());
  if (!row) return std::optional<Attempt>();
  return std::optional(Attempt{statement.integer(0), statement.text(1)});
}

bool is_committed(const std::optional<Attempt>& attempt) {
  return attempt && attempt->state == "committed";
}

namespace {

Status insert_cohort(Database& database, const RoundStart& start) {
  for (const CohortMember& member : start.cohort) {
    FED_TRY(database
                .prepare("INSERT INTO cohort (job, round, attempt, client, examples)"
                         " VALUES (?1, ?2, ?3, ?4, ?5)")
                .bind(start.job)
                .bind(start.round)
                .bind(start.attempt)
                .bind(member.client)
                .bind(member.examples)
                .run());
  }
  return {};
}

Result<std::vector<CohortMember>> cohort_of(Database& database, const RoundStart& start) {
  Statement statement = database.prepare(
      "SELECT client, examples FROM cohort WHERE job = ?1 AND round = ?2 AND attempt = ?3"
      " ORDER BY client");
  statement.bind(start.job).bind(start.round).bind(start.attempt);
  std::vector<CohortMember> cohort;
  while (true) {
    FED_ASSIGN(row, statement.step());
    if (!row) return cohort;
    cohort.push_back({statement.integer(0), statement.integer(1)});
  }
}

// -1 if there is none.
Result<std::int64_t> last_committed(Database& database, std::string_view job) {
  Statement statement =
      database.prepare("SELECT max(round) FROM rounds WHERE job = ?1 AND state = 'committed'");
  FED_ASSIGN(row, statement.bind(job).step());
  return row && !statement.is_null(0) ? statement.integer(0) : -1;
}

Result<std::optional<std::string>> committed_metrics(Database& database, std::string_view job,
                                                     std::int64_t round) {
  Statement statement = database.prepare(
      "SELECT metrics FROM rounds WHERE job = ?1 AND round = ?2 AND state = 'committed'");
  FED_ASSIGN(row, statement.bind(job).bind(round).step());
  return row ? std::optional(statement.text(0)) : std::nullopt;
}

Status load_open_round(Database& database, std::int64_t after, JobProgress& progress) {
  Statement statement = database.prepare(
      "SELECT round, attempt, goal, total_weight, opened_at, state FROM rounds"
      " WHERE job = ?1 AND round > ?2 ORDER BY round DESC, attempt DESC LIMIT 1");
  FED_ASSIGN(row, statement.bind(progress.job.name).bind(after).step());
  if (!row) return {};
  progress.open = RoundStart{.job = progress.job.name,
                             .round = statement.integer(0),
                             .attempt = statement.integer(1),
                             .goal = statement.integer(2),
                             .total_weight = statement.real(3),
                             .opened_at = statement.integer(4)};
  progress.open_state = statement.text(5);
  FED_ASSIGN(cohort, cohort_of(database, *progress.open));
  progress.open->cohort = std::move(cohort);
  return {};
}

}  // namespace

Status Journal::begin_round(const RoundStart& start) {
  return database_->transaction([&]() -> Status {
    FED_TRY(find_job(start.job));
    FED_ASSIGN(last, last_attempt(*database_, start.job, start.round));
    if (is_committed(last) || (last && last->attempt >= start.attempt)) {
      return Error{
          ErrorCode::already_exists,
          place(start.job, start.round) + " has had its attempt " + std::to_string(start.attempt)};
    }
    FED_TRY(database_
                ->prepare("INSERT INTO rounds (job, round, attempt, state, goal, total_weight,"
                          " opened_at) VALUES (?1, ?2, ?3, 'collecting', ?4, ?5, ?6)")
                .bind(start.job)
                .bind(start.round)
                .bind(start.attempt)
                .bind(start.goal)
                .bind(start.total_weight)
                .bind(start.opened_at)
                .run());
    return insert_cohort(*database_, start);
  });
}

Status Journal::set_round_state(std::string_view job, std::int64_t round, std::int64_t attempt,
                                std::string_view state, int reason) {
  return database_->transaction([&]() -> Status {
    FED_ASSIGN(last, last_attempt(*database_, job, round));
    if (!last || last->attempt != attempt) {
      return Error{ErrorCode::not_found,
                   place(job, round) + " is not at its attempt " + std::to_string(attempt)};
    }
    if (is_committed(last)) {
      return Error{ErrorCode::invalid, place(job, round) + " is committed"};
    }
    return database_
        ->prepare(
            "UPDATE rounds SET state = ?4, reason = ?5"
            " WHERE job = ?1 AND round = ?2 AND attempt = ?3")
        .bind(job)
        .bind(round)
        .bind(attempt)
        .bind(state)
        .bind(std::int64_t{reason})
        .run();
  });
}

Status Journal::commit_round(const RoundCommit& commit) {
  return database_->transaction([&]() -> Status {
    FED_ASSIGN(job, find_job(commit.job));
    FED_ASSIGN(last, last_attempt(*database_, commit.job, commit.round));
    if (!last || last->attempt != commit.attempt) {
      return Error{ErrorCode::not_found, place(commit.job, commit.round) +
                                             " is not at its attempt " +
                                             std::to_string(commit.attempt)};
    }
    if (is_committed(last) && job.version == commit.version) return {};
    if (is_committed(last) || commit.version < job.version) {
      return Error{ErrorCode::invalid, place(commit.job, commit.round) + " cannot make version " +
                                           std::to_string(commit.version) + " of a model at " +
                                           std::to_string(job.version)};
    }
    FED_TRY(database_
                ->prepare("UPDATE rounds SET state = 'committed', reason = 0, committed_at = ?4,"
                          " metrics = ?5 WHERE job = ?1 AND round = ?2 AND attempt = ?3")
                .bind(commit.job)
                .bind(commit.round)
                .bind(commit.attempt)
                .bind(commit.committed_at)
                .bind(commit.metrics)
                .run());
    FED_TRY(database_
                ->prepare("UPDATE jobs SET version = ?2, best_version = ?3, best_value = ?4,"
                          " without_better = ?5 WHERE name = ?1")
                .bind(commit.job)
                .bind(commit.version)
                .bind(commit.best_version)
                .bind(commit.best_value)
                .bind(commit.without_better)
                .run());
    FED_TRY(commit_contributions(*database_, commit));
    FED_TRY(enter_privacy(*database_, commit));
    if (!commit.job_state) return {};
    return update_job_state(*database_, commit.job, *commit.job_state, commit.committed_at);
  });
}

Result<JobProgress> Journal::load_job_progress(std::string_view name) {
  FED_ASSIGN(job, find_job(name));
  JobProgress progress;
  progress.job = std::move(job);
  FED_ASSIGN(committed, last_committed(*database_, name));
  FED_ASSIGN(statistics, committed_metrics(*database_, name, 0));
  progress.statistics = std::move(statistics);
  FED_TRY(load_open_round(*database_, committed, progress));
  FED_TRY(load_contributions(*database_, progress));
  return progress;
}

// An accepted update belongs to the round that it is part of; until then to the one that is not
// committed, whatever round was at work when it came.
Result<std::vector<RoundRow>> Journal::history(std::string_view job) {
  FED_TRY(find_job(job));
  Statement statement = database_->prepare(R"sql(
    SELECT r.round, r.attempt, r.state, r.reason, r.goal, r.total_weight, r.opened_at,
      r.committed_at, r.metrics,
      (SELECT count(*) FROM cohort c
       WHERE c.job = r.job AND c.round = r.round AND c.attempt = r.attempt),
      CASE WHEN r.round IN (SELECT round FROM rounds WHERE job = ?1 AND state = 'committed')
        THEN coalesce(o.committed, 0)
        ELSE (SELECT count(*) FROM contributions
              WHERE job = ?1 AND outcome = 'accepted' AND committed = 0) END,
      coalesce(o.refused, 0), coalesce(o.discarded, 0)
    FROM rounds r LEFT JOIN
      (SELECT round, sum(committed) AS committed, sum(outcome = 'refused') AS refused,
         sum(outcome = 'discarded') AS discarded
       FROM contributions WHERE job = ?1 GROUP BY round) o ON o.round = r.round
    WHERE r.job = ?1 ORDER BY r.round, r.attempt)sql");
  statement.bind(job);
  std::vector<RoundRow> rows;
  while (true) {
    FED_ASSIGN(row, statement.step());
    if (!row) return rows;
    rows.push_back({.round = statement.integer(0),
                    .attempt = statement.integer(1),
                    .state = statement.text(2),
                    .reason = static_cast<int>(statement.integer(3)),
                    .goal = statement.integer(4),
                    .total_weight = statement.real(5),
                    .cohort = statement.integer(9),
                    .accepted = statement.integer(10),
                    .refused = statement.integer(11),
                    .discarded = statement.integer(12),
                    .opened_at = statement.integer(6),
                    .committed_at = statement.optional_integer(7),
                    .metrics = statement.text(8)});
  }
}

}  // namespace fed::store
