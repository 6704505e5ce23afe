// Updates on their way into a round: received chunk by chunk, resumable, verified, then kept until
// the round is committed.
//
//   staging/JOB/TASK/CLIENT.CHECKSUM.part   being received; upload.h says how much is there
//   staging/JOB/TASK/CLIENT.update          complete and verified
//   staging/JOB/spare/N                     an old update, to be written over by a new one
//
// Law 2: `finish` returns after the bytes, the name and the folders have reached the disk; what the
// journal says was accepted is here. A crash in between leaves a part, which the client continues,
// or a complete file that the journal does not know, which the client offers again and which is
// then verified anew. Bytes in front of `offset` are never trusted across a restart: they are read
// again, and the checksum decides at the end.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/checksum.h"
#include "base/disk.h"
#include "store/arrivals.h"
#include "store/spares.h"
#include "store/upload.h"

namespace fed::store {

struct StagingOptions {
  Durability durability = Durability::power;
  std::uint64_t upload_bytes_max =
      0;  // of all updates staged or announced together; 0 = no limit but the disk's
};

// A complete or partial file that was found in staging.
struct Staged {
  UploadKey key;
  bool complete = false;
  std::uint64_t bytes = 0;
  fs::path path{};

  bool operator==(const Staged&) const = default;
};

// Thread-safe. Uploads may outlive it.
class Staging {
 public:
  // Makes the folder, and counts what an earlier process left there.
  static Result<std::unique_ptr<Staging>> open(Disk& disk, fs::path folder,
                                               const StagingOptions& options);

  // Starts an upload or continues it. `bytes` is the whole update's size, `expected` its checksum.
  // A part with another checksum, or longer than `bytes`, is removed. An Upload of the same key
  // that is still alive elsewhere (on a connection that has died without a word) is superseded: its
  // calls fail with `closed` from now on. A complete file is taken back into a part, unless it is
  // kept: then the answer is `closed`.
  //
  // `invalid` for a bad job name, a negative task or client, or bytes that are 0 or no whole
  // floats; too_large beyond upload_bytes_max; disk_full where the disk has no room for all of it.
  Result<Upload> receive(const UploadKey& key, std::uint64_t bytes, const Checksum& expected);

  // As Upload::finish, together with others that become whole at the time. `done` is called once,
  // on this thread before this returns or on another one that finishes uploads now.
  void finish(Upload upload, Arrivals::Done done) {
    arrivals_.finish(std::move(upload), std::move(done));
  }

  // The update that was finished under this lease (UploadFacts) is about to be acknowledged: until
  // it is let go or removed, no upload takes its file back. `closed` if another upload of the key
  // has begun or the update has been removed: it is not to be acknowledged then.
  Status keep(const UploadKey& key, std::uint64_t lease);
  // It was not acknowledged after all.
  void let_go(const UploadKey& key);

  // A complete update, to be folded. not_found, or mismatch for another size than `bytes`.
  Result<File> open_complete(const UploadKey& key, std::uint64_t bytes) const;

  // All files of a job's task, or of everything, by job, task, client. Files of other names are
  // left out.
  Result<std::vector<Staged>> list(std::string_view job, std::int64_t task) const;
  Result<std::vector<Staged>> list() const;

  // One client's file and part; none there is no error.
  Status remove(const UploadKey& key);
  // All of a task, when its commit is durable; all of a job. Uploads at work are superseded. The
  // task's updates are kept as spares of the job.
  Status remove_task(std::string_view job, std::int64_t task);
  Status remove_job(std::string_view job);

  std::uint64_t bytes_reserved() const;  // staged or announced

 private:
  struct Slot {
    std::uint64_t bytes = 0;             // reserved
    std::shared_ptr<UploadFence> fence;  // of the latest Upload
    std::set<fs::path> files;            // that may be there
    bool kept = false;
  };

  Staging(Disk& disk, fs::path folder, const StagingOptions& options)
      : disk_(disk), folder_(std::move(folder)), options_(options), spares_(disk_, folder_) {}

  // The fences of an upload that begins, and of the one that it supersedes (or null); the files
  // that may be there of earlier ones.
  struct Lease {
    std::shared_ptr<UploadFence> before, now;
    std::set<fs::path> files;
  };

  fs::path task_folder(std::string_view job, std::int64_t task) const;
  Upload::Paths paths(const UploadKey& key, const Checksum& checksum) const;
  Status check(const UploadKey& key, std::uint64_t bytes) const;
  Result<Lease> lease(const UploadKey& key, std::uint64_t bytes, const Upload::Paths& where);
  // The folder of its round, durably. Once a round: what an earlier process made may be lost yet.
  Status make_folders(const UploadKey& key);
  Status remove_with_folders(const fs::path& folder);
  // Leaves at most the part to continue of what the client has here.
  Status settle(const std::set<fs::path>& files, std::uint64_t bytes,
                const Upload::Paths& where) const;
  // The part as a new or a spare file, or what there is of it.
  Result<Upload> open_part(const UploadKey& key, std::uint64_t bytes, const Checksum& expected,
                           const std::shared_ptr<UploadFence>& fence);
  void keep_spares(std::string_view job, std::int64_t task);
  Status drop_spares_of_before();
  // Forgets the reservations and supersedes the uploads of matching keys; their files.
  std::set<fs::path> release(const std::function<bool(const UploadKey&)>& matches);

  Disk& disk_;
  fs::path folder_;
  StagingOptions options_;
  Spares spares_;
  Arrivals arrivals_;
  mutable std::mutex mutex_;
  std::map<UploadKey, Slot> slots_;
  std::mutex folders_mutex_;
  std::set<fs::path> folders_;  // known to be on the disk
  std::uint64_t reserved_ = 0;
  std::uint64_t leases_ = 0;  // given so far
};

// Whether `name` can be a job's name and a folder's: [a-z0-9][a-z0-9_-]{0,62}.
bool is_job_name(std::string_view name);

}  // namespace fed::store
