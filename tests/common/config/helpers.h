// What the tests of the configuration share.
#pragma once

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "config/document.h"
#include "config/kind.h"
#include "config/problem.h"

namespace fed::config {

inline std::ostream& operator<<(std::ostream& out, const Problem& problem) {
  return out << problem.pointer << ": " << problem.message;
}

inline std::string content_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE(file.is_open());
  return {std::istreambuf_iterator<char>(file), {}};
}

inline std::filesystem::path source_folder() { return FED_SOURCE_DIR; }

inline std::vector<std::filesystem::path> examples(const char* folder) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(source_folder() / folder)) {
    if (entry.path().extension() == ".json") paths.push_back(entry.path());
  }
  return paths;
}

inline Json schema_of_kind(Kind kind) { return Json::parse(schema_text(kind)); }

constexpr Kind all_kinds[] = {Kind::server, Kind::job, Kind::client};

}  // namespace fed::config
