// Opening, and the jobs. Clients are in journal_clients.cc, rounds in journal_rounds.cc.
#include "store/journal.h"

#include <algorithm>

#include "store/job_state.h"
#include "store/schema.h"
#include "store/sqlite.h"

namespace fed::store {
namespace {

constexpr std::uint64_t kPageBytes = 4096;  // SQLite's default

Result<std::int64_t> pragma(Database& database, const char* text) {
  Statement statement = database.prepare(text);
  FED_ASSIGN(row, statement.step());
  return row ? statement.integer(0) : 0;
}

Status check_health(Database& database) {
  Statement statement = database.prepare("PRAGMA quick_check(1)");
  FED_ASSIGN(row, statement.step());
  if (row && statement.text(0) == "ok") return {};
  return Error{ErrorCode::malformed,
               "the registry is damaged (" + statement.text(0) + "): restore it from a backup"};
}

Status set_up(Database& database, const JournalOptions& options) {
  // FULL syncs the log at every commit; NORMAL leaves that to the system, and the file stays
  // consistent all the same.
  FED_TRY(database.execute(options.durability == Durability::power
                               ? "PRAGMA synchronous = FULL"
                               : "PRAGMA synchronous = NORMAL"));
  FED_TRY(database.execute("PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON"));
  if (options.bytes_max == 0) return {};
  const std::uint64_t pages = std::max<std::uint64_t>(1, options.bytes_max / kPageBytes);
  return database.execute(("PRAGMA max_page_count = " + std::to_string(pages)).c_str());
}

Status upgrade(Database& database, std::int64_t version, const fs::path& path) {
  if (version == kSchemaVersion) return {};
  if (version > kSchemaVersion) {
    return Error{ErrorCode::unsupported,
                 path.string() + " was written by a newer fedserver (its tables have version " +
                     std::to_string(version) + ", this program knows " +
                     std::to_string(kSchemaVersion) + "): run that one"};
  }
  FED_TRY(database.execute("PRAGMA journal_mode = WAL"));
  return database.transaction([&]() -> Status {
    if (version < 1) FED_TRY(database.execute(kSchema));
    if (version < 2) FED_TRY(database.execute(kSchemaOfLedger));
    return database.execute(("PRAGMA user_version = " + std::to_string(kSchemaVersion)).c_str());
  });
}

Job job_of(const Statement& row) {
  return {.name = row.text(0),
          .spec = row.text(1),
          .state = row.text(2),
          .detail = row.text(4),
          .reason = static_cast<int>(row.integer(3)),
          .submitted_at = row.integer(5),
          .changed_at = row.integer(6),
          .version = row.integer(7),
          .best_version = row.optional_integer(8),
          .best_value = row.optional_real(9),
          .without_better = row.integer(10)};
}

}  // namespace

Journal::Journal(std::unique_ptr<Database> database) : database_(std::move(database)) {}
Journal::Journal(Journal&&) noexcept = default;
Journal& Journal::operator=(Journal&&) noexcept = default;
Journal::~Journal() = default;

Result<Journal> Journal::open(Disk& disk, const fs::path& path, const JournalOptions& options) {
  FED_ASSIGN(database, Database::open(disk, path));
  FED_ASSIGN(version, pragma(*database, "PRAGMA user_version"));
  FED_TRY(set_up(*database, options));
  FED_TRY(upgrade(*database, version, path));
  FED_TRY(check_health(*database));
  FED_TRY(sync_folder_of(disk, path, options.durability));
  // A process that died in a commit may have left it in the system's memory only.
  if (options.durability == Durability::power) FED_TRY(database->checkpoint());
  return Journal(std::move(database));
}

Status Journal::add_job(std::string_view name, std::string_view spec, std::string_view state,
                        std::int64_t now) {
  return database_->transaction([&]() -> Status {
    if (const auto known = find_job(name)) {
      // An error at the very end of a commit leaves open whether it is there.
      const bool untouched = known->version == 0 && known->changed_at == known->submitted_at;
      if (untouched && known->spec == spec && known->state == state) return {};
      return Error{ErrorCode::already_exists,
                   "there is a job \"" + std::string(name) + "\" already: choose another name"};
    }
    return database_
        ->prepare(
            "INSERT INTO jobs (name, spec, state, submitted_at, changed_at)"
            " VALUES (?1, ?2, ?3, ?4, ?5)")
        .bind(name)
        .bind(spec)
        .bind(state)
        .bind(now)
        .bind(now)
        .run();
  });
}

Result<std::vector<Job>> Journal::jobs() {
  Statement statement = database_->prepare(
      "SELECT name, spec, state, reason, detail, submitted_at, changed_at, version,"
      " best_version, best_value, without_better FROM jobs ORDER BY id");
  std::vector<Job> jobs;
  while (true) {
    FED_ASSIGN(row, statement.step());
    if (!row) return jobs;
    jobs.push_back(job_of(statement));
  }
}

Result<Job> Journal::find_job(std::string_view name) {
  Statement statement = database_->prepare(
      "SELECT name, spec, state, reason, detail, submitted_at, changed_at, version,"
      " best_version, best_value, without_better FROM jobs WHERE name = ?1");
  FED_ASSIGN(row, statement.bind(name).step());
  if (row) return job_of(statement);
  return Error{ErrorCode::not_found, "there is no job \"" + std::string(name) + "\""};
}

Status Journal::set_job_state(std::string_view name, std::string_view state, int reason,
                              std::string_view detail, std::int64_t now) {
  return database_->transaction([&]() -> Status {
    FED_TRY(find_job(name));
    return update_job_state(*database_, name, {std::string(state), reason, std::string(detail)},
                            now);
  });
}

Status update_job_state(Database& database, std::string_view job, const JobStateChange& change,
                        std::int64_t now) {
  return database
      .prepare(
          "UPDATE jobs SET state = ?2, reason = ?3, detail = ?4, changed_at = ?5"
          " WHERE name = ?1")
      .bind(job)
      .bind(change.state)
      .bind(std::int64_t{change.reason})
      .bind(change.detail)
      .bind(now)
      .run();
}

}  // namespace fed::store
