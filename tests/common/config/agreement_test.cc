// The walker and an independent validator give the same verdict on every example, and on each
// example with one thing changed.
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

#include "config/schema.h"
#include "helpers.h"

namespace fed::config {
namespace {

class Agreement {
 public:
  explicit Agreement(Kind kind) : document_(schema_of_kind(kind)) {
    valijson::adapters::NlohmannJsonAdapter adapter(document_);
    valijson::SchemaParser().populateSchema(adapter, schema_);
  }

  // Checks that both agree on `value`; returns whether it is valid.
  bool check(Json value) {
    valijson::Validator validator(valijson::Validator::kStrongTypes);
    valijson::adapters::NlohmannJsonAdapter adapter(value);
    const bool theirs = validator.validate(schema_, adapter, nullptr);
    Problems problems;
    INFO(value.dump());
    complete(document_, value, problems);
    INFO(format_problems("walker", problems));
    CHECK(problems.empty() == theirs);
    return theirs;
  }

  // (1.0 is left out: a whole number for us and for draft 7, not for this validator.)
  // Checks `root` with every value under `node`, one at a time, removed or replaced, and with one
  // more key.
  void check_changes(Json& root, Json& node) {
    static const std::vector<Json> any{nullptr, 0, "x", Json::array(), Json::object()};
    static const std::vector<Json> numbers{-1, 1, 2, 0.5, 1e9 + 0.5};
    static const std::vector<Json> texts{"",    "all", "sgd",    "adam",
                                         "csv", "mlp", "linear", "gradient"};
    std::vector<Json> replacements = any;
    if (node.is_number()) replacements.insert(replacements.end(), numbers.begin(), numbers.end());
    if (node.is_string()) replacements.insert(replacements.end(), texts.begin(), texts.end());
    const Json original = node;
    for (const Json& replacement : replacements) {
      node = replacement;
      count(check(root));
    }
    node = original;
    if (node.is_object()) {
      for (const auto& [key, value] : original.items()) {
        node.erase(key);
        count(check(root));
        node = original;
      }
      node["other"] = 1;
      count(check(root));
      node = original;
    }
    if (!node.is_structured()) return;
    for (auto& child : node) check_changes(root, child);
  }

  int valid = 0, invalid = 0;

 private:
  void count(bool is_valid) { ++(is_valid ? valid : invalid); }

  Json document_;
  valijson::Schema schema_;
};

void check_file(Kind kind, const std::filesystem::path& path) {
  INFO(path);
  Agreement agreement(kind);
  Json document = Json::parse(content_of(path));
  CHECK(agreement.check(document));
  agreement.check_changes(document, document);
  CHECK(agreement.valid > 10);
  CHECK(agreement.invalid > 50);
}

TEST_CASE("our verdict on every changed example is that of a second validator") {
  for (const auto& path : examples("configs/jobs")) check_file(Kind::job, path);
  check_file(Kind::server, source_folder() / "configs/server.json");
  check_file(Kind::client, source_folder() / "configs/client-csv.json");
  check_file(Kind::client, source_folder() / "configs/client-idx.json");
  check_file(Kind::client, source_folder() / "configs/client-limits.json");
}

}  // namespace
}  // namespace fed::config
