#include "config/document.h"

#include <fstream>

#include "helpers.h"

namespace fed::config {
namespace {

Problems problems_of(std::string_view text) {
  const auto parsed = parse_json(text);
  return parsed ? Problems() : parsed.error();
}

std::string only_message(std::string_view text) {
  const Problems problems = problems_of(text);
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].pointer.empty());
  return problems[0].message;
}

TEST_CASE("a syntax error has its line, its column and what was expected") {
  CHECK(only_message("{\n  \"name\": \"a\",\n  \"model\" {}\n}") ==
        "line 3, column 11: syntax error while parsing object separator - unexpected '{'; expected "
        "':'");
  CHECK(only_message("{\"a\": 1,}") ==
        "line 1, column 9: syntax error while parsing object key - unexpected '}'; expected string "
        "literal");
  CHECK(only_message("[1 2]") ==
        "line 1, column 4: syntax error while parsing array - unexpected number literal; expected "
        "']'");
  CHECK(
      only_message("{} {}") ==
      "line 1, column 4: syntax error while parsing value - unexpected '{'; expected end of input");
}

TEST_CASE("columns count characters, not bytes") {
  CHECK_THAT(only_message("{\"é\": ,}"), Catch::StartsWith("line 1, column 7: "));
  CHECK_THAT(only_message("{\"e\": ,}"), Catch::StartsWith("line 1, column 7: "));
}

TEST_CASE("an empty or cut text, bad bytes and huge numbers are refused with a place") {
  CHECK_THAT(only_message(""),
             Catch::StartsWith("line 1, column 1: ") && Catch::Contains("unexpected end of input"));
  CHECK_THAT(only_message("{\"a\":\n"),
             Catch::StartsWith("line 2, column 1: ") && Catch::Contains("unexpected end of input"));
  CHECK_THAT(only_message("\"\xff\""), Catch::Contains("ill-formed UTF-8"));
  CHECK(only_message("[1, 1e999]") == "line 1, column 9: number overflow parsing '1e999'");
  CHECK_THAT(only_message("[NaN]"), Catch::StartsWith("line 1, column 2: "));
  CHECK_THAT(only_message("{\"a\": 1} // why"), Catch::StartsWith("line 1, column 10: "));
}

TEST_CASE("a long bad token is not quoted") {
  CHECK(only_message("[\"" + std::string(1000, 'x')).size() < 150);
}

TEST_CASE("keys given twice are problems, all of them, with escaped pointers") {
  const Problems expected{{"/a", "is there more than once; keep one"},
                          {"/b/1/c~1d~0e", "is there more than once; keep one"}};
  CHECK(problems_of(R"({"a": 1, "a": 2, "b": [{"c": 1}, {"c/d~e": 1, "c/d~e": 1}]})") == expected);
  CHECK(problems_of(R"({"a": {"x": 1}, "b": {"x": 1}})").empty());
}

TEST_CASE("keys given twice are reported together with what the schema finds") {
  const auto checked = validate(Kind::server, R"({"drain_s": 1, "drain_s": 2, "io_threads": -1})");
  REQUIRE_FALSE(checked.has_value());
  CHECK(checked.error() ==
        Problems{{"/drain_s", "is there more than once; keep one"},
                 {"/io_threads", "is -1; allowed: a whole number from 0 to 1024"}});
}

TEST_CASE("nesting is bounded, so a megabyte of brackets is only refused") {
  const std::string fits = std::string(depth_max, '[') + std::string(depth_max, ']');
  CHECK(problems_of(fits).empty());
  CHECK(only_message("[" + fits + "]") == "is nested more than 16 levels deep");
  CHECK(only_message(std::string(file_bytes_max, '[')) == "is nested more than 16 levels deep");
  std::string objects;
  while (objects.size() + 5 <= file_bytes_max) objects += "{\"a\":";
  CHECK(only_message(objects) == "is nested more than 16 levels deep");
  CHECK_FALSE(validate(Kind::job, std::string(file_bytes_max, '[')).has_value());
}

TEST_CASE("a text of the largest size is read, one byte more is not") {
  const std::string largest = "[]" + std::string(file_bytes_max - 2, ' ');
  CHECK(problems_of(largest).empty());
  CHECK(only_message(largest + " ") == "has 1048577 bytes; allowed: at most 1048576");
}

TEST_CASE("a flood of mistakes gives a bounded list") {
  std::string text = "{";
  for (int i = 0; i < 10000; ++i) text += "\"a\":1,";
  text += "\"b\":1}";
  CHECK(problems_of(text).size() == 100);
  std::string unknown = "{";
  for (int i = 0; i < 10000; ++i) unknown += "\"k" + std::to_string(i) + "\":1,";
  unknown += "\"b\":1}";
  CHECK(validate(Kind::job, unknown).error().size() == 100);
}

TEST_CASE("files that cannot be read say why") {
  const auto folder = std::filesystem::temp_directory_path() / "fed_config_document_test";
  std::filesystem::create_directories(folder);
  const auto path = folder / "file.json";
  std::filesystem::remove(path);
  CHECK(read_text(path).error() == Problems{{"", "there is no such file"}});
  CHECK(read_text(folder).error() == Problems{{"", "is a folder, not a file"}});
  std::ofstream(path) << std::string(file_bytes_max + 1, ' ');
  CHECK(read_text(path).error() ==
        Problems{{"", "is too large for a configuration; allowed: at most 1048576 bytes"}});
  std::ofstream(path) << "{}";
  CHECK(read_text(path).value() == "{}");
  std::filesystem::remove_all(folder);
}

TEST_CASE("the kind of a file is guessed by its keys") {
  for (const auto& path : examples("configs/jobs"))
    CHECK(guess_kind(content_of(path)) == Kind::job);
  CHECK(guess_kind(content_of(source_folder() / "configs/server.json")) == Kind::server);
  CHECK(guess_kind(content_of(source_folder() / "configs/client-csv.json")) == Kind::client);
  CHECK(guess_kind("{}") == std::nullopt);
  CHECK(guess_kind("[1]") == std::nullopt);
  CHECK(guess_kind("{") == std::nullopt);
  CHECK(kind_from("job") == Kind::job);
  CHECK(kind_from("Job") == std::nullopt);
}

TEST_CASE("problems are written one a line, with the file") {
  CHECK(format_problems("a.json", {{"/x", "is 0"}, {"", "is empty"}}) ==
        "a.json: /x: is 0\na.json: is empty\n");
  CHECK_THROWS_WITH(validate(Kind::server, "[]").value(),
                    "configuration: is a list of 0 items; allowed: an object\n");
}

}  // namespace
}  // namespace fed::config
