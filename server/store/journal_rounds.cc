#include "store/job_state.h"
#include "store/journal.h"
#include "store/sqlite.h"

namespace fed::store {
namespace {

std::string place(std::string_view job, std::int64_t round) {
  return "round " + std::to_string(round) + " of the job \"" + std::string(job) + "\"";
}

struct Attempt {
  std::int64_t attempt = 0;
  std::string state;
};

// The last attempt at a round; one that is committed is always the last.
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

Result<ContributionRow> contribution_of(const Statement& row) {
  ContributionRow contribution{.task = row.integer(0),
                               .client = row.integer(1),
                               .examples = row.integer(2),
                               .weight = row.real(3),
                               .bytes = static_cast<std::uint64_t>(row.integer(5)),
                               .outcome = row.text(6),
                               .reason = static_cast<int>(row.integer(7)),
                               .detail = row.text(8),
                               .metrics = row.text(9),
                               .at = row.integer(10)};
  FED_TRY(row.bytes(4, contribution.checksum));
  return contribution;
}

// The checksum of a contribution that was accepted; nothing if there is none.
Result<std::optional<Checksum>> accepted_checksum(Database& database, std::string_view job,
                                                  std::int64_t round, std::int64_t client) {
  Statement statement = database.prepare(
      "SELECT checksum FROM contributions WHERE job = ?1 AND task = ?2 AND client = ?3"
      " AND outcome = 'accepted'");
  FED_ASSIGN(row, statement.bind(job).bind(round).bind(client).step());
  if (!row) return std::optional<Checksum>();
  Checksum checksum{};
  FED_TRY(statement.bytes(0, checksum));
  return std::optional(checksum);
}

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

Status Journal::accept_contribution(const Accepted& accepted) {
  return database_->transaction([&]() -> Status {
    FED_ASSIGN(known, accepted_checksum(*database_, accepted.job, accepted.task, accepted.client));
    if (known == accepted.checksum) return {};
    if (known) {
      return Error{ErrorCode::already_exists, "client " + std::to_string(accepted.client) +
                                                  " has contributed another update to " +
                                                  place(accepted.job, accepted.task)};
    }
    FED_ASSIGN(last, last_attempt(*database_, accepted.job, accepted.task));
    if (!last || is_committed(last)) {
      return Error{ErrorCode::invalid, place(accepted.job, accepted.task) +
                                           (last ? " is committed" : " has not begun")};
    }
    return database_
        ->prepare(
            "INSERT OR REPLACE INTO contributions (job, task, client, examples, weight,"
            " checksum, bytes, outcome, metrics, at)"
            " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'accepted', ?8, ?9)")
        .bind(accepted.job)
        .bind(accepted.task)
        .bind(accepted.client)
        .bind(accepted.examples)
        .bind(accepted.weight)
        .bind(ByteView(accepted.checksum))
        .bind(static_cast<std::int64_t>(accepted.bytes))
        .bind(accepted.metrics)
        .bind(accepted.at)
        .run();
  });
}

Status Journal::record_outcome(const Outcome& outcome) {
  return database_->transaction([&]() -> Status {
    FED_TRY(find_job(outcome.job));
    return database_
        ->prepare(
            "INSERT INTO contributions (job, task, client, checksum, outcome, reason,"
            " detail, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
            " ON CONFLICT (job, task, client) DO UPDATE SET"
            " checksum = excluded.checksum, outcome = excluded.outcome,"
            " reason = excluded.reason, detail = excluded.detail, at = excluded.at"
            " WHERE outcome <> 'accepted'")
        .bind(outcome.job)
        .bind(outcome.task)
        .bind(outcome.client)
        .bind(ByteView(outcome.checksum))
        .bind(outcome.outcome)
        .bind(std::int64_t{outcome.reason})
        .bind(outcome.detail)
        .bind(outcome.at)
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
  if (progress.open) {
    FED_ASSIGN(current, contributions(name, progress.open->round));
    progress.contributions = std::move(current);
  }
  FED_ASSIGN(previous, contributions(name, committed));
  progress.previous = std::move(previous);
  return progress;
}

Result<std::vector<RoundRow>> Journal::history(std::string_view job) {
  FED_TRY(find_job(job));
  Statement statement = database_->prepare(R"sql(
    SELECT r.round, r.attempt, r.state, r.reason, r.goal, r.total_weight, r.opened_at,
      r.committed_at, r.metrics,
      (SELECT count(*) FROM cohort c
       WHERE c.job = r.job AND c.round = r.round AND c.attempt = r.attempt),
      coalesce(o.accepted, 0), coalesce(o.refused, 0), coalesce(o.discarded, 0)
    FROM rounds r LEFT JOIN
      (SELECT task, sum(outcome = 'accepted') AS accepted, sum(outcome = 'refused') AS refused,
         sum(outcome = 'discarded') AS discarded
       FROM contributions WHERE job = ?1 GROUP BY task) o ON o.task = r.round
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

Result<std::vector<ContributionRow>> Journal::contributions(std::string_view job,
                                                            std::int64_t round) {
  Statement statement = database_->prepare(
      "SELECT task, client, examples, weight, checksum, bytes, outcome, reason, detail, metrics,"
      " at FROM contributions WHERE job = ?1 AND task = ?2 ORDER BY client");
  statement.bind(job).bind(round);
  std::vector<ContributionRow> rows;
  while (true) {
    FED_ASSIGN(row, statement.step());
    if (!row) return rows;
    FED_ASSIGN(contribution, contribution_of(statement));
    rows.push_back(std::move(contribution));
  }
}

}  // namespace fed::store
