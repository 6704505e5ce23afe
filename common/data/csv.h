// Reads comma-separated values, one record at a time, as RFC 4180 has them.
//
// Quoted fields may hold delimiters, doubled quotes and line ends; a line ends with LF, CRLF or CR;
// a UTF-8 byte order mark is skipped; empty lines are skipped; a file compressed with gzip is read
// as if it were not. Memory is one record and one buffer. The number of fields is the caller's to
// check.
//
// Errors (ErrorCode::malformed, one sentence with the file and the line): a quote inside an
// unquoted field, text after a closing quote, a quote that is never closed, a record of more than
// kCsvRecordBytesMax, UTF-16. The reader cannot go on behind one.
//
// (libcsv was considered: it gives neither the line a record begins on, nor its text, which `split`
// keeps, nor the place of an error; recovering them around its callbacks takes more than the
// parser.)
//
// One owner, not thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "data/gzip.h"

namespace fed::data {

inline constexpr std::size_t kCsvRecordBytesMax = 16u << 20;

class CsvReader {
 public:
  static Result<CsvReader> open(const fs::path& path, char delimiter);

  // Moves to the next record; false at the end. What the functions below return is valid until the
  // next call, also in a moved reader.
  Result<bool> next();

  std::span<const std::string_view> fields() const { return fields_; }
  std::string_view raw() const {
    return raw_;
  }  // the record as the file has it, without its line end
  std::int64_t line() const { return first_line_; }  // the line it begins on, from 1

 private:
  // Where in a field the next byte falls; `closed` is behind a quote that either ends the field or
  // is doubled.
  enum class Place { start, plain, quoted, closed };

  CsvReader(GzipFile file, char delimiter) : file_(std::move(file)), delimiter_(delimiter) {}
  Status skip_byte_order_mark();
  Result<bool> fill();
  Result<bool> read_record();
  Result<Place> take(Place place, char c);
  void end_field();
  void count_lines(char c);
  Error error(std::int64_t line, const std::string& what) const;

  GzipFile file_;
  char delimiter_;
  std::vector<std::uint8_t> buffer_;
  std::size_t position_ = 0;     // in buffer_
  std::int64_t line_ = 1;        // of the next byte
  char previous_ = 0;            // byte, to count CRLF once
  std::int64_t first_line_ = 1;  // of the record
  std::int64_t quote_line_ = 1;  // of the last opening quote
  std::string raw_;
  std::vector<char> text_;         // the fields of the record, unquoted, one after the other
  std::vector<std::size_t> ends_;  // of the fields in text_
  std::vector<std::string_view> fields_;
};

// What is wrong with a record that has not `width` fields: "line 17 has 12 fields, the header has
// 14".
std::string ragged(const CsvReader& record, std::size_t width);

}  // namespace fed::data
