#include "config/schema.h"

#include <random>
#include <set>

#include "config/suggest.h"
#include "helpers.h"

namespace fed::config {
namespace {

Problems check(const char* schema, Json value) {
  Problems problems;
  complete(Json::parse(schema), value, problems);
  return problems;
}

// The only message about `value` as the key "k", or "" if it passes.
std::string about(const std::string& schema, const Json& value) {
  const Problems problems =
      check((R"({"properties": {"k": )" + schema + "}}").c_str(), {{"k", value}});
  if (problems.empty()) return "";
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].pointer == "/k");
  return problems[0].message;
}

TEST_CASE("numbers: the value found and the range allowed") {
  const char* whole = R"({"type": "integer", "minimum": 1, "maximum": 1000000})";
  CHECK(about(whole, 0) == "is 0; allowed: a whole number from 1 to 1000000");
  CHECK(about(whole, -3) == "is -3; allowed: a whole number from 1 to 1000000");
  CHECK(about(whole, 1000001) == "is 1000001; allowed: a whole number from 1 to 1000000");
  CHECK(about(whole, 2.5) == "is 2.5; allowed: a whole number from 1 to 1000000");
  CHECK(about(whole, "5") == "is \"5\"; allowed: a whole number from 1 to 1000000");
  CHECK(about(whole, nullptr) == "is null; allowed: a whole number from 1 to 1000000");
  CHECK(about(whole, 18446744073709551615u) ==
        "is 18446744073709551615; allowed: a whole number from 1 to 1000000");
  CHECK(about(whole, 1e300) == "is 1e+300; allowed: a whole number from 1 to 1000000");
  for (const Json& good : {Json(1), Json(1000000), Json(3.0)}) CHECK(about(whole, good) == "");
  const char* share = R"({"type": "number", "minimum": 0, "exclusiveMaximum": 1})";
  CHECK(about(share, 1) == "is 1; allowed: a number at least 0 and below 1");
  CHECK(about(share, 0.999) == "");
  const char* positive = R"({"type": "number", "exclusiveMinimum": 0, "maximum": 10})";
  CHECK(about(positive, 0) == "is 0; allowed: a number above 0 and at most 10");
  CHECK(about(positive, 10) == "");
  CHECK(about(R"({"type": "number"})", true) == "is true; allowed: a number");
}

TEST_CASE("texts: choices, patterns in words, lengths in characters") {
  CHECK(about(R"({"type": "boolean"})", true) == "");
  CHECK(about(R"({"type": "boolean"})", "yes") == "is \"yes\"; allowed: true or false");
  CHECK(about(R"({"type": "boolean"})", 1) == "is 1; allowed: true or false");
  const char* choice = R"({"type": "string", "enum": ["sgd", "adam", "yogi"]})";
  CHECK(about(choice, "sdg") == "is \"sdg\"; allowed: \"sgd\", \"adam\" or \"yogi\"");
  CHECK(about(choice, 1) == "is 1; allowed: \"sgd\", \"adam\" or \"yogi\"");
  const char* name =
      R"({"type": "string", "pattern": "^[a-z]+$", "$comment": "a name of a-z", "maxLength": 5})";
  CHECK(about(name, "Fashion!") == "is \"Fashion!\"; allowed: a name of a-z");
  CHECK(about(name, "abcdef") == "is \"abcdef\"; allowed: a name of a-z");
  CHECK(about(name, "abc\n") == "is \"abc\\n\"; allowed: a name of a-z");
  CHECK(about(name, "abc") == "");
  const char* length = R"({"type": "string", "minLength": 1, "maxLength": 2})";
  CHECK(about(length, "") == "is \"\"; allowed: a text of 1 to 2 characters");
  CHECK(about(length, "éé") == "");
  CHECK(about(length, "ééé") == "is \"ééé\"; allowed: a text of 1 to 2 characters");
}

TEST_CASE("a long text is shown in part, cut between characters") {
  const char* none = R"({"type": "number"})";
  CHECK(about(none, std::string(100, 'x')) ==
        "is \"" + std::string(59, 'x') + "…\"; allowed: a number");
  std::string accents;
  for (int i = 0; i < 50; ++i) accents += "é";
  CHECK_NOTHROW(Json(about(none, accents)).dump());  // dump throws on a cut character
}

TEST_CASE("lists: the count, then each item") {
  const char* widths = R"({"type": "array", "minItems": 1, "maxItems": 3,
                           "items": {"type": "integer", "minimum": 1}})";
  CHECK(about(widths, Json::array()) == "is a list of 0 items; allowed: a list of 1 to 3 items");
  CHECK(about(widths, {1, 1, 1, 0}) == "is a list of 4 items; allowed: a list of 1 to 3 items");
  CHECK(about(widths, 200) == "is 200; allowed: a list of 1 to 3 items");
  const Problems problems = check(R"({"items": {"type": "integer", "minimum": 1}})", {0, 5, "a"});
  CHECK(problems == Problems{{"/0", "is 0; allowed: a whole number at least 1"},
                             {"/2", "is \"a\"; allowed: a whole number at least 1"}});
}

TEST_CASE("objects: unknown and missing keys, all at once") {
  const char* schema = R"({"type": "object", "additionalProperties": false, "required": ["name"],
    "properties": {"name": {"type": "string"}, "learning_rate": {"type": "number"},
                   "momentum": {"type": "number", "maximum": 1}}})";
  CHECK(check(schema, {{"learning_rat", 1}, {"zzz", 1}, {"momentum", 2}}) ==
        Problems{{"/learning_rat", "unknown key; did you mean \"learning_rate\"?"},
                 {"/zzz", "unknown key; allowed: \"learning_rate\", \"momentum\", \"name\""},
                 {"/momentum", "is 2; allowed: a number at most 1"},
                 {"/name", "is missing; needed: a text"}});
  CHECK(check(schema, 3) == Problems{{"", "is 3; allowed: an object"}});
  CHECK(check(R"({"additionalProperties": {"type": "string"}})", {{"a/b", 1}, {"c", "x"}}) ==
        Problems{{"/a~1b", "is 1; allowed: a text"}});
}

TEST_CASE("conditions: keys that need, forbid and limit one another say when") {
  const char* schema = R"({"properties": {"type": {"enum": ["a", "b"]}, "x": {"type": "integer"}},
    "allOf": [{"if": {"properties": {"type": {"const": "a"}}, "required": ["type"]},
               "then": {"required": ["x"], "properties": {"y": {"default": 7}}},
               "else": {"properties": {"y": false}}},
              {"if": {"required": ["y"]}, "then": {"properties": {"x": {"maximum": 3}}}}]})";
  CHECK(check(schema, {{"type", "a"}}) ==
        Problems{{"/x", "is missing; needed when \"type\" is \"a\""}});
  CHECK(check(schema, {{"type", "b"}, {"y", 1}}) ==
        Problems{{"/y", "is not allowed unless \"type\" is \"a\""}});
  CHECK(check(schema, {{"type", "a"}, {"x", 4}}) ==
        Problems{{"/x", "is 4; allowed: at most 3 when \"y\" is given"}});
  Json value = {{"type", "a"}, {"x", 1}};
  Problems problems;
  complete(Json::parse(schema), value, problems);
  CHECK(problems.empty());
  CHECK(value == Json{{"type", "a"}, {"x", 1}, {"y", 7}});
}

TEST_CASE("defaults are filled in, also inside of defaults, and numbers take one form") {
  const char* schema = R"({"properties": {
    "n": {"type": "number", "default": 1}, "i": {"type": "integer", "default": 2},
    "o": {"type": "object", "default": {}, "properties": {"p": {"type": "string", "default": "q"}}}}})";
  Problems problems;
  Json empty = Json::object(), given = {{"n", 1.0}, {"i", 2.0}, {"o", {{"p", "q"}}}};
  complete(Json::parse(schema), empty, problems);
  complete(Json::parse(schema), given, problems);
  CHECK(problems.empty());
  CHECK(empty.dump() == R"({"i":2,"n":1.0,"o":{"p":"q"}})");
  CHECK(given.dump() == empty.dump());
}

// The plain recursion of the definition, slow and obvious.
std::size_t distance_by_definition(const std::string& a, const std::string& b) {
  if (a.empty() || b.empty()) return a.size() + b.size();
  const std::string a1 = a.substr(1), b1 = b.substr(1);
  std::size_t best = std::min({distance_by_definition(a1, b) + 1, distance_by_definition(a, b1) + 1,
                               distance_by_definition(a1, b1) + (a[0] == b[0] ? 0 : 1)});
  if (a.size() > 1 && b.size() > 1 && a[0] == b[1] && a[1] == b[0]) {
    best = std::min(best, distance_by_definition(a.substr(2), b.substr(2)) + 1);
  }
  return best;
}

TEST_CASE("the edit distance is that of its definition") {
  std::mt19937 random(1);
  for (int i = 0; i < 300; ++i) {
    std::string a, b;
    for (auto length = random() % 6; length > 0; --length)
      a += static_cast<char>('a' + random() % 3);
    for (auto length = random() % 6; length > 0; --length)
      b += static_cast<char>('a' + random() % 3);
    INFO(a << " " << b);
    CHECK(edit_distance(a, b) == distance_by_definition(a, b));
  }
}

TEST_CASE("the nearest key is offered when it is a slip, not when it is another word") {
  const std::vector<std::string> keys{"batch_size", "epochs", "learning_rate", "max", "min"};
  CHECK(nearest("epoch", keys) == "epochs");
  CHECK(nearest("learningRate", keys) == "learning_rate");
  CHECK(nearest("lerning_rtae", keys) == "learning_rate");
  CHECK(nearest("batchsize", keys) == "batch_size");
  CHECK(nearest("mix", keys) == "max");
  CHECK(nearest("mini", keys) == "min");
  CHECK(nearest("rate", keys) == std::nullopt);
  CHECK(nearest("", keys) == std::nullopt);
  CHECK(nearest(std::string(100000, 'a'), keys) == std::nullopt);
}

TEST_CASE("the embedded schemas are the files, byte for byte") {
  CHECK(schema_text(Kind::server) == content_of(source_folder() / "schemas/server.schema.json"));
  CHECK(schema_text(Kind::job) == content_of(source_folder() / "schemas/job.schema.json"));
  CHECK(schema_text(Kind::client) == content_of(source_folder() / "schemas/client.schema.json"));
}

// Calls `visit(schema, pointer, is_part)` for a schema and all below it; a part is one under then,
// else or allOf.
template <class Visit>
void for_each_schema(const Json& schema, const std::string& pointer, bool is_part, Visit&& visit) {
  visit(schema, pointer, is_part);
  if (!schema.is_object()) return;
  for (const char* key : {"then", "else"}) {
    if (schema.contains(key)) for_each_schema(schema[key], step(pointer, key), true, visit);
  }
  for (const Json& part : schema.value("allOf", Json::array())) {
    for_each_schema(part, step(pointer, "allOf"), true, visit);
  }
  const Json properties = schema.value("properties", Json::object());
  for (const auto& [key, property] : properties.items()) {
    for_each_schema(property, step(step(pointer, "properties"), key), is_part, visit);
  }
  for (const char* key : {"items", "additionalProperties"}) {
    if (schema.contains(key) && schema[key].is_object()) {
      for_each_schema(schema[key], step(pointer, key), is_part, visit);
    }
  }
}

TEST_CASE("the schemas use only keywords that the walker knows") {
  const std::set<std::string> known{"$schema",
                                    "$comment",
                                    "title",
                                    "description",
                                    "default",
                                    "type",
                                    "enum",
                                    "const",
                                    "minimum",
                                    "maximum",
                                    "exclusiveMinimum",
                                    "exclusiveMaximum",
                                    "minLength",
                                    "maxLength",
                                    "pattern",
                                    "minItems",
                                    "maxItems",
                                    "items",
                                    "properties",
                                    "required",
                                    "additionalProperties",
                                    "allOf",
                                    "if",
                                    "then",
                                    "else"};
  for (const Kind kind : all_kinds) {
    for_each_schema(schema_of_kind(kind), "", false,
                    [&](const Json& schema, const std::string& at, bool) {
                      INFO(at);
                      if (schema.is_boolean()) {
                        CHECK(schema == false);
                        return;
                      }
                      for (const auto& [key, value] : schema.items()) {
                        INFO(key);
                        CHECK(known.count(key) == 1);
                      }
                    });
  }
}

TEST_CASE("the schemas follow the forms that the walker's conditions and messages need") {
  for (const Kind kind : all_kinds) {
    for_each_schema(
        schema_of_kind(kind), "", false, [&](const Json& schema, const std::string& at, bool) {
          INFO(at);
          if (!schema.is_object()) return;
          if (schema.contains("pattern")) {
            CHECK(schema.contains("$comment"));
            CHECK(schema.value("maxLength", 1000) < 1000);
          }
          CHECK((!schema.contains("then") || schema.contains("if")));
          for (const Json& part : schema.value("allOf", Json::array())) CHECK(part.contains("if"));
          if (!schema.contains("if")) return;
          const Json& condition = schema["if"];
          REQUIRE(condition.at("required").size() == 1);
          const Json tested = condition.value("properties", Json::object());
          CHECK(condition.size() == (tested.empty() ? 1 : 2));
          for (const auto& [key, value] : tested.items()) {
            CHECK(key == condition["required"][0]);
            CHECK((value.size() == 1 && (value.contains("const") || value.contains("enum"))));
          }
        });
  }
}

TEST_CASE("every key of the schemas is described, bounded, and its default is allowed") {
  for (const Kind kind : all_kinds) {
    for_each_schema(
        schema_of_kind(kind), "", false,
        [](const Json& schema, const std::string& at, bool is_part) {
          INFO(at);
          if (!schema.is_object() || is_part) return;
          REQUIRE(schema.contains("type"));
          const bool is_item = at.ends_with("/items") || at.ends_with("/additionalProperties");
          CHECK((is_item || (schema.contains("title") && schema.contains("description"))));
          const Json& type = schema["type"];
          if (type == "object") CHECK(schema.contains("additionalProperties"));
          if (type == "string") CHECK((schema.contains("enum") || schema.contains("maxLength")));
          if (type == "array") CHECK(schema.contains("maxItems"));
          if (type == "integer") CHECK((schema.contains("minimum") && schema.contains("maximum")));
          if (!schema.contains("default")) return;
          Json value = schema["default"];
          Problems problems;
          complete(schema, value, problems);
          CHECK(problems.empty());
        });
  }
}

}  // namespace
}  // namespace fed::config
