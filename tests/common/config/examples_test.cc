#include "config/client.h"
#include "config/job.h"
#include "config/server.h"
#include "helpers.h"

namespace fed::config {
namespace {

template <class Spec>
std::string problems_in(const std::filesystem::path& path, const Checked<Spec>& spec) {
  return spec ? "" : format_problems(path.string(), spec.error());
}

TEST_CASE("every example file is valid") {
  CHECK(examples("configs/jobs").size() >= 5);
  for (const auto& path : examples("configs/jobs")) {
    CHECK(problems_in(path, load_job_file(path)) == "");
  }
  CHECK(examples("configs").size() == 5);
  for (const auto& path : examples("configs")) {
    const bool is_server = path.filename() == "server.json";
    CHECK((is_server ? problems_in(path, load_server_file(path))
                     : problems_in(path, load_client_file(path))) == "");
  }
}

// Sorted keys at every level, without the values.
Json keys_of(const Json& value) {
  if (!value.is_object()) return nullptr;
  Json keys = Json::object();
  for (const auto& [key, child] : value.items()) keys[key] = keys_of(child);
  return keys;
}

TEST_CASE("the example server file is complete: what `init` writes") {
  const ServerSpec spec;
  const std::string example = content_of(source_folder() / "configs/server.json");
  CHECK(parse_server(example).value() == spec);
  CHECK(keys_of(Json::parse(example)) == keys_of(Json::parse(to_text(spec))));
}

TEST_CASE("the example client files are complete: what `join` writes") {
  for (const char* name :
       {"configs/client-csv.json", "configs/client-idx.json", "configs/client-limits.json"}) {
    INFO(name);
    const std::string example = content_of(source_folder() / name);
    const ClientSpec spec = parse_client(example).value();
    CHECK(keys_of(Json::parse(example)) == keys_of(Json::parse(to_text(spec))));
  }
}

}  // namespace
}  // namespace fed::config
