// What happened in the last attempt at a secure sum of each job, so that a restarted server goes on
// where the other one stood.
//
//   secure/JOB/ROUND.ATTEMPT.log    entries, one after the other: bytes of the entry (u32), kind
//                                   (u8), client (i64), content, checksum of all these (16)
//
// Integers are little-endian. The first entry is there when the file is; an entry that a crash cut
// off ends the log before it. A new attempt's number is one more than the job's last one, and its
// file takes the place of the other.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/disk.h"

namespace fed::store {

struct LogEntry {
  std::uint8_t kind = 0;
  std::int64_t client = 0;
  Bytes content{};

  bool operator==(const LogEntry&) const = default;
};

// The log of one attempt, open to be written. Movable. One thread at a time.
class AttemptLog {
 public:
  AttemptLog(File file, std::int64_t attempt, std::uint64_t size, Durability durability)
      : file_(std::move(file)), attempt_(attempt), size_(size), durability_(durability) {}

  std::int64_t attempt() const { return attempt_; }  // of its job, from 1

  // In the system's hands when it returns; durable with the next sync. disk_full and io leave what
  // is there before it.
  Status append(const LogEntry& entry);
  Status sync() const { return file_.sync(durability_); }

 private:
  File file_;
  std::int64_t attempt_;
  std::uint64_t size_;
  Durability durability_;
};

// Stateless beside its folder: thread-safe for different jobs.
class AttemptLogs {
 public:
  AttemptLogs(Disk& disk, fs::path folder, Durability durability)
      : disk_(&disk), folder_(std::move(folder)), durability_(durability) {}

  // The job's next attempt, at that round, with its first entry, durably. Its other logs go.
  // disk_full, io.
  Result<AttemptLog> begin(std::string_view job, std::int64_t round, const LogEntry& first) const;

  struct Found {
    AttemptLog log;
    std::vector<LogEntry> entries;  // at least one
  };
  // The last attempt of the round, to go on with, durably; none if there is none, or one that did
  // not get as far as its first entry. io.
  Result<std::optional<Found>> last(std::string_view job, std::int64_t round) const;

  // None there is no error.
  Status remove(std::string_view job) const;

 private:
  Result<std::int64_t> last_number(std::string_view job, std::optional<std::int64_t> round) const;
  Status remove_but(std::string_view job, const fs::path& kept) const;
  Status sync_folders(const fs::path& file) const;
  fs::path path(std::string_view job, std::int64_t round, std::int64_t attempt) const;

  Disk* disk_;
  fs::path folder_;
  Durability durability_;
};

}  // namespace fed::store
