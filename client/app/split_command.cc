#include <fmt/core.h>

#include <iostream>
#include <map>
#include <nlohmann/json.hpp>

#include "app/client_commands.h"
#include "config/data.h"
#include "data/source.h"

namespace fed::app {
namespace {

using Json = nlohmann::json;
using Format = config::DataSpec::Format;

struct PartCounts {
  data::Part part;
  data::Counts classes;
};

Error usage(std::string detail) { return {ErrorCode::invalid, std::move(detail)}; }

Result<config::DataSpec> data_of(const cli::Arguments& arguments) {
  config::DataSpec data;
  std::string format = arguments.text("format");
  if (format.empty()) format = arguments.text("images").empty() ? "csv" : "idx";
  if (format == "idx") {
    data.format = Format::idx;
    data.images = arguments.text("images");
    data.labels = arguments.text("labels");
    if (data.images.empty() || data.labels.empty()) {
      return usage("images need --images FILE and --labels FILE");
    }
    return data;
  }
  if (format != "csv") return usage("--format is \"" + format + "\"; allowed: csv, idx");
  data.path = arguments.text("path");
  data.label = arguments.text("label");
  if (data.path.empty())
    return usage(
        "a table needs --path FILE and, but for iid, --label COLUMN; images need --images");
  const std::string delimiter = arguments.text("delimiter");
  if (delimiter.size() > 1) return usage("--delimiter is one character");
  if (!delimiter.empty()) data.delimiter = delimiter[0];
  return data;
}

// The data section of a client that has this part.
Result<config::DataSpec> data_of(const data::Part& part, config::DataSpec whole) {
  if (whole.format == Format::csv) {
    whole.path = part.folder / "data.csv";
    return whole;
  }
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(part.folder, error)) {
    const std::string name = entry.path().filename().string();
    if (name.find("-images-") != std::string::npos) whole.images = entry.path();
    if (name.find("-labels-") != std::string::npos) whole.labels = entry.path();
  }
  if (error) return from_errno("cannot list " + part.folder.string(), error.value());
  return whole;
}

Result<std::vector<PartCounts>> cut(const cli::Arguments& arguments) {
  FED_ASSIGN(data, data_of(arguments));
  FED_ASSIGN(scheme, data::parse_scheme(arguments.text("scheme")));
  FED_ASSIGN(parts, data::split(data, scheme, arguments.get<std::int64_t>("clients"),
                                arguments.get<std::uint64_t>("seed"), arguments.text("output")));
  std::vector<PartCounts> counts;
  for (const data::Part& part : parts) {
    FED_ASSIGN(section, data_of(part, data));
    FED_ASSIGN(description, data::describe(section));
    counts.push_back({part, std::move(description.classes)});
  }
  return counts;
}

// All classes that occur, numbers by size.
std::vector<std::string> classes_in(const std::vector<PartCounts>& parts) {
  std::map<std::pair<std::size_t, std::string>, std::string> ordered;
  for (const PartCounts& part : parts) {
    for (const auto& [name, rows] : part.classes) ordered[{name.size(), name}] = name;
  }
  std::vector<std::string> names;
  for (const auto& [key, name] : ordered) names.push_back(name);
  return names;
}

std::int64_t rows_of(const PartCounts& part, const std::string& name) {
  for (const auto& [value, rows] : part.classes) {
    if (value == name) return rows;
  }
  return 0;
}

void print(const std::vector<PartCounts>& parts) {
  const std::vector<std::string> classes = classes_in(parts);
  fmt::print("{:<14} {:>9}", "client", "rows");
  for (const std::string& name : classes) fmt::print(" {:>8}", name.substr(0, 8));
  fmt::print("\n");
  for (const PartCounts& part : parts) {
    fmt::print("{:<14} {:>9}", part.part.folder.filename().string(), part.part.rows);
    for (const std::string& name : classes) fmt::print(" {:>8}", rows_of(part, name));
    fmt::print("\n");
  }
}

void print_json(const std::vector<PartCounts>& parts) {
  Json list = Json::array();
  for (const PartCounts& part : parts) {
    Json classes = Json::object();
    for (const auto& [name, rows] : part.classes) classes[name] = rows;
    list.push_back(
        {{"folder", part.part.folder.string()}, {"rows", part.part.rows}, {"classes", classes}});
  }
  fmt::print("{}\n", Json{{"clients", list}}.dump(-1, ' ', false, Json::error_handler_t::replace));
}

int run(const cli::Arguments& arguments) {
  const auto parts = cut(arguments);
  if (!parts) {
    const bool usage_error = parts.error().code == ErrorCode::invalid;
    return cli::fail(arguments, parts.error(), usage_error ? cli::bad_usage : cli::refused);
  }
  if (arguments.json()) {
    print_json(*parts);
  } else {
    print(*parts);
  }
  return cli::done;
}

void add_options(cli::options::options_description& options) {
  const auto text = [] { return cli::options::value<std::string>(); };
  options.add_options()(
      "scheme", text()->required(),
      "iid, dirichlet:A (smaller A: less alike) or labels:K (K classes a client)")(
      "clients", cli::options::value<std::int64_t>()->required(), "how many parts")(
      "seed", cli::options::value<std::uint64_t>()->default_value(1),
      "the same seed, the same parts")("format", text(),
                                       "csv or idx, if not as --path or --images say")(
      "path", text(), "csv: the file")("label", text(), "csv: the column of the class")(
      "delimiter", text(), "csv: one character, if not a comma")(
      "images", text(), "idx: the images")("labels", text(), "idx: the labels")(
      "output", text()->required(), "folder for client-01, client-02, ...");
}

}  // namespace

cli::Command split_command() {
  return {"split",
          "--scheme iid|dirichlet:A|labels:K --clients N --path CSV|--images IDX ... --output DIR",
          "cut a data set into one folder a client, for trials",
          add_options,
          {},
          run};
}

}  // namespace fed::app
