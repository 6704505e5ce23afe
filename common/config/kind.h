// The three files that people write, and their schemas.
#pragma once

#include <optional>
#include <string_view>

namespace fed::config {

enum class Kind { server, job, client };

// "server", "job" or "client"; nothing for another name.
std::optional<Kind> kind_from(std::string_view name);

// The JSON Schema (draft 7) of a file, as in schemas/KIND.schema.json. Lives as long as the
// program.
std::string_view schema_text(Kind kind);

// The kind that a file most likely is, by its keys, for commands that take any file (`fedserver
// check`); nothing if it is no JSON object or has keys of no kind.
std::optional<Kind> guess_kind(std::string_view text);

}  // namespace fed::config
