// The disk as an argument: whoever keeps state on one is told which.
//
// The daemons use the system's (`real_disk`); the simulator gives each of its machines one of its
// own, which fails, fills up and forgets on demand, so that the same code meets a power cut at
// every one of its operations. Beside what a call says, nothing is durable until the file (bytes)
// or its folder (names) is synced: see File::sync and sync_folder. Paths mean what they mean to
// the system. Errors are those of from_errno. Thread-safe; outlives what was opened on it.
#pragma once

#include <vector>

#include "base/file.h"

namespace fed {

class Disk {
 public:
  virtual ~Disk() = default;

  virtual Result<File> open_to_read(const fs::path& path) = 0;
  // Creates with `mode` if it does not exist; keeps the content; opens for reading and writing.
  virtual Result<File> open_to_write(const fs::path& path, int mode = 0600) = 0;

  virtual Result<FileInfo> inspect(const fs::path& path) = 0;  // not_found
  // The paths that a folder holds, sorted. None if it is not there.
  virtual Result<std::vector<fs::path>> list(const fs::path& folder) = 0;

  // With mode 0700; its parent is there. No error if it is there already.
  virtual Status make_folder(const fs::path& path) = 0;
  // A second name for a file; already_exists if there is one.
  virtual Status link(const fs::path& from, const fs::path& to) = 0;
  // Replaces `to`.
  virtual Status rename(const fs::path& from, const fs::path& to) = 0;
  // A name of a file, whose bytes go with the last name and the last open File; or an empty folder.
  // One that is not there is no error.
  virtual Status remove(const fs::path& path) = 0;
  // FileInfo::modified becomes the newest.
  virtual Status touch(const fs::path& path) = 0;

  // The names in `folder` reach the disk.
  virtual Status sync_folder(const fs::path& folder) = 0;
  // What can still be written there.
  virtual Result<std::uint64_t> bytes_free(const fs::path& folder) = 0;
};

// The system's.
Disk& real_disk();

}  // namespace fed
