// Small state files that people read: whole, and line by line.
//
// Free functions; thread-safe.
#pragma once

#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/disk.h"

namespace fed::session {

// The whole file; none if it is not there. One that cannot be looked at is an error.
Result<std::optional<std::string>> read_text(Disk& disk, const fs::path& file,
                                             std::uint64_t bytes_max);

// Line by line, without the newlines.
std::vector<std::string> lines_of(std::string_view text);

// What stands between spaces, tabs and carriage returns.
std::vector<std::string> words_of(std::string_view line);

// Whether a line is for people only: empty, or begins with '#'.
bool is_remark(const std::vector<std::string>& words);

// malformed: "`file`, line `number`: `what`", and that there is no secure aggregation until then.
Error wrong_line(const fs::path& file, std::size_t number, const std::string& what);

// The whole of `text` as a number, and nothing else.
template <class Number>
std::optional<Number> whole_number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace fed::session
