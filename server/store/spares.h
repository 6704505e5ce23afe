// Files of updates that nobody needs any more, kept for the updates of the next round.
//
// A new file costs more than the bytes in it: an inode, which some file systems search for at
// length where many were freed a moment ago, pages, blocks, extents, and the release of all of
// them. An update that is written over an old one of the same size costs the copy only. What is
// kept lies in staging/JOB/spare/ and means nothing: an earlier process's is removed at the start.
// Kept are the files of the last task only, on a disk that has as much room left besides.
//
// Thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/disk.h"

namespace fed::store {

class Spares {
 public:
  Spares(Disk& disk, fs::path staging) : disk_(disk), staging_(std::move(staging)) {}

  // Files of `job`, which lose their names, replace those that were kept of it. One that has
  // another name besides stays where it is, like all that cannot be kept.
  void keep(std::string_view job, std::span<const fs::path> files);

  // Gives a file of `bytes` bytes the name `to`, with a mark of no progress behind them (upload.h).
  // False if there is none.
  bool take(std::string_view job, std::uint64_t bytes, const fs::path& to);

  // Removes what is kept of all jobs, or of one.
  void drop();
  void drop(std::string_view job);

  std::uint64_t bytes() const;

 private:
  struct Spare {
    fs::path path;
    std::uint64_t bytes = 0;
  };

  fs::path folder(std::string_view job) const;
  void keep_one(std::string_view job, const fs::path& file, std::uint64_t free,
                std::vector<Spare>& kept);
  void remove(const std::vector<Spare>& spares);

  Disk& disk_;
  fs::path staging_;
  mutable std::mutex mutex_;
  std::map<std::string, std::vector<Spare>, std::less<>> of_job_;
  std::uint64_t bytes_ = 0;    // of all
  std::uint64_t numbers_ = 0;  // given as names
};

}  // namespace fed::store
