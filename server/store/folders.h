// Folders: what the standard library's calls lack. Internal to the layer; pure functions.
#pragma once

#include <vector>

#include "base/file.h"

namespace fed::store {

// The paths that a folder holds, sorted. None if it is not there.
Result<std::vector<fs::path>> list_folder(const fs::path& folder);

// Makes the folder, whose parent is there; with Durability::power its name is on the disk
// afterwards.
Status make_synced_folder(const fs::path& folder, Durability durability);

// Removes it with all it holds; one that is not there is no error.
Status remove_folder(const fs::path& folder);

}  // namespace fed::store
