// A JSON Schema (draft 7) applied to a document: the subset of keywords that our schemas use, with
// messages for people instead of a verdict for machines, and defaults filled in.
//
// Supported: type, enum, const, minimum, maximum, exclusiveMinimum, exclusiveMaximum, minLength,
// maxLength, pattern, minItems, maxItems, items, properties, required, additionalProperties,
// default, allOf, if / then / else, and `false` as the schema of a property. An `if` asks only
// whether a key is there (required) and whether it has a value (properties with const or enum).
// Beside a `pattern`, `$comment` says in words what is allowed. A test refuses schemas with
// anything else.
//
// Free functions; thread-safe.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "config/problem.h"

namespace fed::config {

// Checks `value` and fills in the defaults that `schema` has for missing keys; a default for a key
// under then / else is filled in when the condition holds with the defaults outside of it. Whole
// numbers that a `number` holds become floating-point, 3.0 in an `integer` becomes 3, so that equal
// files have equal text. All problems are added to `problems`, at most a hundred. Recursion is as
// deep as the schema, whatever the value.
void complete(const nlohmann::json& schema, nlohmann::json& value, Problems& problems);

// What the schema allows, in words: "a whole number from 1 to 64", "\"sgd\" or \"adam\"", "a list
// of 1 to 16 items".
std::string allowed(const nlohmann::json& schema);

// A value as a message shows it: short values as JSON, others by what they are ("a list of 3
// items").
std::string shown(const nlohmann::json& value);

}  // namespace fed::config
