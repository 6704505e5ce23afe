// Listing a folder. Thread-safe.
#pragma once

#include <vector>

#include "base/disk.h"

namespace fed::session {

// The files in `folder`, in the order of their names; none if it is not there.
Result<std::vector<fs::path>> files_in(Disk& disk, const fs::path& folder);

}  // namespace fed::session
