#include "store/lock.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>

namespace fed::store {
namespace {

// For people only: the lock itself is what counts.
std::string holder(const File& file) {
  std::array<std::uint8_t, 20> digits{};
  const std::uint64_t bytes = file.size() ? *file.size() : 0;
  const ByteSpan found = ByteSpan(digits).first(std::min<std::size_t>(bytes, digits.size()));
  if (found.empty() || !file.read_at(0, found)) return "another process";
  std::string pid(text(found));
  while (!pid.empty() && pid.back() == '\n') pid.pop_back();
  return "process " + pid;
}

}  // namespace

Result<FolderLock> FolderLock::acquire(Disk& disk, const fs::path& folder) {
  FED_ASSIGN(file, disk.open_to_write(folder / "lock"));
  FED_ASSIGN(locked, file.lock());
  if (!locked) {
    return Error{ErrorCode::already_exists, holder(file) + " already uses the folder " +
                                                folder.string() +
                                                ": stop it, or give this one a folder of its own"};
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  FED_TRY(file.truncate(0));
  FED_TRY(file.write_at(0, view(pid)));
  return FolderLock(std::move(file));
}

}  // namespace fed::store
