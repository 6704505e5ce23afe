#include "session/folder.h"

#include <algorithm>

namespace fed::session {

Result<std::vector<fs::path>> files_in(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->is_regular_file(error)) files.push_back(it->path());
  }
  if (error) return from_errno("cannot list " + folder.string(), error.value());
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace fed::session
