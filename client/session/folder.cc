#include "session/folder.h"

namespace fed::session {

Result<std::vector<fs::path>> files_in(Disk& disk, const fs::path& folder) {
  FED_ASSIGN(files, disk.list(folder));
  std::erase_if(files, [&](const fs::path& path) {
    const auto info = disk.inspect(path);
    return !info || info->kind != FileInfo::Kind::file;
  });
  return files;
}

}  // namespace fed::session
