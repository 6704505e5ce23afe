// A CSV file whose every row has been read once and found good for a job.
//
// Immutable; safe from any thread. Its file is read again by `for_each`.
#pragma once

#include <cstdint>
#include <functional>

#include "base/error.h"
#include "config/data.h"
#include "data/columns.h"
#include "data/csv.h"

namespace fed::data {

class CsvTable {
 public:
  // `path` is data.path or data.test_path. ErrorCode::invalid with all problems of the file; a file
  // without a header or without rows is one. ErrorCode::malformed for what is no CSV at all
  // (csv.h).
  static Result<CsvTable> open(const fs::path& path, const config::DataSpec& data,
                               const Expectation& expectation);

  const Columns& columns() const { return columns_; }
  std::int64_t rows() const { return rows_; }
  bool has_gaps() const { return has_gaps_; }  // a number is missing somewhere
  const fs::path& path() const { return path_; }

  // Calls `use` with every row, in order, and its line; an error that it returns ends the reading.
  // ErrorCode::mismatch if the file is not the one that was opened.
  using Use = std::function<Status(const Row& row, std::int64_t line)>;
  Status for_each(const Use& use) const;

 private:
  CsvTable(fs::path path, char delimiter, Columns columns)
      : path_(std::move(path)), delimiter_(delimiter), columns_(std::move(columns)) {}

  fs::path path_;
  char delimiter_;
  Columns columns_;
  std::int64_t rows_ = 0;
  bool has_gaps_ = false;
};

// A reader that stands on the header, which it must have.
Result<CsvReader> open_at_header(const fs::path& path, char delimiter);

}  // namespace fed::data
