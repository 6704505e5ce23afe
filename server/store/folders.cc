#include "store/folders.h"

#include <algorithm>

namespace fed::store {

Result<std::vector<fs::path>> list_folder(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> found;
  fs::directory_iterator at(folder, error);
  if (error == std::errc::no_such_file_or_directory) return found;
  for (; !error && at != fs::directory_iterator(); at.increment(error)) found.push_back(at->path());
  if (error) return from_errno("cannot list " + folder.string(), error.value());
  std::sort(found.begin(), found.end());
  return found;
}

Status make_synced_folder(const fs::path& folder, Durability durability) {
  std::error_code error;
  if (fs::is_directory(folder, error)) return {};
  FED_TRY(make_folder(folder));
  return sync_folder_of(folder, durability);
}

Status remove_folder(const fs::path& folder) {
  std::error_code error;
  fs::remove_all(folder, error);
  if (error) return from_errno("cannot remove " + folder.string(), error.value());
  return {};
}

}  // namespace fed::store
