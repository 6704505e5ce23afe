#include "config/schema.h"

#include <algorithm>
#include <cmath>
#include <regex>
#include <set>
#include <vector>

#include "base/error.h"
#include "config/suggest.h"

namespace fed::config {
namespace {

using Json = nlohmann::json;

// What a schema has at a keyword; nothing to iterate over if it has none.
const Json& part_of(const Json& schema, const std::string& keyword) {
  static const Json none = Json::object();
  const auto found = schema.find(keyword);
  return found == schema.end() ? none : *found;
}

bool has_type(const std::string& type, const Json& value) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "number") return value.is_number();
  if (type == "boolean") return value.is_boolean();
  FED_CHECK(type == "integer");
  if (!value.is_number_float()) return value.is_number_integer();
  const auto number = value.get<double>();
  return number == std::trunc(number) && std::abs(number) <= 0x1p53;
}

bool has_any_type(const Json& type, const Json& value) {
  if (type.is_string()) return has_type(type, value);
  return std::any_of(type.begin(), type.end(),
                     [&](const Json& one) { return has_type(one, value); });
}

bool in_range(const Json& schema, const Json& number) {
  return number >= schema.value("minimum", number) && number <= schema.value("maximum", number) &&
         (!schema.contains("exclusiveMinimum") || number > schema["exclusiveMinimum"]) &&
         (!schema.contains("exclusiveMaximum") || number < schema["exclusiveMaximum"]);
}

bool text_fits(const Json& schema, const std::string& text) {
  const auto is_start = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; };
  const auto length = std::count_if(text.begin(), text.end(), is_start);
  if (length < schema.value("minLength", 0)) return false;
  if (schema.contains("maxLength") && length > schema["maxLength"].get<std::ptrdiff_t>()) {
    return false;  // before the pattern: std::regex recurses over the text
  }
  if (!schema.contains("pattern")) return true;
  return std::regex_search(text, std::regex(schema["pattern"].get<std::string>()));
}

bool size_fits(const Json& schema, const Json& list) {
  return list.size() >= schema.value("minItems", std::size_t{0}) &&
         list.size() <= schema.value("maxItems", list.size());
}

bool fits(const Json& schema, const Json& value) {
  if (schema.contains("type") && !has_any_type(schema["type"], value)) return false;
  if (schema.contains("const") && value != schema["const"]) return false;
  if (schema.contains("enum")) {
    const Json& choices = schema["enum"];
    if (std::find(choices.begin(), choices.end(), value) == choices.end()) return false;
  }
  if (value.is_number()) return in_range(schema, value);
  if (value.is_string()) return text_fits(schema, value.get_ref<const std::string&>());
  if (value.is_array()) return size_fits(schema, value);
  return true;
}

void normalise(const Json& schema, Json& value) {
  if (!value.is_number() || !schema.contains("type")) return;
  if (schema["type"] == "number") value = value.get<double>();
  if (schema["type"] == "integer" && value.is_number_float()) value = value.get<std::int64_t>();
}

bool holds(const Json& condition, const Json& object) {
  for (const Json& key : part_of(condition, "required")) {
    if (!object.contains(key.get_ref<const std::string&>())) return false;
  }
  const Json& properties = part_of(condition, "properties");
  for (const auto& [key, schema] : properties.items()) {
    if (object.contains(key) && !fits(schema, object[key])) return false;
  }
  return true;
}

// ` when "type" is "sgd"`, or with another first word.
std::string when(const char* first, const Json& condition) {
  const std::string key = condition.at("required").at(0).dump();
  if (!condition.contains("properties")) return std::string(first) + key + " is given";
  const Json& schema = condition["properties"].begin().value();
  return std::string(first) + key + " is " + allowed(schema);
}

class Walker {
 public:
  explicit Walker(Problems& problems) : problems_(problems) {}

  // `context` says why a schema under then / else applies, for the messages.
  void walk(const Json& schema, Json& value, const std::string& pointer,
            const std::string& context = "") {
    if (!fits(schema, value)) {
      return report(pointer, "is " + shown(value) + "; allowed: " + allowed(schema) + context);
    }
    normalise(schema, value);
    if (value.is_array()) walk_items(schema, value, pointer);
    if (!value.is_object()) return;
    fill_defaults(schema, value);
    walk_conditions(schema, schema, value, pointer);  // first: they may fill in more
    walk_properties(schema, value, pointer, context);
  }

 private:
  void report(const std::string& pointer, std::string message) {
    if (problems_.size() >= problems_max || !reported_.insert(pointer).second) return;
    problems_.push_back({pointer, std::move(message)});
  }

  void walk_items(const Json& schema, Json& list, const std::string& pointer) {
    if (!schema.contains("items")) return;
    for (std::size_t i = 0; i < list.size() && problems_.size() < problems_max; ++i) {
      walk(schema["items"], list[i], step(pointer, std::to_string(i)));
    }
  }

  static void fill_defaults(const Json& schema, Json& object) {
    const Json& properties = part_of(schema, "properties");
    for (const auto& [key, property] : properties.items()) {
      const bool is_missing = property.is_object() && !object.contains(key);
      if (is_missing && property.contains("default")) object[key] = property["default"];
    }
  }

  void walk_properties(const Json& schema, Json& object, const std::string& pointer,
                       const std::string& context) {
    const Json& properties = part_of(schema, "properties");
    walk_others(schema, properties, object, pointer);
    for (const auto& [key, property] : properties.items()) {
      if (property.is_boolean()) {
        if (object.contains(key)) report(step(pointer, key), "is not allowed" + context);
        continue;
      }
      if (object.contains(key)) walk(property, object[key], step(pointer, key), context);
    }
    for (const Json& name : part_of(schema, "required")) {
      const std::string key = name;
      if (object.contains(key)) continue;
      const std::string need = properties.contains(key) ? ": " + allowed(properties[key]) : "";
      report(step(pointer, key), "is missing; needed" + need + context);
    }
  }

  // Keys that are not among the properties.
  void walk_others(const Json& schema, const Json& properties, Json& object,
                   const std::string& pointer) {
    if (!schema.contains("additionalProperties")) return;
    const Json& others = schema["additionalProperties"];
    for (auto& [key, value] : object.items()) {
      if (properties.contains(key)) continue;
      if (others.is_object()) {
        walk(others, value, step(pointer, key));
      } else {
        report(step(pointer, key), unknown_key(key, properties));
      }
    }
  }

  static std::string unknown_key(const std::string& key, const Json& properties) {
    std::vector<std::string> keys;
    std::string list;
    for (const auto& [known, schema] : properties.items()) {
      keys.push_back(known);
      list += (list.empty() ? "\"" : ", \"") + known + "\"";
    }
    if (const auto meant = nearest(key, keys)) {
      return "unknown key; did you mean \"" + *meant + "\"?";
    }
    return "unknown key; allowed: " + list;
  }

  // `base` has the properties that the conditions in `schema` ask about.
  void walk_conditions(const Json& schema, const Json& base, Json& object,
                       const std::string& pointer) {
    if (schema.contains("if") && can_tell(schema["if"], base, object)) {
      const Json& condition = schema["if"];
      const bool held = holds(condition, object);
      const char* branch = held ? "then" : "else";
      if (schema.contains(branch)) {
        walk(schema[branch], object, pointer, when(held ? " when " : " unless ", condition));
      }
    }
    for (const Json& part : part_of(schema, "allOf")) {
      walk_conditions(part, base, object, pointer);
    }
  }

  // Not when the key asked about is itself wrong or missing: that is the problem to name, not what
  // follows from it.
  static bool can_tell(const Json& condition, const Json& base, const Json& object) {
    const auto& key = condition.at("required").at(0).get_ref<const std::string&>();
    const Json& property = part_of(part_of(base, "properties"), key);
    if (object.contains(key)) return fits(property, object[key]);
    const Json& required = part_of(base, "required");
    return std::find(required.begin(), required.end(), key) == required.end();
  }

  Problems& problems_;
  std::set<std::string> reported_;  // one problem a pointer is enough
};

}  // namespace

void complete(const Json& schema, Json& value, Problems& problems) {
  Walker(problems).walk(schema, value, "");
}

}  // namespace fed::config
