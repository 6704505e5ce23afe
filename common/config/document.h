// A configuration file as JSON that has passed its schema, with every default filled in. This
// header, schema.h and read.h include nlohmann; who needs the values includes job.h, server.h or
// client.h instead.
//
// Free functions; thread-safe.
#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "config/kind.h"
#include "config/problem.h"

namespace fed::config {

using Json = nlohmann::json;  // keys sorted, so dump() is canonical

constexpr std::size_t file_bytes_max = 1 << 20;
constexpr std::size_t depth_max = 16;  // of arrays and objects in each other

// `text` as JSON. What does not follow the grammar is one problem with its line and column; a key
// that an object has twice, nesting beyond depth_max, or more than file_bytes_max are problems too.
Checked<Json> parse_json(std::string_view text);

// A document as far as it can be used: a person wants to hear of all that is wrong with it at once,
// so what is whole of it is read on.
struct Examined {
  Json document;      // with every default of the sections that are whole
  Problems problems;  // of parse_json and of the schema

  // Whether nothing is wrong at the top-level key `section` or below it, so that it can be read if
  // it is there.
  bool whole(std::string_view section) const;
  bool has_whole(const char* section) const { return whole(section) && document.contains(section); }
};

// parse_json, then the schema of `kind`, then `further`, which finds what is wrong between the keys
// of the sections that are whole and may fill in more: all problems at once, or the document with
// its defaults.
using Further = std::function<Problems(Examined&)>;
Checked<Json> validate(Kind kind, std::string_view text, const Further& further = {});

// The text of a file; not found, unreadable or too large is a problem of the whole file.
Checked<std::string> read_text(const std::filesystem::path& path);

// The value of `key` as an absolute path: relative ones are taken from `folder` unless that is
// empty.
std::filesystem::path path_at(const Json& object, const char* key,
                              const std::filesystem::path& folder);

}  // namespace fed::config
