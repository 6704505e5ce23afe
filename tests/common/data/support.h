// What the data tests share: a folder that cleans up after itself, files, and Python as a second
// opinion.
#pragma once

#include <catch2/catch.hpp>
#include <cstdio>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/random.h"
#include "config/data.h"
#include "config/job.h"
#include "support/folder.h"

namespace fed::data {

class Folder : public test::Folder {
 public:
  fs::path write(const std::string& name, std::string_view content) const {
    REQUIRE(replace_file(path() / name, view(content), Durability::process));
    return path() / name;
  }
};

inline std::string read_text_file(const fs::path& path) {
  return std::string(text(read_file(path, 1u << 28).value()));
}

// What the script prints, line by line. `argument` is sys.argv[1].
inline std::vector<std::string> python(const Folder& folder, const std::string& script,
                                       const fs::path& argument) {
  const fs::path file = folder.write("script.py", script);
  const fs::path output = folder.path() / "output.txt";
  const std::string command =
      "/usr/bin/python3 " + file.string() + " " + argument.string() + " > " + output.string();
  REQUIRE(std::system(command.c_str()) == 0);
  std::vector<std::string> lines;
  const std::string printed = read_text_file(output);
  for (std::size_t at = 0; at < printed.size();) {
    const std::size_t end = printed.find('\n', at);
    lines.push_back(printed.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

inline config::ColumnSpec number(std::string name) {
  config::ColumnSpec column;
  column.name = std::move(name);
  return column;
}

inline config::ColumnSpec category(std::string name, std::vector<std::string> values) {
  config::ColumnSpec column;
  column.name = std::move(name);
  column.type = config::ColumnSpec::Type::category;
  column.values = std::move(values);
  return column;
}

// The hospital's table that most tests use: "age", "pain" of 1 to 3, "outcome" of 0 and 1.
inline config::InputsSpec hospital() {
  config::InputsSpec inputs;
  inputs.columns = {number("age"), category("pain", {"1", "2", "3"})};
  inputs.label = "outcome";
  inputs.classes = {"0", "1"};
  return inputs;
}

inline config::DataSpec csv_at(const fs::path& path) {
  config::DataSpec data;
  data.path = path;
  data.label = "outcome";
  data.test_fraction = 0;
  return data;
}

}  // namespace fed::data
