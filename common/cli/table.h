// Text tables and progress bars for terminals. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace fed::cli {

// Columns as wide as their widest cell, two spaces apart. Cells are plain text; width counts UTF-8
// characters.
class Table {
 public:
  explicit Table(std::vector<std::string> header) { rows_.push_back(std::move(header)); }
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

// "[######....]" of 30 characters inside.
std::string progress_bar(std::int64_t done, std::int64_t total);

}  // namespace fed::cli
