// SQLite behind RAII: a database, prepared statements, transactions. Internal to the layer.
//
// A Database and its Statements belong to one thread at a time; a Statement must not outlive its
// Database.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/bytes.h"
#include "base/disk.h"
#include "base/error.h"

struct sqlite3;
struct sqlite3_stmt;

namespace fed::store {

class SqliteDisk;

// A prepared statement with its parameters bound in the order ?1, ?2, ... Handed out by
// Database::prepare; what it was bound to must live until the last step. Errors of binding appear
// in the first step.
class Statement {
 public:
  Statement(sqlite3* database, sqlite3_stmt* statement, Status prepared);
  ~Statement();  // resets: the next user of the same text starts anew
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& bind(std::int64_t value);
  Statement& bind(double value);
  Statement& bind(std::string_view value);
  Statement& bind(ByteView value);
  Statement& bind(const std::optional<std::int64_t>& value);
  Statement& bind(const std::optional<double>& value);

  // True: there is a row to read. False: done.
  Result<bool> step();
  // For statements without rows.
  Status run();

  // Columns of the current row, from 0.
  std::int64_t integer(int column) const;
  double real(int column) const;
  std::string text(int column) const;
  ByteView blob(int column) const;  // valid until the next step
  bool is_null(int column) const;
  std::optional<std::int64_t> optional_integer(int column) const;
  std::optional<double> optional_real(int column) const;
  // Into an array of fixed size; malformed if the column has another size.
  Status bytes(int column, ByteSpan into) const;

 private:
  void note(int code);

  sqlite3* database_;
  sqlite3_stmt* statement_;
  Status status_;
  int next_parameter_ = 1;
};

class Database {
 public:
  // For WAL mode, also on a disk without shared memory (store/sqlite_disk.h).
  static Result<std::unique_ptr<Database>> open(Disk& disk, const fs::path& path);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Statements without parameters, whose rows are of no interest.
  Status execute(const char* statements);
  // A cached statement; `text` is a literal. An error in it shows in the first step.
  Statement prepare(const char* text);
  // Runs `work` inside BEGIN IMMEDIATE; commits if it succeeds, else nothing has changed.
  Status transaction(const std::function<Status()>& work);
  // Rows changed by the last statement.
  std::int64_t changes() const;
  std::int64_t last_id() const;
  // Overwrites what was deleted in the log, too.
  Status checkpoint();

 private:
  Database(std::unique_ptr<SqliteDisk> disk, sqlite3* handle);

  std::unique_ptr<SqliteDisk> disk_;  // none: the system's
  sqlite3* handle_;
  std::unordered_map<std::string_view, sqlite3_stmt*> cache_;
};

}  // namespace fed::store
