#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "data/csv_format.h"
#include "data/csv_table.h"
#include "data/text.h"

namespace fed::data {
namespace {

constexpr std::size_t kClassesMax = 10'000;
constexpr std::size_t kBufferBytesMax = 1u << 16;  // a part

// Appends text to a file, opening it only to write, so that ten thousand parts need one descriptor.
class PartWriter {
 public:
  explicit PartWriter(fs::path path) : path_(std::move(path)) {}

  Status write_line(std::string_view line) {
    buffer_ += line;
    buffer_ += '\n';
    return buffer_.size() < kBufferBytesMax ? Status{} : flush();
  }

  Status flush() {
    FED_ASSIGN(file, File::open_to_write(path_));
    FED_TRY(file.write_at(written_, view(buffer_)));
    written_ += buffer_.size();
    buffer_.clear();
    return {};
  }

 private:
  fs::path path_;
  std::string buffer_;
  std::uint64_t written_ = 0;
};

// Where the label is; nothing if the data section names none.
Result<std::optional<std::size_t>> find_label(const config::DataSpec& data,
                                              const CsvReader& at_header) {
  if (data.label.empty()) return std::optional<std::size_t>{};
  const auto mapped = data.columns.find(data.label);
  const std::string& name = mapped == data.columns.end() ? data.label : mapped->second;
  std::vector<std::string> names;
  for (std::string_view field : at_header.fields()) names.emplace_back(trim(field));
  const auto found = std::find(names.begin(), names.end(), name);
  if (found != names.end()) return std::optional(static_cast<std::size_t>(found - names.begin()));
  const std::string hint = did_you_mean(name, names);
  return Error{ErrorCode::invalid, data.path.string() + ": there is no column " + in_quotes(name) +
                                       (hint.empty() ? "; the file has " + listed(names) : hint)};
}

}  // namespace

Result<std::vector<std::uint32_t>> classes_of_csv(const config::DataSpec& data) {
  FED_ASSIGN(reader, open_at_header(data.path, data.delimiter));
  FED_ASSIGN(label, find_label(data, reader));
  const std::size_t width = reader.fields().size();
  std::map<std::string, std::uint32_t, std::less<>> seen;
  std::vector<std::uint32_t> classes;
  Problems problems(data.path);
  while (true) {
    FED_ASSIGN(found, reader.next());
    if (!found) break;
    classes.push_back(0);
    if (reader.fields().size() != width) {
      problems.add(ragged(reader, width));
    } else if (label) {
      const std::string_view cell = trim(reader.fields()[*label]);
      const auto next = static_cast<std::uint32_t>(seen.size());
      if (const auto known = seen.find(cell); known != seen.end()) {
        classes.back() = known->second;
      } else {
        classes.back() = seen.emplace(cell, next).first->second;
      }
    }
    if (seen.size() > kClassesMax) {
      return Error{ErrorCode::invalid,
                   fmt::format("{}: {} has more than {} different values, too many to be classes",
                               data.path.string(), in_quotes(data.label), kClassesMax)};
    }
  }
  FED_TRY(problems.status());
  return classes;
}

Status write_csv_parts(const config::DataSpec& data, std::span<const std::uint32_t> part_of_row,
                       std::span<const fs::path> folders) {
  FED_ASSIGN(reader, open_at_header(data.path, data.delimiter));
  std::vector<PartWriter> writers;
  for (const fs::path& folder : folders) {
    writers.emplace_back(folder / "data.csv");
    FED_TRY(writers.back().write_line(reader.raw()));
  }
  const Error changed{ErrorCode::mismatch,
                      data.path.string() + " changed while it was read; start again"};
  std::size_t row = 0;
  while (true) {
    FED_ASSIGN(found, reader.next());
    if (!found) break;
    if (row == part_of_row.size()) return changed;
    FED_TRY(writers[part_of_row[row++]].write_line(reader.raw()));
  }
  if (row != part_of_row.size()) return changed;
  for (PartWriter& writer : writers) FED_TRY(writer.flush());
  return {};
}

}  // namespace fed::data
