// What a schema allows and what a value is, in words.
#include <vector>

#include "config/schema.h"

namespace fed::config {
namespace {

using Json = nlohmann::json;

std::string join(const std::vector<std::string>& words, const char* last) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? last : ", ";
    text += words[i];
  }
  return text;
}

// "from 1 to 64", "above 0 and at most 1", "at least 1", or nothing.
std::string bounds(const Json& schema) {
  if (schema.contains("minimum") && schema.contains("maximum")) {
    return "from " + schema["minimum"].dump() + " to " + schema["maximum"].dump();
  }
  std::vector<std::string> words;
  if (schema.contains("minimum")) words.push_back("at least " + schema["minimum"].dump());
  if (schema.contains("exclusiveMinimum")) {
    words.push_back("above " + schema["exclusiveMinimum"].dump());
  }
  if (schema.contains("maximum")) words.push_back("at most " + schema["maximum"].dump());
  if (schema.contains("exclusiveMaximum")) {
    words.push_back("below " + schema["exclusiveMaximum"].dump());
  }
  return join(words, " and ");
}

// "1 to 16 items", "at most 16 items", or nothing.
std::string count(const Json& schema, const char* least, const char* most, const char* unit) {
  const bool has_least = schema.contains(least) && schema[least] != 0;
  if (has_least && schema.contains(most)) {
    return schema[least].dump() + " to " + schema[most].dump() + unit;
  }
  if (has_least) return "at least " + schema[least].dump() + unit;
  if (schema.contains(most)) return "at most " + schema[most].dump() + unit;
  return "";
}

std::string with(const std::string& noun, const char* link, const std::string& detail) {
  return detail.empty() ? noun : noun + link + detail;
}

std::string allowed_of(const Json& schema, const std::string& type) {
  if (type == "integer") return with("a whole number", " ", bounds(schema));
  if (type == "number") return with("a number", " ", bounds(schema));
  if (type == "boolean") return "true or false";
  if (type == "object") return "an object";
  if (type == "array") {
    return with("a list", " of ", count(schema, "minItems", "maxItems", " items"));
  }
  if (schema.contains("$comment")) return schema["$comment"];
  return with("a text", " of ", count(schema, "minLength", "maxLength", " characters"));
}

}  // namespace

std::string allowed(const Json& schema) {
  std::vector<std::string> words;
  if (schema.contains("const")) return schema["const"].dump();
  if (schema.contains("enum")) {
    for (const Json& value : schema["enum"]) words.push_back(value.dump());
    return join(words, " or ");
  }
  if (!schema.contains("type")) return bounds(schema);
  if (schema["type"].is_string()) return allowed_of(schema, schema["type"]);
  for (const Json& type : schema["type"]) words.push_back(allowed_of(schema, type));
  return join(words, " or ");
}

std::string shown(const Json& value) {
  constexpr std::size_t bytes_max = 60;
  if (value.is_object()) return "an object";
  if (value.is_array()) {
    return "a list of " + std::to_string(value.size()) + (value.size() == 1 ? " item" : " items");
  }
  std::string text = value.dump();
  if (text.size() <= bytes_max) return text;
  std::size_t end = bytes_max;
  while ((static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;  // not inside a character
  return text.substr(0, end) + "…\"";
}

}  // namespace fed::config
