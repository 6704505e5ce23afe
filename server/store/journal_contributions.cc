// The contributions of rounds, and the open tasks of asynchronous jobs.
#include "store/attempts.h"
#include "store/journal.h"
#include "store/sqlite.h"

namespace fed::store {
namespace {

#define FED_CONTRIBUTION_COLUMNS                                                              \
  "task, client, round, base_version, committed, examples, weight, checksum, bytes, outcome," \
  " reason, detail, metrics, at"

Result<ContributionRow> contribution_of(const Statement& row) {
  ContributionRow contribution{.task = row.integer(0),
                               .client = row.integer(1),
                               .round = row.integer(2),
                               .base_version = row.integer(3),
                               .committed = row.integer(4) != 0,
                               .examples = row.integer(5),
                               .weight = row.real(6),
                               .bytes = static_cast<std::uint64_t>(row.integer(8)),
                               .outcome = row.text(9),
                               .reason = static_cast<int>(row.integer(10)),
                               .detail = row.text(11),
                               .metrics = row.text(12),
                               .at = row.integer(13)};
  FED_TRY(row.bytes(7, contribution.checksum));
  return contribution;
}

Result<std::vector<ContributionRow>> all_of(Statement& statement) {
  std::vector<ContributionRow> rows;
  while (true) {
    FED_ASSIGN(row, statement.step());
    if (!row) return rows;
    FED_ASSIGN(contribution, contribution_of(statement));
    rows.push_back(std::move(contribution));
  }
}

// The checksum of a contribution that was accepted; nothing if there is none.
Result<std::optional<Checksum>> accepted_checksum(Database& database, std::string_view job,
                                                  const UpdateId& update) {
  Statement statement = database.prepare(
      "SELECT checksum FROM contributions WHERE job = ?1 AND task = ?2 AND client = ?3"
      " AND outcome = 'accepted'");
  statement.bind(job).bind(update.task).bind(update.client);
  FED_ASSIGN(row, statement.step());
  if (!row) return std::optional<Checksum>();
  Checksum checksum{};
  FED_TRY(statement.bytes(0, checksum));
  return std::optional(checksum);
}

Status delete_task(Database& database, std::string_view job, std::int64_t task) {
  return database.prepare("DELETE FROM tasks WHERE job = ?1 AND task = ?2")
      .bind(job)
      .bind(task)
      .run();
}

Result<std::vector<OpenTask>> open_tasks_of(Database& database, std::string_view job) {
  Statement statement = database.prepare(
      "SELECT task, client, base_version, examples FROM tasks WHERE job = ?1 ORDER BY task");
  statement.bind(job);
  std::vector<OpenTask> tasks;
  while (true) {
    FED_ASSIGN(row, statement.step());
    if (!row) return tasks;
    tasks.push_back(
        {statement.integer(0), statement.integer(1), statement.integer(2), statement.integer(3)});
  }
}

Result<std::int64_t> highest_task(Database& database, std::string_view job) {
  Statement statement = database.prepare(
      "SELECT max(coalesce((SELECT max(task) FROM tasks WHERE job = ?1), 0),"
      " coalesce((SELECT max(task) FROM contributions WHERE job = ?1), 0))");
  statement.bind(job);
  FED_ASSIGN(row, statement.step());
  return row ? statement.integer(0) : 0;
}

// Inside a transaction.
Status accept(Database& database, const Accepted& accepted) {
  FED_ASSIGN(known, accepted_checksum(database, accepted.job, {accepted.task, accepted.client}));
  if (known == accepted.checksum) return {};
  if (known) {
    return Error{ErrorCode::already_exists, "client " + std::to_string(accepted.client) +
                                                " has contributed another update to task " +
                                                std::to_string(accepted.task) + " of the job \"" +
                                                accepted.job + "\""};
  }
  FED_ASSIGN(last, last_attempt(database, accepted.job, accepted.round));
  if (!last || is_committed(last)) {
    return Error{ErrorCode::invalid,
                 place(accepted.job, accepted.round) + (last ? " is committed" : " has not begun")};
  }
  if (accepted.ends_task) FED_TRY(delete_task(database, accepted.job, accepted.task));
  return database
      .prepare(
          "INSERT OR REPLACE INTO contributions (job, task, client, round, base_version,"
          " examples, weight, checksum, bytes, outcome, metrics, at)"
          " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'accepted', ?10, ?11)")
      .bind(accepted.job)
      .bind(accepted.task)
      .bind(accepted.client)
      .bind(accepted.round)
      .bind(accepted.base_version)
      .bind(accepted.examples)
      .bind(accepted.weight)
      .bind(ByteView(accepted.checksum))
      .bind(static_cast<std::int64_t>(accepted.bytes))
      .bind(accepted.metrics)
      .bind(accepted.at)
      .run();
}

}  // namespace

Status commit_contributions(Database& database, const RoundCommit& commit) {
  for (const UpdateId& update : commit.contributions) {
    FED_TRY(database
                .prepare("UPDATE contributions SET round = ?4, committed = 1"
                         " WHERE job = ?1 AND task = ?2 AND client = ?3")
                .bind(commit.job)
                .bind(update.task)
                .bind(update.client)
                .bind(commit.round)
                .run());
    FED_TRY(delete_task(database, commit.job, update.task));
  }
  return {};
}

Status load_contributions(Database& database, JobProgress& progress) {
  const std::string& job = progress.job.name;
  // SQLite gives the other columns of the row that has the maximum.
  Statement last = database.prepare(
      "SELECT max(task), client, round, base_version, committed,"
      " examples, weight, checksum, bytes, outcome, reason, detail,"
      " metrics, at FROM contributions"
      " WHERE job = ?1 AND committed = 1 GROUP BY client");
  last.bind(job);
  FED_ASSIGN(previous, all_of(last));
  Statement open = database.prepare("SELECT " FED_CONTRIBUTION_COLUMNS
                                    " FROM contributions WHERE job = ?1 AND committed = 0"
                                    " AND (outcome = 'accepted' OR round = ?2)"
                                    " ORDER BY task, client");
  open.bind(job).bind(progress.open ? progress.open->round : std::int64_t{-1});
  FED_ASSIGN(contributions, all_of(open));
  FED_ASSIGN(tasks, open_tasks_of(database, job));
  FED_ASSIGN(last_task, highest_task(database, job));
  progress.previous = std::move(previous);
  progress.contributions = std::move(contributions);
  progress.tasks = std::move(tasks);
  progress.last_task = last_task;
  return {};
}

Status Journal::open_tasks(std::string_view job, const std::vector<OpenTask>& tasks) {
  return database_->transaction([&]() -> Status {
    FED_TRY(find_job(job));
    for (const OpenTask& task : tasks) {
      Statement taken = database_->prepare("SELECT 1 FROM tasks WHERE job = ?1 AND task = ?2");
      taken.bind(job).bind(task.task);
      FED_ASSIGN(row, taken.step());
      if (row) {
        return Error{ErrorCode::already_exists, "the job \"" + std::string(job) + "\" has a task " +
                                                    std::to_string(task.task)};
      }
      FED_TRY(database_
                  ->prepare("INSERT INTO tasks (job, task, client, base_version, examples)"
                            " VALUES (?1, ?2, ?3, ?4, ?5)")
                  .bind(job)
                  .bind(task.task)
                  .bind(task.client)
                  .bind(task.base_version)
                  .bind(task.examples)
                  .run());
    }
    return {};
  });
}

Status Journal::end_task(std::string_view job, std::int64_t task) {
  return database_->transaction([&]() -> Status { return delete_task(*database_, job, task); });
}

Status Journal::accept_contributions(std::span<const Accepted> accepted) {
  return database_->transaction([&]() -> Status {
    for (const Accepted& each : accepted) FED_TRY(accept(*database_, each));
    return {};
  });
}

Result<std::optional<Checksum>> Journal::accepted(std::string_view job, const UpdateId& update) {
  return accepted_checksum(*database_, job, update);
}

Status Journal::discard_contribution(std::string_view job, const UpdateId& update, int reason) {
  return database_->transaction([&]() -> Status {
    return database_
        ->prepare(
            "UPDATE contributions SET outcome = 'discarded', reason = ?4"
            " WHERE job = ?1 AND task = ?2 AND client = ?3 AND committed = 0")
        .bind(job)
        .bind(update.task)
        .bind(update.client)
        .bind(std::int64_t{reason})
        .run();
  });
}

Status Journal::record_outcome(const Outcome& outcome) {
  return database_->transaction([&]() -> Status {
    FED_TRY(find_job(outcome.job));
    return database_
        ->prepare(
            "INSERT INTO contributions (job, task, client, round, checksum, outcome, reason,"
            " detail, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
            " ON CONFLICT (job, task, client) DO UPDATE SET"
            " checksum = excluded.checksum, outcome = excluded.outcome,"
            " reason = excluded.reason, detail = excluded.detail, at = excluded.at"
            " WHERE outcome <> 'accepted'")
        .bind(outcome.job)
        .bind(outcome.task)
        .bind(outcome.client)
        .bind(outcome.round)
        .bind(ByteView(outcome.checksum))
        .bind(outcome.outcome)
        .bind(std::int64_t{outcome.reason})
        .bind(outcome.detail)
        .bind(outcome.at)
        .run();
  });
}

Result<std::vector<ContributionRow>> Journal::contributions(std::string_view job,
                                                            std::int64_t round) {
  Statement statement = database_->prepare("SELECT " FED_CONTRIBUTION_COLUMNS
                                           " FROM contributions WHERE job = ?1 AND round = ?2"
                                           " ORDER BY task, client");
  statement.bind(job).bind(round);
  return all_of(statement);
}

Result<std::vector<ContributionRow>> Journal::uncommitted(std::string_view job) {
  Statement statement = database_->prepare("SELECT " FED_CONTRIBUTION_COLUMNS
                                           " FROM contributions WHERE job = ?1 AND committed = 0"
                                           " AND outcome = 'accepted' ORDER BY task, client");
  statement.bind(job);
  return all_of(statement);
}

}  // namespace fed::store
