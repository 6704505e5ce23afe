#include "cli/table.h"

#include <catch2/catch.hpp>

namespace fed::cli {
namespace {

TEST_CASE("columns line up, also with letters of several bytes") {
  Table table({"name", "n"});
  table.add({"Zürich", "1"});
  table.add({"Bern", "22"});
  CHECK(table.text() == "name    n\nZürich  1\nBern    22\n");
}

TEST_CASE("a progress bar fills from empty to full and never further") {
  CHECK(progress_bar(0, 10) == "[" + std::string(30, '.') + "]");
  CHECK(progress_bar(5, 10) == "[" + std::string(15, '#') + std::string(15, '.') + "]");
  CHECK(progress_bar(20, 10) == "[" + std::string(30, '#') + "]");
  CHECK(progress_bar(1, 0) == "[" + std::string(30, '.') + "]");
}

}  // namespace
}  // namespace fed::cli
