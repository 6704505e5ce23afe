#include "data/source.h"

#include <fmt/format.h>

#include <array>

namespace fed::data {

#define FED_DATA_FORMAT(format) const Format& format##_format();
#include "data/formats.def"
#undef FED_DATA_FORMAT

namespace {

const Format& format_of(const config::DataSpec& data) {
  switch (data.format) {
#define FED_DATA_FORMAT(format)          \
  case config::DataSpec::Format::format: \
    return format##_format();
#include "data/formats.def"
#undef FED_DATA_FORMAT
  }
  FED_CHECK(false);
}

// FOLDER/client-01, ...: as many digits as the last one needs, at least two.
std::vector<fs::path> client_folders(const fs::path& folder, std::int64_t clients) {
  const std::size_t digits = std::max<std::size_t>(2, std::to_string(clients).size());
  std::vector<fs::path> folders;
  for (std::int64_t i = 1; i <= clients; ++i) {
    folders.push_back(folder / fmt::format("client-{:0{}}", i, digits));
  }
  return folders;
}

Status make_new_folders(std::span<const fs::path> folders) {
  for (const fs::path& folder : folders) {
    std::error_code error;
    if (fs::exists(folder, error)) {
      return Error{ErrorCode::already_exists,
                   folder.string() + " is already there; name another output"};
    }
  }
  for (const fs::path& folder : folders) FED_TRY(make_folder(folder));
  return {};
}

}  // namespace

std::span<const Format> formats() {
  static const std::array all{
#define FED_DATA_FORMAT(format) format##_format(),
#include "data/formats.def"
#undef FED_DATA_FORMAT
  };
  return all;
}

Result<std::unique_ptr<Source>> open(const config::DataSpec& data, const Expectation& expectation) {
  if (data.empty()) {
    return Error{
        ErrorCode::not_found,
        "this client has no data: its file has no section \"data\", and can only hold a key"};
  }
  return format_of(data).open(data, expectation);
}

Result<Description> describe(const config::DataSpec& data) {
  return format_of(data).describe(data);
}

Result<std::vector<Part>> split(const config::DataSpec& data, const Scheme& scheme,
                                std::int64_t clients, std::uint64_t seed, const fs::path& folder) {
  const Format& format = format_of(data);
  if (scheme.kind != Scheme::Kind::iid && data.format == config::DataSpec::Format::csv &&
      data.label.empty()) {
    return Error{ErrorCode::invalid, "only the scheme iid works without a label; name its column"};
  }
  FED_ASSIGN(classes, format.classes(data));
  FED_ASSIGN(part_of_row, assign(scheme, classes, clients, seed));
  const std::vector<fs::path> folders = client_folders(folder, clients);
  FED_TRY(make_new_folders(folders));
  FED_TRY(format.write_parts(data, part_of_row, folders));

  std::vector<Part> parts;
  for (const fs::path& path : folders) parts.push_back({path, 0});
  for (std::uint32_t part : part_of_row) ++parts[part].rows;
  return parts;
}

}  // namespace fed::data
