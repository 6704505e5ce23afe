// Who besides its owner can use a file or a folder, by its permissions.
//
// Free functions; thread-safe.
#pragma once

#include <optional>
#include <string>

#include "base/disk.h"

namespace fed {

// Permissions as chmod takes them: "0755".
std::string mode_text(unsigned mode);

// Of a folder that is for its owner alone: one sentence, with the chmod, if others can read, change
// or enter it. None too for a folder that cannot be looked at: whoever uses it will say so.
std::optional<std::string> open_to_others(Disk& disk, const fs::path& folder);

}  // namespace fed
