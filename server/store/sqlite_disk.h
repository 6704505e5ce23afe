// SQLite on a Disk that is not the system's. Internal to the layer.
//
// SQLite sees a VFS (https://www.sqlite.org/vfs.html) whose files are the Disk's, with the promises
// that its own one for Unix makes: a log or journal that is new has its folder synced with its
// first sync, and a write does not touch bytes beside it (SQLITE_IOCAP_POWERSAFE_OVERWRITE). There
// is no shared memory, so a database in WAL mode must have `locking_mode = EXCLUSIVE`: one
// connection at a time, which File::lock sees to.
#pragma once

#include <memory>
#include <string>

#include "base/disk.h"

struct sqlite3_vfs;

namespace fed::store {

// Registers the VFS for as long as it lives, which is longer than the connections that use it. The
// disk outlives it. One thread at a time, as its database.
class SqliteDisk {
 public:
  explicit SqliteDisk(Disk& disk);
  ~SqliteDisk();
  SqliteDisk(const SqliteDisk&) = delete;
  SqliteDisk& operator=(const SqliteDisk&) = delete;

  // For sqlite3_open_v2.
  const char* name() const { return name_.c_str(); }

 private:
  std::string name_;
  std::unique_ptr<sqlite3_vfs> vfs_;
};

}  // namespace fed::store
