// What the tests of the store share.
#pragma once

#include "base/file.h"
#include "support/folder.h"

namespace fed::store::testing {

using test::Folder;

inline Bytes content(const fs::path& path) { return read_file(path, 1 << 24).value(); }

inline fs::path only_file(const fs::path& folder) { return fs::directory_iterator(folder)->path(); }

}  // namespace fed::store::testing
