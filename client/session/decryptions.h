// Which sums a key holder has decrypted, over restarts.
//
// The server chooses what it shows to the key holder as "the sum of round R". Shown one sum of a
// round and then another over other clients, the holder would give away their difference, which may
// be a single update. So it decrypts one sum of a round, and of a job's rounds only the last one
// and later ones; the same sum is decrypted again, for a server that has lost the answer. A sum is
// known by stretches: by the hash of the ciphertexts from `first` on.
//
// One line a stretch in STATE/decrypted, "JOB ROUND FIRST HASH", of each job's last round; written
// before the answer leaves. It fails closed: what cannot be read or written is not decrypted.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/disk.h"
#include "crypto/hash.h"

namespace fed::session {

inline constexpr const char* kDecryptions = "decrypted";  // in the state folder
inline constexpr std::size_t kDecryptionJobsMax = 1000;

// Not thread-safe. Movable; the disk outlives it.
class Decryptions {
 public:
  // Without a file: nothing was decrypted. ErrorCode::malformed, with the line, for a damaged one.
  static Result<Decryptions> open(Disk& disk, fs::path file);

  // Durably notes that this stretch of that round's sum is decrypted, unless it was. Errors:
  // already_exists for another stretch there, or a round before the job's last one; too_large
  // (kDecryptionJobsMax), io, disk_full.
  Status enter(const std::string& job, std::int64_t round, std::uint32_t first,
               const crypto::Hash& ciphertexts);

 private:
  struct Last {
    std::int64_t round = 0;
    std::map<std::uint32_t, std::string> stretches{};  // by the first ciphertext; hexadecimal
  };
  using Jobs = std::map<std::string, Last>;

  Decryptions(Disk& disk, fs::path file) : disk_(&disk), file_(std::move(file)) {}
  Status load();
  Status read_line(const std::string& line);
  Status save(Jobs next);

  Disk* disk_;
  fs::path file_;
  Jobs last_;
};

}  // namespace fed::session
