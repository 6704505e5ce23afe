// Every refusal of a table, word for word.
#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "data/source.h"
#include "data/support.h"
#include "data/text.h"

namespace fed::data {
namespace {

Result<std::unique_ptr<Source>> open_table(const fs::path& path, const config::InputsSpec& inputs,
                                           config::DataSpec data = csv_at("")) {
  data.path = path;
  return open(data, {.inputs = &inputs});
}

// The error without the path of the file, which it must begin with.
std::string refusal(const std::string& content, const config::InputsSpec& inputs = hospital(),
                    const config::DataSpec& data = csv_at("")) {
  const Folder folder;
  const fs::path path = folder.write("t.csv", content);
  const auto source = open_table(path, inputs, data);
  REQUIRE(source.has_error());
  const std::string& detail = source.error().detail;
  REQUIRE(detail.starts_with(path.string()));
  return detail.substr(path.string().size());
}

model::Examples load(const std::string& content, const config::InputsSpec& inputs = hospital(),
                     const config::DataSpec& data = csv_at("")) {
  const Folder folder;
  const auto source = open_table(folder.write("t.csv", content), inputs, data);
  INFO(source.error().detail);
  REQUIRE(source.has_value());
  return source.value()->load({}).value().train;
}

using Values = tensor::Floats;

TEST_CASE("rows that cannot be used are refused with line, column and what was expected") {
  CHECK(refusal("age,pain,outcome\n1,2,0\n1,2\n") == ": line 3 has 2 fields, the header has 3");
  CHECK(refusal("age,pain,outcome\n1\n") == ": line 2 has 1 field, the header has 3");
  CHECK(refusal("age,pain,outcome\nold,2,0\n") ==
        ": line 2, column \"age\": \"old\" is not a number");
  CHECK(refusal("age,pain,outcome\n1.5kg,2,0\n") ==
        ": line 2, column \"age\": \"1.5kg\" is not a number");
  CHECK(refusal("age,pain,outcome\n\"3,14\",2,0\n") ==
        ": line 2, column \"age\": \"3,14\" is not a number; decimals take a point");
  CHECK(refusal("age,pain,outcome\nNaN,2,0\n") ==
        ": line 2, column \"age\": \"NaN\" is not a finite number; a missing value is empty, ? or "
        "NA");
  CHECK(refusal("age,pain,outcome\n-inf,2,0\n") ==
        ": line 2, column \"age\": \"-inf\" is not a finite number; a missing value is empty, ? or "
        "NA");
  CHECK(refusal("age,pain,outcome\n1e39,2,0\n") ==
        ": line 2, column \"age\": \"1e39\" is beyond the range of a 32-bit float");
  CHECK(refusal("age,pain,outcome\n1e999,2,0\n") ==
        ": line 2, column \"age\": \"1e999\" is beyond the range of a 32-bit float");
  CHECK(refusal("age,pain,outcome\n1,5,0\n") ==
        ": line 2, column \"pain\": \"5\" is not among the values \"1\", \"2\", \"3\"");
  CHECK(refusal("age,pain,outcome\n1,2,maybe\n") ==
        ": line 2, column \"outcome\": \"maybe\" is not among the classes \"0\", \"1\"");
  CHECK(refusal("age,pain,outcome\n1,2,\n") ==
        ": line 2, column \"outcome\": the label is missing");
  CHECK(refusal("age,pain,outcome\n1,2,NA\n") ==
        ": line 2, column \"outcome\": the label is missing");
}

TEST_CASE("missing values are refused where the job says so") {
  auto inputs = hospital();
  inputs.missing = config::InputsSpec::Missing::refuse;
  const std::string why = ": the value is missing, and the job refuses missing values";
  CHECK(refusal("age,pain,outcome\n?,2,0\n", inputs) == ": line 2, column \"age\"" + why);
  CHECK(refusal("age,pain,outcome\n1,NA,0\n", inputs) == ": line 2, column \"pain\"" + why);
  inputs.unknown_category = config::InputsSpec::Unknown::other;
  CHECK(refusal("age,pain,outcome\n1,,0\n", inputs) == ": line 2, column \"pain\"" + why);
}

TEST_CASE("a label that is a number is refused as one") {
  auto inputs = hospital();
  inputs.classes = {};
  CHECK(refusal("age,pain,outcome\n1,2,high\n", inputs) ==
        ": line 2, column \"outcome\": \"high\" is not a number");
  CHECK(refusal("age,pain,outcome\n1,2,?\n", inputs) ==
        ": line 2, column \"outcome\": the label is missing");
}

TEST_CASE("a header that does not fit is refused") {
  CHECK(refusal("") == " is empty; a header was expected");
  CHECK(refusal("\n\n") == " is empty; a header was expected");
  CHECK(refusal("age,pain,outcome\n") == " has a header and no rows");
  CHECK(refusal("age,pain,outcome,age\n1,2,0,1\n") ==
        ": the header has \"age\" twice, as columns 1 and 4");
  CHECK(refusal("agee,pain,outcome\n1,2,0\n") ==
        ": there is no column \"age\"; did you mean \"agee\"?");
  CHECK(refusal("AGE,pain,outcome\n1,2,0\n") ==
        ": there is no column \"age\"; did you mean \"AGE\"?");
  CHECK(refusal("height,pain,outcome\n1,2,0\n") ==
        ": there is no column \"age\"; the file has \"height\", \"pain\", \"outcome\"");
  CHECK(refusal("age,pain,result\n1,2,0\n") ==
        ": there is no column \"outcome\"; the file has \"age\", \"pain\", \"result\" (it is the "
        "label)");
  CHECK(refusal("age;pain;outcome\n1;2;0\n") ==
        " has 3 problems:\n"
        "  there is no column \"age\"; the header is a single column \"age;pain;outcome\", is "
        "another "
        "\"delimiter\" meant?\n"
        "  there is no column \"pain\"; the header is a single column \"age;pain;outcome\", is "
        "another "
        "\"delimiter\" meant?\n"
        "  there is no column \"outcome\"; the header is a single column \"age;pain;outcome\", is "
        "another "
        "\"delimiter\" meant? (it is the label)");
}

TEST_CASE("a site's names and limits are respected") {
  auto data = csv_at("");
  data.columns = {{"age", "AGE_YRS"}, {"outcome", "died"}, {"weight", "KG"}};
  const auto examples = load("AGE_YRS,pain,died,secret\n41,1,1,x\n", hospital(), data);
  CHECK(examples.features == Values{41, 1, 0, 0});
  CHECK(examples.labels == Values{1});
  CHECK(refusal("AGE_YR,pain,died\n1,2,0\n", hospital(), data) ==
        ": there is no column \"AGE_YRS\" (the job's \"age\"); did you mean \"AGE_YR\"?");

  data.columns = {{"agee", "AGE_YRS"}};
  CHECK(refusal("age,pain,outcome\n1,2,0\n", hospital(), data) ==
        ": \"columns\" maps \"agee\", which the job does not have; did you mean \"age\"?");

  data = csv_at("");
  data.features = {"pain"};
  CHECK(refusal("age,pain,outcome\n1,2,0\n", hospital(), data) ==
        ": the job reads \"age\", which \"features\" of this site does not list");
  data = csv_at("");
  data.label = "relapse";
  CHECK(refusal("age,pain,outcome,relapse\n1,2,0,1\n", hospital(), data) ==
        ": the job predicts \"outcome\", but the \"label\" of this site is \"relapse\"");
}

TEST_CASE("the first twenty problems come together, with the count of all") {
  std::string content = "age,pain,outcome\n";
  std::string expected = " has 50 problems, the first 20:";
  for (int line = 2; line < 27; ++line) {
    content += "x,2,y\n";
    if (line < 12) {
      expected += fmt::format("\n  line {}, column \"age\": \"x\" is not a number", line);
      expected += fmt::format(
          "\n  line {}, column \"outcome\": \"y\" is not among the classes \"0\", \"1\"", line);
    }
  }
  CHECK(refusal(content) == expected);
}

TEST_CASE("lines are counted through quoted line ends") {
  CHECK(refusal("age,pain,outcome,note\r\n1,2,0,\"a\r\nb\nc\"\r\n\r\nx,2,0,\r\n") ==
        ": line 6, column \"age\": \"x\" is not a number");
}

TEST_CASE("a job without inputs takes every column for a number") {
  const Folder folder;
  auto data = csv_at(folder.write("t.csv", "zeta,outcome,alpha\n1,2,3\n4,0,?\n"));
  data.columns = {{"beta", "zeta"}};
  const auto examples = open(data, {.classes = 3}).value()->load({}).value().train;
  CHECK(examples.inputs == 2);
  CHECK(examples.features == Values{3, 1, 3, 4});  // alpha, beta, whatever the order in the file
  CHECK(examples.labels == Values{2, 0});

  const auto error_of = [&](const std::string& content, std::int64_t classes) {
    data.path = folder.write("u.csv", content);
    const auto source = open(data, {.classes = classes});
    REQUIRE(source.has_error());
    return source.error().detail.substr(data.path.string().size());
  };
  CHECK(error_of("zeta,outcome,sex\n1,2,male\n", 3) ==
        ": line 2, column \"sex\": \"male\" is not a number; a job whose columns are not all "
        "numbers needs "
        "an \"inputs\" section");
  CHECK(error_of("zeta,outcome\n1,3\n", 3) ==
        ": line 2, column \"outcome\": \"3\" is not among the classes \"0\", \"1\", \"2\"");
  CHECK(error_of("zeta,outcome,\n1,3,4\n", 0) ==
        ": a column of the header has no name; a job whose columns are not all numbers needs an "
        "\"inputs\" "
        "section");
  data.label = "";
  CHECK(error_of("zeta,outcome\n1,3\n", 0) ==
        ": which column is the label? Set \"label\" in the data section");
  data.label = "outcome";
  data.features = {"zeta", "beta"};
  CHECK(error_of("beta,outcome\n1,3\n", 0).find("there is no column") != std::string::npos);
}

TEST_CASE("a site may offer a job without inputs only some of its columns") {
  auto data = csv_at("");
  data.features = {"a", "c"};
  const Folder folder;
  data.path = folder.write("t.csv", "a,name,c,outcome\n1,Ann,3,0.5\n");
  const auto examples = open(data, {}).value()->load({}).value().train;
  CHECK(examples.features == Values{1, 3});
  CHECK(examples.labels == Values{0.5f});
}

TEST_CASE("values are compared as text, then as numbers, unless that is ambiguous") {
  CHECK(load("age,pain,outcome\n 7 , 2.0 ,1.0\n").features == Values{7, 0, 1, 0});
  CHECK(load("age,pain,outcome\n+7,02,1e0\n").labels == Values{1});
  auto inputs = hospital();
  inputs.columns[1].values = {"1", "01", "1.0"};
  CHECK(load("age,pain,outcome\n7,01,0\n", inputs).features == Values{7, 0, 1, 0});
  CHECK(refusal("age,pain,outcome\n7,001,0\n", inputs) ==
        ": line 2, column \"pain\": \"001\" is not among the values \"1\", \"01\", \"1.0\"");
  inputs.columns[1].values = {"NA", "?", "x"};  // a job may call them values
  CHECK(load("age,pain,outcome\n7,?,0\n", inputs).features == Values{7, 0, 1, 0});
}

TEST_CASE("predictions need no label") {
  const Folder folder;
  auto data = csv_at(folder.write("t.csv", "age,pain\n5,3\n6,1\n"));
  data.test_fraction = 1;
  const auto inputs = hospital();
  const auto dataset =
      open(data, {.inputs = &inputs, .labels_required = false}).value()->load({}).value();
  CHECK(dataset.train.rows == 0);
  CHECK(dataset.holdout.features == Values{5, 0, 0, 1, 6, 1, 0, 0});
  CHECK(dataset.holdout.labels.empty());
}

TEST_CASE("cells are quoted so that a terminal survives them") {
  CHECK(in_quotes("caf\xc3\xa9") == "\"caf\xc3\xa9\"");
  CHECK(in_quotes("a\x1b[2J\n") == "\"a\\x1b[2J\\x0a\"");
  CHECK(in_quotes("\xe9t\xe9") == "\"\\xe9t\\xe9\"");  // Latin-1
  CHECK(in_quotes("\xc3") == "\"\\xc3\"");
  CHECK(in_quotes(std::string(50, 'x')) == "\"" + std::string(40, 'x') + "...\"");
  std::vector<std::string> many;
  for (char c = 'a'; c < 'a' + 13; ++c) many.push_back(std::string(1, c));
  CHECK(listed(many) ==
        "\"a\", \"b\", \"c\", \"d\", \"e\", \"f\", \"g\", \"h\", \"i\", \"j\" and 3 more");
}

TEST_CASE("numbers are what Python's float takes them for") {
  for (const auto& [cell, value] :
       std::vector<std::pair<const char*, double>>{{"0", 0},
                                                   {"-1.5e3", -1500},
                                                   {".5", 0.5},
                                                   {"5.", 5},
                                                   {"+2", 2},
                                                   {"1E-2", 0.01},
                                                   {"0.1", 0.1},
                                                   {"123456789012345678", 123456789012345678.0},
                                                   {"3.4028234e38", 3.4028234e38}}) {
    CAPTURE(cell);
    CHECK(parse_number(cell) == value);
  }
  for (const char* cell :
       {"", "-", "+", "+-1", "--1", "0x10", "1 2", "1e", "1_000", "one", "1,5", "$1", "++1"}) {
    CAPTURE(cell);
    CHECK_FALSE(parse_number(cell));
  }
}

}  // namespace
}  // namespace fed::data
