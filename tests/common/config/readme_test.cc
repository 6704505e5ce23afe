// configs/README.md is written by hand but cannot drift: every key of the schemas has its row
// there, with what the schema allows, its default and its description, and there is no other row.
#include <iostream>
#include <map>

#include "config/schema.h"
#include "helpers.h"

namespace fed::config {
namespace {

struct Row {
  std::string allowed, standard,
      meaning;  // `standard` is empty where the schema has no fixed default
};
using Rows = std::map<std::string, Row>;

std::string cell(std::string text) {
  for (std::size_t at = text.find('|'); at != std::string::npos; at = text.find('|', at + 2)) {
    text.insert(at, "\\");
  }
  return text;
}

// " (sgd)" for the condition that a type has a value, nothing for others.
std::string when(const Json& condition) {
  if (!condition.contains("properties")) return "";
  const Json& tested = *condition["properties"].begin();
  std::string words;
  const Json values = tested.contains("const") ? Json{tested["const"]} : tested["enum"];
  for (const Json& value : values)
    words += (words.empty() ? " (" : ", ") + value.get<std::string>();
  return words + ")";
}

void add_word(std::string& list, const std::string& word) {
  if (("; " + list + "; ").find("; " + word + "; ") != std::string::npos) return;
  list += (list.empty() ? "" : "; ") + word;
}

void collect(const Json& schema, const std::string& prefix, const std::string& condition,
             Rows& rows) {
  const Json properties = schema.value("properties", Json::object());
  for (const auto& [key, property] : properties.items()) {
    const std::string name = prefix + key;
    if (property.is_boolean()) continue;
    Row& row = rows[name];
    if (property.contains("title")) {
      row.allowed = cell(allowed(property));
      row.meaning = cell(property["description"]);
    }
    if (property.contains("default"))
      add_word(row.standard, "`" + property["default"].dump() + "`" + condition);
    collect(property, name + ".", condition, rows);
    if (property.contains("items")) collect(property["items"], name + "[].", condition, rows);
  }
  for (const Json& key : schema.value("required", Json::array())) {
    add_word(rows[prefix + key.get<std::string>()].standard, "required" + condition);
  }
  if (schema.contains("if")) {
    const std::string then = when(schema["if"]);
    if (schema.contains("then"))
      collect(schema["then"], prefix, then.empty() ? condition : then, rows);
    if (schema.contains("else")) collect(schema["else"], prefix, condition, rows);
  }
  for (const Json& part : schema.value("allOf", Json::array()))
    collect(part, prefix, condition, rows);
}

Rows rows_of_schema(Kind kind) {
  Rows rows;
  collect(schema_of_kind(kind), "", "", rows);
  return rows;
}

std::string trim(const std::string& text) {
  const std::size_t first = text.find_first_not_of(' ');
  return first == std::string::npos ? ""
                                    : text.substr(first, text.find_last_not_of(' ') - first + 1);
}

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells(1);
  for (std::size_t i = 1; i < line.size(); ++i) {
    if (line[i] == '|' && line[i - 1] != '\\') {
      cells.emplace_back();
    } else {
      cells.back() += line[i];
    }
  }
  for (std::string& text : cells) text = trim(text);
  return cells;
}

// The rows of the tables under the heading "## `TITLE`", by key.
Rows rows_of_readme(const std::string& title) {
  const std::string readme = content_of(source_folder() / "configs/README.md");
  const std::size_t begin = readme.find("\n## " + title);
  REQUIRE(begin != std::string::npos);
  const std::string section = readme.substr(begin, readme.find("\n## ", begin + 1) - begin);
  std::istringstream lines(section);
  Rows rows;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("| `")) continue;
    const auto cells = cells_of(line);
    REQUIRE(cells.size() >= 4);
    const std::string key = cells[0].substr(1, cells[0].size() - 2);
    CHECK(rows.count(key) == 0);
    rows[key] = {cells[1], cells[2], cells[3]};
  }
  return rows;
}

const std::map<std::string, Kind> sections{
    {"Server", Kind::server}, {"Client", Kind::client}, {"Job", Kind::job}};

TEST_CASE("the README of configs has exactly the keys of the schemas, with what they allow") {
  for (const auto& [title, kind] : sections) {
    const Rows expected = rows_of_schema(kind), found = rows_of_readme(title);
    for (const auto& [key, row] : expected) {
      INFO(title << " " << key);
      REQUIRE(found.count(key) == 1);
      CHECK(found.at(key).allowed == row.allowed);
      CHECK(found.at(key).meaning == row.meaning);
      CHECK_FALSE(found.at(key).standard.empty());
      CHECK_THAT(found.at(key).standard, Catch::StartsWith(row.standard));
    }
    for (const auto& [key, row] : found) {
      INFO(title << " " << key);
      CHECK(expected.count(key) == 1);
    }
  }
}

// Not run by itself: `test_config "[rows]"` prints the rows to paste after a schema has changed.
TEST_CASE("print the rows", "[.][rows]") {
  for (const auto& [title, kind] : sections) {
    std::cout << "\n## " << title
              << "\n\n| key | allowed | default | meaning |\n|---|---|---|---|\n";
    for (const auto& [key, row] : rows_of_schema(kind)) {
      std::cout << "| `" << key << "` | " << row.allowed << " | " << row.standard << " | "
                << row.meaning << " |\n";
    }
  }
}

}  // namespace
}  // namespace fed::config
