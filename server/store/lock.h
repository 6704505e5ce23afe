// One daemon per state folder: a lock on `FOLDER/lock` that the system releases when its holder
// dies, however.
#pragma once

#include "base/disk.h"

namespace fed::store {

// Holds the lock until destroyed. Movable; one owner.
class FolderLock {
 public:
  // already_exists if another process holds it, naming the folder and that process.
  static Result<FolderLock> acquire(Disk& disk, const fs::path& folder);

 private:
  explicit FolderLock(File file) : file_(std::move(file)) {}

  File file_;
};

}  // namespace fed::store
