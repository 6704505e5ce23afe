#include "store/sqlite.h"

#include <sqlite3.h>

#include <algorithm>
#include <cerrno>

#include "store/sqlite_disk.h"

namespace fed::store {
namespace {

ErrorCode code_of(sqlite3* handle, int code) {
  switch (code & 0xff) {
    case SQLITE_FULL:
      return ErrorCode::disk_full;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return ErrorCode::malformed;
    case SQLITE_CONSTRAINT:
      return ErrorCode::already_exists;
    default:
      break;
  }
  const int system = handle == nullptr ? 0 : sqlite3_system_errno(handle);
  return system == ENOSPC || system == EDQUOT ? ErrorCode::disk_full : ErrorCode::io;
}

Error error_of(sqlite3* handle, int code) {
  const char* file = handle == nullptr ? nullptr : sqlite3_db_filename(handle, "main");
  const std::string where = file == nullptr || *file == '\0' ? "the registry" : file;
  const char* message = handle == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(handle);
  const ErrorCode kind = code_of(handle, code);
  std::string detail = where + ": " + message;
  if (kind == ErrorCode::malformed) detail += " (damaged: restore it from a backup)";
  if (kind == ErrorCode::disk_full) detail += " (make room; nothing is lost)";
  return {kind, detail};
}

}  // namespace

Statement::Statement(sqlite3* database, sqlite3_stmt* statement, Status prepared)
    : database_(database), statement_(statement), status_(std::move(prepared)) {}

Statement::~Statement() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

void Statement::note(int code) {
  ++next_parameter_;
  if (code != SQLITE_OK && status_) status_ = error_of(database_, code);
}

Statement& Statement::bind(std::int64_t value) {
  note(sqlite3_bind_int64(statement_, next_parameter_, value));
  return *this;
}

Statement& Statement::bind(double value) {
  note(sqlite3_bind_double(statement_, next_parameter_, value));
  return *this;
}

Statement& Statement::bind(std::string_view value) {
  // A null pointer would be NULL rather than the empty text.
  const char* data = value.data() == nullptr ? "" : value.data();
  note(sqlite3_bind_text64(statement_, next_parameter_, data, value.size(), SQLITE_TRANSIENT,
                           SQLITE_UTF8));
  return *this;
}

Statement& Statement::bind(ByteView value) {
  note(sqlite3_bind_blob64(statement_, next_parameter_, value.data(), value.size(),
                           SQLITE_TRANSIENT));
  return *this;
}

Statement& Statement::bind(const std::optional<std::int64_t>& value) {
  if (value) return bind(*value);
  note(sqlite3_bind_null(statement_, next_parameter_));
  return *this;
}

Statement& Statement::bind(const std::optional<double>& value) {
  if (value) return bind(*value);
  note(sqlite3_bind_null(statement_, next_parameter_));
  return *this;
}

Result<bool> Statement::step() {
  if (!status_) return status_.error();
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return error_of(database_, code);
}

Status Statement::run() {
  FED_TRY(step());
  return {};
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

double Statement::real(int column) const { return sqlite3_column_double(statement_, column); }

std::string Statement::text(int column) const {
  const unsigned char* data = sqlite3_column_text(statement_, column);
  if (data == nullptr) return {};
  return {reinterpret_cast<const char*>(data),
          static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

ByteView Statement::blob(int column) const {
  const void* data = sqlite3_column_blob(statement_, column);
  return {static_cast<const std::uint8_t*>(data),
          static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

std::optional<std::int64_t> Statement::optional_integer(int column) const {
  if (is_null(column)) return std::nullopt;
  return integer(column);
}

std::optional<double> Statement::optional_real(int column) const {
  if (is_null(column)) return std::nullopt;
  return real(column);
}

Status Statement::bytes(int column, ByteSpan into) const {
  const ByteView found = blob(column);
  if (found.size() != into.size()) {
    return Error{ErrorCode::malformed, "the registry is damaged: a value has " +
                                           std::to_string(found.size()) + " bytes instead of " +
                                           std::to_string(into.size())};
  }
  std::copy(found.begin(), found.end(), into.begin());
  return {};
}

Result<std::unique_ptr<Database>> Database::open(Disk& disk, const fs::path& path) {
  // SQLite would give the file the process's umask; its log inherits the mode of the file.
  FED_TRY(disk.open_to_write(path, 0600));
  auto vfs = &disk == &real_disk() ? nullptr : std::make_unique<SqliteDisk>(disk);
  sqlite3* handle = nullptr;
  const int code =
      sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
                      vfs ? vfs->name() : nullptr);
  const bool exclusive = vfs != nullptr;
  std::unique_ptr<Database> database(new Database(std::move(vfs), handle));
  if (code != SQLITE_OK) return error_of(handle, code);
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, 5000);  // somebody looks at it with another tool
  if (exclusive) FED_TRY(database->execute("PRAGMA locking_mode = EXCLUSIVE"));
  return database;
}

Database::Database(std::unique_ptr<SqliteDisk> disk, sqlite3* handle)
    : disk_(std::move(disk)), handle_(handle) {}

Database::~Database() {
  for (const auto& [text, statement] : cache_) sqlite3_finalize(statement);
  sqlite3_close(handle_);
}

Status Database::execute(const char* statements) {
  const int code = sqlite3_exec(handle_, statements, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return error_of(handle_, code);
  return {};
}

Statement Database::prepare(const char* text) {
  if (const auto found = cache_.find(text); found != cache_.end()) {
    return Statement(handle_, found->second, {});
  }
  sqlite3_stmt* statement = nullptr;
  const int code =
      sqlite3_prepare_v3(handle_, text, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return Statement(handle_, nullptr, error_of(handle_, code));
  cache_.emplace(text, statement);
  return Statement(handle_, statement, {});
}

Status Database::transaction(const std::function<Status()>& work) {
  FED_TRY(execute("BEGIN IMMEDIATE"));
  Status status = work();
  if (status) status = execute("COMMIT");
  // Some errors have ended the transaction already.
  if (!status && sqlite3_get_autocommit(handle_) == 0) static_cast<void>(execute("ROLLBACK"));
  return status;
}

std::int64_t Database::changes() const { return sqlite3_changes64(handle_); }

std::int64_t Database::last_id() const { return sqlite3_last_insert_rowid(handle_); }

Status Database::checkpoint() { return execute("PRAGMA wal_checkpoint(TRUNCATE)"); }

}  // namespace fed::store
