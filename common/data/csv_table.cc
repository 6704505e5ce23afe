#include "data/csv_table.h"

#include <algorithm>
#include <cmath>

#include "data/source.h"

namespace fed::data {

Result<CsvReader> open_at_header(const fs::path& path, char delimiter) {
  FED_ASSIGN(reader, CsvReader::open(path, delimiter));
  FED_ASSIGN(found, reader.next());
  if (!found) return Error{ErrorCode::invalid, path.string() + " is empty; a header was expected"};
  return reader;
}

Result<CsvTable> CsvTable::open(const fs::path& path, const config::DataSpec& data,
                                const Expectation& expectation) {
  FED_ASSIGN(reader, open_at_header(path, data.delimiter));
  FED_ASSIGN(columns, Columns::bind(expectation, data, path, reader.fields()));
  CsvTable table(path, data.delimiter, std::move(columns));
  Problems problems(path);
  Row row;
  while (true) {
    FED_ASSIGN(found, reader.next());
    if (!found) break;
    table.columns_.read(reader, row, problems);
    ++table.rows_;
    table.has_gaps_ |= std::any_of(row.numbers.begin(), row.numbers.end(),
                                   [](double number) { return std::isnan(number); });
  }
  FED_TRY(problems.status());
  if (table.rows_ == 0)
    return Error{ErrorCode::invalid, path.string() + " has a header and no rows"};
  if (table.rows_ > kRowsMax) {
    return Error{ErrorCode::too_large,
                 path.string() + " has more than " + std::to_string(kRowsMax) + " rows"};
  }
  return table;
}

Status CsvTable::for_each(const Use& use) const {
  const Error changed{ErrorCode::mismatch,
                      path_.string() + " changed while it was read; start again"};
  FED_ASSIGN(reader, open_at_header(path_, delimiter_));
  Problems problems(path_);
  Row row;
  std::int64_t rows = 0;
  while (true) {
    FED_ASSIGN(found, reader.next());
    if (!found) break;
    if (++rows > rows_ || !columns_.read(reader, row, problems)) return changed;
    FED_TRY(use(row, reader.line()));
  }
  if (rows != rows_) return changed;
  return {};
}

}  // namespace fed::data
