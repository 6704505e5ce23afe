// Listing a folder. Thread-safe.
#pragma once

#include <vector>

#include "base/file.h"

namespace fed::session {

// The regular files in `folder`, in the order of their names.
Result<std::vector<fs::path>> files_in(const fs::path& folder);

}  // namespace fed::session
