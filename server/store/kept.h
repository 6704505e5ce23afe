// The accepted updates of rounds that are committed, for whoever wants to fold them again.
//
//   kept/JOB/ROUND/TASK.CLIENT.update    a second name of the file in staging: no byte is copied
//   kept/JOB/ROUND/round.json            what the fold was told; written last
//
// A round is kept before it is committed, so that a crash between the two loses nothing; what was
// kept of a round that was not committed is replaced when it is closed again.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/disk.h"

namespace fed::store {

struct KeptUpdate {
  std::int64_t task = 0, client = 0;
  fs::path file{};  // complete and synced; in the same file system
};

// Stateless beside its folder: thread-safe for different rounds.
class Kept {
 public:
  Kept(Disk& disk, fs::path folder, Durability durability)
      : disk_(&disk), folder_(std::move(folder)), durability_(durability) {}

  // Durable when it returns. Replaces what is there of that round. disk_full, io.
  Status keep(std::string_view job, std::int64_t round, std::span<const KeptUpdate> updates,
              std::string_view description) const;

  // What `keep` was told of the round; not_found.
  Result<std::string> description(std::string_view job, std::int64_t round) const;
  Result<File> open_update(std::string_view job, std::int64_t round, std::int64_t task,
                           std::int64_t client) const;

  // Removes all rounds of the job before `first`. None there is no error.
  Status prune(std::string_view job, std::int64_t first) const;

 private:
  fs::path round_folder(std::string_view job, std::int64_t round) const;

  Disk* disk_;
  fs::path folder_;
  Durability durability_;
};

}  // namespace fed::store
