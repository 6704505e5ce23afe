#include "cli/table.h"

#include <algorithm>

namespace fed::cli {
namespace {

constexpr std::int64_t kBarWidth = 30;

std::size_t width_of(const std::string& cell) {
  const auto begins_character = [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  };
  return static_cast<std::size_t>(std::count_if(cell.begin(), cell.end(), begins_character));
}

}  // namespace

std::string Table::text() const {
  std::vector<std::size_t> widths(rows_.front().size(), 0);
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  std::string text;
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i] + std::string(widths[i] - width_of(row[i]) + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string progress_bar(std::int64_t done, std::int64_t total) {
  const std::int64_t filled =
      total > 0 ? std::clamp(done * kBarWidth / total, std::int64_t{0}, kBarWidth) : 0;
  return "[" + std::string(static_cast<std::size_t>(filled), '#') +
         std::string(static_cast<std::size_t>(kBarWidth - filled), '.') + "]";
}

}  // namespace fed::cli
