#include "config/kind.h"

#include "base/error.h"
#include "config/document.h"

// Made by CMake from schemas/*.schema.json.
extern const std::string_view fed_server_schema, fed_job_schema, fed_client_schema;

namespace fed::config {

std::optional<Kind> kind_from(std::string_view name) {
  if (name == "server") return Kind::server;
  if (name == "job") return Kind::job;
  if (name == "client") return Kind::client;
  return std::nullopt;
}

std::string_view schema_text(Kind kind) {
  switch (kind) {
    case Kind::server:
      return fed_server_schema;
    case Kind::job:
      return fed_job_schema;
    case Kind::client:
      return fed_client_schema;
  }
  FED_CHECK(false);
}

std::optional<Kind> guess_kind(std::string_view text) {
  const Checked<Json> document = parse_json(text);
  if (!document || !document->is_object()) return std::nullopt;
  std::optional<Kind> best;
  std::size_t most = 0;
  for (const Kind kind : {Kind::server, Kind::job, Kind::client}) {
    const Json properties = Json::parse(schema_text(kind)).at("properties");
    std::size_t known = 0;
    for (const auto& [key, value] : document->items()) known += properties.count(key);
    if (known <= most) continue;
    most = known;
    best = kind;
  }
  return best;
}

}  // namespace fed::config
