#include "session/text_lines.h"

#include <sstream>

namespace fed::session {

Result<std::optional<std::string>> read_text(Disk& disk, const fs::path& file,
                                             std::uint64_t bytes_max) {
  const auto there = disk.inspect(file);
  if (!there && there.error().code == ErrorCode::not_found) return std::optional<std::string>();
  if (!there) return there.error();
  FED_ASSIGN(bytes, read_file(disk, file, bytes_max));
  return std::string(bytes.begin(), bytes.end());
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

std::vector<std::string> words_of(std::string_view line) {
  std::istringstream stream{std::string(line)};
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

bool is_remark(const std::vector<std::string>& words) {
  return words.empty() || words[0].starts_with('#');
}

Error wrong_line(const fs::path& file, std::size_t number, const std::string& what) {
  return {ErrorCode::malformed, file.string() + ", line " + std::to_string(number) + ": " + what +
                                    "; until that is corrected, this client takes part in no "
                                    "secure aggregation"};
}

}  // namespace fed::session
