// Which attempts at a secure sum this client has given its keys for, over restarts.
//
// A client keeps the secrets of an attempt in memory, so after a restart it would answer the same
// terms with other secrets, and a server that says an old round again could ask for the same input
// twice. One line a job in STATE/secure.answered, "JOB ROUND ATTEMPT", has the last attempt that
// was answered; only later ones are new. It is written before the answer leaves. Nothing is ever
// taken out: a job's name is not used twice, and there is room for kAnsweredJobsMax of them.
//
// Two more words each are the task and the checksum of an update for which shares were revealed.
// From then on the server may be able to make that sum, and from another one with the same update
// in it, over other clients, it would learn their difference: so an update whose sum was revealed
// is part of no other, whatever the server says became of the first. An update of another task that
// happens to have the same bytes, as where a model does not change any more, is another one. They
// stay as long as the update may be there, those of statistics, which are always the same, for
// ever.
//
// It fails closed: a file that cannot be read opens no Answered, and without one this client takes
// part in no secure sum; what cannot be written is not answered.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "base/checksum.h"
#include "base/disk.h"

namespace fed::session {

inline constexpr const char* kAnswered = "secure.answered";  // in the state folder
inline constexpr std::size_t kAnsweredJobsMax = 10'000;

// Not thread-safe. Movable; the disk outlives it.
class Answered {
 public:
  // Without a file: nothing was answered. ErrorCode::malformed, with the line, for a damaged one.
  static Result<Answered> open(Disk& disk, fs::path file);

  // Whether (round, attempt) comes after all that was answered of this job: a later round, or a
  // later attempt at the same one.
  bool is_new(const std::string& job, std::uint64_t round, std::uint64_t attempt) const;

  // Durably. ErrorCode::already_exists unless is_new; invalid (a name that has spaces), too_large
  // (kAnsweredJobsMax), disk_full, io: nothing may be answered then.
  Status remember(const std::string& job, std::uint64_t round, std::uint64_t attempt);

  // Whether shares were revealed for a sum with this update in it.
  bool is_revealed(const std::string& job, std::int64_t task, const Checksum& update) const;

  // Durably, before they leave. The job has an answered attempt. Errors as of `remember`.
  // `is_here`: whether an update of a task may still be on this client.
  Status remember_reveal(const std::string& job, std::int64_t task, const Checksum& update,
                         const std::function<bool(std::int64_t task)>& is_here);

 private:
  using Turn = std::pair<std::uint64_t, std::uint64_t>;   // round, attempt
  using Revealed = std::pair<std::int64_t, std::string>;  // task, checksum in hexadecimal
  struct Last {
    Turn turn;
    std::set<Revealed> revealed;
  };
  using Jobs = std::map<std::string, Last>;

  Answered(Disk& disk, fs::path file) : disk_(&disk), file_(std::move(file)) {}
  Status load();
  Status save(Jobs next);

  Disk* disk_;
  fs::path file_;
  Jobs last_;
};

}  // namespace fed::session
