// Files that survive: descriptors that close themselves, whole reads and writes, replacement that
// is all or nothing.
//
// With Durability::power a completed call has reached the disk (fsync of the file and of its
// folder); with Durability::process it survives the death of the process, not of the machine. A
// full disk is ErrorCode::disk_full. All functions retry EINTR and short transfers. Thread-safe,
// but a File has one owner.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/error.h"

namespace fed {

namespace fs = std::filesystem;

enum class Durability { process, power };

class File {
 public:
  File() = default;
  explicit File(int descriptor, fs::path path) : descriptor_(descriptor), path_(std::move(path)) {}
  File(File&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)), path_(std::move(other.path_)) {}
  File& operator=(File&& other) noexcept;
  ~File() { close(); }

  static Result<File> open_to_read(const fs::path& path);
  // Creates with `mode` if it does not exist; keeps the content; opens for reading and writing.
  static Result<File> open_to_write(const fs::path& path, int mode = 0600);

  bool is_open() const { return descriptor_ >= 0; }
  int descriptor() const { return descriptor_; }
  const fs::path& path() const { return path_; }

  Result<std::uint64_t> size() const;
  // Exactly into.size() bytes from `offset`; ErrorCode::malformed if the file ends before.
  Status read_at(std::uint64_t offset, ByteSpan into) const;
  Status write_at(std::uint64_t offset, ByteView from) const;
  Status truncate(std::uint64_t size) const;
  // fdatasync for Durability::power, nothing for Durability::process.
  Status sync(Durability durability) const;
  void close();

 private:
  int descriptor_ = -1;
  fs::path path_;
};

// The whole file; ErrorCode::too_large beyond `bytes_max`.
Result<Bytes> read_file(const fs::path& path, std::uint64_t bytes_max);

// Writes `path`.tmp, syncs it, renames it over `path`, syncs the folder. `path` has the old or the
// new content.
Status replace_file(const fs::path& path, ByteView content, Durability durability, int mode = 0600);

// Makes `path` visible after a crash: fsync of the folder that holds it, for Durability::power.
Status sync_folder_of(const fs::path& path, Durability durability);

// Renames and syncs the folder of `to`.
Status rename_file(const fs::path& from, const fs::path& to, Durability durability);

// Removes a file; one that is not there is no error.
Status remove_file(const fs::path& path);

// Creates the folder and its parents with mode 0700 where missing.
Status make_folder(const fs::path& path);

}  // namespace fed
