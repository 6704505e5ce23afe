#include "store/kept.h"

#include <charconv>
#include <optional>

namespace fed::store {
namespace {

constexpr const char* kDescription = "round.json";
constexpr std::uint64_t kDescriptionBytesMax = std::uint64_t{1} << 30;

std::string file_name(std::int64_t task, std::int64_t client) {
  return std::to_string(task) + "." + std::to_string(client) + ".update";
}

std::optional<std::int64_t> number_of(const fs::path& folder) {
  const std::string name = folder.filename().string();
  std::int64_t number = 0;
  const auto [stop, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc() || stop != name.data() + name.size()) return std::nullopt;
  return number;
}

}  // namespace

fs::path Kept::round_folder(std::string_view job, std::int64_t round) const {
  return folder_ / job / std::to_string(round);
}

Status Kept::keep(std::string_view job, std::int64_t round, std::span<const KeptUpdate> updates,
                  std::string_view description) const {
  const fs::path folder = round_folder(job, round);
  FED_TRY(remove_folder(*disk_, folder));
  for (const fs::path& each : {folder_, folder.parent_path(), folder}) {
    FED_TRY(make_durable_folder(*disk_, each, durability_));
  }
  for (const KeptUpdate& update : updates) {
    FED_TRY(disk_->link(update.file, folder / file_name(update.task, update.client)));
  }
  // Its own sync of the folder makes the links durable too.
  return replace_file(*disk_, folder / kDescription, view(description), durability_);
}

Result<std::string> Kept::description(std::string_view job, std::int64_t round) const {
  FED_ASSIGN(content,
             read_file(*disk_, round_folder(job, round) / kDescription, kDescriptionBytesMax));
  return std::string(content.begin(), content.end());
}

Result<File> Kept::open_update(std::string_view job, std::int64_t round, std::int64_t task,
                               std::int64_t client) const {
  return disk_->open_to_read(round_folder(job, round) / file_name(task, client));
}

Status Kept::prune(std::string_view job, std::int64_t first) const {
  FED_ASSIGN(folders, disk_->list(folder_ / job));
  for (const fs::path& folder : folders) {
    const auto round = number_of(folder);
    if (round && *round < first) FED_TRY(remove_folder(*disk_, folder));
  }
  return {};
}

}  // namespace fed::store
