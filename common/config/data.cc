#include "config/data.h"

#include "config/read.h"

namespace fed::config {
namespace {

constexpr Name<DataSpec::Format> formats[] = {{DataSpec::Format::csv, "csv"},
                                              {DataSpec::Format::idx, "idx"}};

std::filesystem::path optional_path(const Json& section, const char* key,
                                    const std::filesystem::path& folder) {
  return section.contains(key) ? path_at(section, key, folder) : std::filesystem::path();
}

}  // namespace

DataSpec read_data(const Json& section, const std::filesystem::path& folder) {
  DataSpec spec;
  spec.format = read_enum(section, "format", formats);
  spec.path = optional_path(section, "path", folder);
  spec.label = section.value("label", "");
  spec.test_path = optional_path(section, "test_path", folder);
  spec.images = optional_path(section, "images", folder);
  spec.labels = optional_path(section, "labels", folder);
  spec.test_images = optional_path(section, "test_images", folder);
  spec.test_labels = optional_path(section, "test_labels", folder);
  spec.test_fraction = section.value("test_fraction", 0.0);
  spec.seed = section.value("seed", std::uint64_t{1});
  if (spec.format == DataSpec::Format::idx) return spec;
  if (section.at("features").is_array())
    spec.features = section["features"].get<std::vector<std::string>>();
  spec.columns = section.at("columns").get<std::map<std::string, std::string>>();
  spec.delimiter = section.at("delimiter").get_ref<const std::string&>()[0];
  return spec;
}

OrderedJson data_to_json(const DataSpec& spec) {
  OrderedJson section;
  const auto put_path = [&](const char* key, const std::filesystem::path& path) {
    if (!path.empty()) section[key] = path.string();
  };
  section["format"] = name_in(spec.format, formats);
  put_path("path", spec.path);
  put_path("images", spec.images);
  put_path("labels", spec.labels);
  if (spec.format == DataSpec::Format::csv) {
    section["label"] = spec.label;
    section["features"] = spec.features.empty() ? OrderedJson("all") : OrderedJson(spec.features);
    section["columns"] = spec.columns;
    section["delimiter"] = std::string(1, spec.delimiter);
  }
  put_path("test_path", spec.test_path);
  put_path("test_images", spec.test_images);
  put_path("test_labels", spec.test_labels);
  const bool has_test_files = !spec.test_path.empty() || !spec.test_images.empty();
  if (!has_test_files) section["test_fraction"] = spec.test_fraction;
  section["seed"] = spec.seed;
  return section;
}

}  // namespace fed::config
