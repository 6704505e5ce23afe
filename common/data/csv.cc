#include "data/csv.h"

namespace fed::data {
namespace {

constexpr std::size_t kBufferBytes = 1u << 17;

}  // namespace

Result<CsvReader> CsvReader::open(const fs::path& path, char delimiter) {
  FED_ASSIGN(file, GzipFile::open_to_read(path));
  CsvReader reader(std::move(file), delimiter);
  FED_TRY(reader.skip_byte_order_mark());
  return reader;
}

Status CsvReader::skip_byte_order_mark() {
  FED_TRY(fill());
  const std::string_view start = text(buffer_).substr(0, 3);
  if (start.starts_with("\xff\xfe") || start.starts_with("\xfe\xff")) {
    return Error{ErrorCode::malformed, file_.path().string() + " is UTF-16; save it as UTF-8"};
  }
  if (start == "\xef\xbb\xbf") position_ = 3;
  return {};
}

Result<bool> CsvReader::fill() {
  buffer_.resize(kBufferBytes);
  FED_ASSIGN(size, file_.read(buffer_));
  buffer_.resize(size);
  position_ = 0;
  return size > 0;
}

Result<bool> CsvReader::next() {
  do {
    FED_ASSIGN(found, read_record());
    if (!found) return false;
  } while (raw_.empty());
  fields_.clear();
  std::size_t begin = 0;
  for (std::size_t end : ends_) {
    fields_.emplace_back(text_.data() + begin, end - begin);
    begin = end;
  }
  return true;
}

Result<bool> CsvReader::read_record() {
  raw_.clear();
  text_.clear();
  ends_.clear();
  Place place = Place::start;
  while (true) {
    if (position_ == buffer_.size()) {
      FED_ASSIGN(more, fill());
      if (!more) break;
    }
    const char c = static_cast<char>(buffer_[position_++]);
    count_lines(c);
    if (place != Place::quoted && (c == '\n' || c == '\r')) {
      end_field();  // behind CRLF's CR an empty record follows, which `next` skips
      return true;
    }
    if (raw_.empty()) first_line_ = line_;
    raw_ += c;
    if (raw_.size() > kCsvRecordBytesMax) {
      return error(first_line_, "a record of more than " + std::to_string(kCsvRecordBytesMax) +
                                    " bytes begins here; is a quote missing?");
    }
    FED_ASSIGN(next_place, take(place, c));
    place = next_place;
  }
  if (place == Place::quoted)
    return error(quote_line_, "the quote that opens here is never closed");
  if (raw_.empty()) return false;
  end_field();
  return true;
}

Result<CsvReader::Place> CsvReader::take(Place place, char c) {
  if (place == Place::quoted) {
    if (c == '"') return Place::closed;
    text_.push_back(c);
    return Place::quoted;
  }
  if (c == delimiter_) {
    end_field();
    return Place::start;
  }
  if (place == Place::closed) {
    if (c != '"')
      return error(line_, "there is text after a closing quote; double quotes inside quotes");
    text_.push_back(c);
    return Place::quoted;
  }
  if (c == '"') {
    if (place == Place::plain) {
      return error(line_,
                   "there is a quote inside a field without quotes; quote the field and double it");
    }
    quote_line_ = line_;
    return Place::quoted;
  }
  text_.push_back(c);
  return Place::plain;
}

void CsvReader::end_field() { ends_.push_back(text_.size()); }

void CsvReader::count_lines(char c) {
  if (c == '\r' || (c == '\n' && previous_ != '\r')) ++line_;
  previous_ = c;
}

Error CsvReader::error(std::int64_t line, const std::string& what) const {
  return {ErrorCode::malformed,
          file_.path().string() + ": line " + std::to_string(line) + ": " + what};
}

std::string ragged(const CsvReader& record, std::size_t width) {
  const std::size_t count = record.fields().size();
  return "line " + std::to_string(record.line()) + " has " + std::to_string(count) +
         (count == 1 ? " field" : " fields") + ", the header has " + std::to_string(width);
}

}  // namespace fed::data
