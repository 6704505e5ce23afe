#include "cli/command.h"

#include <catch2/catch.hpp>
#include <iostream>
#include <sstream>

namespace fed::cli {
namespace {

struct Captured {
  int status = 0;
  std::string out, err;
};

// One program with one command that prints what it was given.
Captured call(std::vector<const char*> words) {
  Program program{"prog", "for tests", {}};
  program.commands.push_back(
      {"greet",
       "NAME FILE...",
       "greet somebody",
       [](options::options_description& add) {
         add.add_options()("times", options::value<int>()->default_value(1), "how often");
       },
       {"name", "files..."},
       [](const Arguments& arguments) {
         std::cout << arguments.text("name") << arguments.get<int>("times") << arguments.json()
                   << arguments.get<std::vector<std::string>>("files").size();
         return static_cast<int>(done);
       }});
  program.commands.push_back(
      {"fail", "", "always fails", {}, {}, [](const Arguments& arguments) {
         return fail(arguments, {ErrorCode::not_found, "no \"such\"\nthing"}, no_daemon);
       }});
  program.commands.push_back(
      {"list", "[WORD...]", "any words", {}, {"words*"}, [](const Arguments& arguments) {
         for (const auto& word : arguments.texts("words")) std::cout << word << ";";
         return static_cast<int>(done);
       }});
  program.commands.push_back({"crash", "", "throws", {}, {}, [](const Arguments&) -> int {
                                throw std::runtime_error("broken");
                              }});
  words.insert(words.begin(), "prog");
  std::ostringstream out, err;
  auto* const old_out = std::cout.rdbuf(out.rdbuf());
  auto* const old_err = std::cerr.rdbuf(err.rdbuf());
  Captured captured;
  captured.status = run(program, static_cast<int>(words.size()), words.data());
  std::cout.rdbuf(old_out);
  std::cerr.rdbuf(old_err);
  captured.out = out.str();
  captured.err = err.str();
  return captured;
}

TEST_CASE("options and operands reach the command") {
  const Captured plain = call({"greet", "bob", "a", "b"});
  CHECK(plain.status == done);
  CHECK(plain.out == "bob102");
  CHECK(call({"greet", "bob", "a", "--times", "3", "--json"}).out == "bob311");
}

TEST_CASE("operands that need not be there") {
  CHECK(call({"list"}).status == done);
  CHECK(call({"list"}).out.empty());
  CHECK(call({"list", "a", "--json", "b"}).out == "a;b;");
}

TEST_CASE("bad usage is status 2 and says where the help is") {
  for (const std::vector<const char*>& words : {std::vector<const char*>{},
                                                {"nonsense"},
                                                {"greet"},
                                                {"greet", "bob"},
                                                {"greet", "bob", "a", "--nope"},
                                                {"greet", "bob", "a", "--times", "x"},
                                                {"fail", "extra"}}) {
    const Captured captured = call(words);
    CHECK(captured.status == bad_usage);
    CHECK_THAT(captured.err, Catch::Contains("--help"));
  }
}

TEST_CASE("help and version are there for the program and for each command") {
  CHECK(call({"--help"}).status == done);
  const Captured help = call({"greet", "--help"});
  CHECK(help.status == done);
  CHECK_THAT(help.out, Catch::Contains("greet NAME FILE...") && Catch::Contains("--times"));
  CHECK_THAT(call({"--version"}).out, Catch::StartsWith("prog "));
}

TEST_CASE("failures are one sentence, or one object with --json") {
  CHECK(call({"fail"}).err == "no \"such\"\nthing\n");
  const Captured json = call({"fail", "--json"});
  CHECK(json.status == no_daemon);
  CHECK(json.err == "{\"error\":\"not_found\",\"detail\":\"no \\\"such\\\"\\nthing\"}\n");
  const Captured crash = call({"crash"});
  CHECK(crash.status == refused);
  CHECK(crash.err == "prog: broken\n");
}

}  // namespace
}  // namespace fed::cli
