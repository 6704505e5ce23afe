// Files that survive: handles that close themselves, whole reads and writes, replacement that is
// all or nothing.
//
// What a daemon keeps as its state lies on a Disk that it is given (base/disk.h): the system's, or
// a simulated one that loses what was not synced. With Durability::power a completed call has
// reached the disk (fsync of the file and of its folder); with Durability::process it survives the
// death of the process, not of the machine. A full disk is ErrorCode::disk_full. The functions
// without a Disk are for the files of people (data, configuration, exports): they use the system's.
// Thread-safe, but a File has one owner.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"

namespace fed {

namespace fs = std::filesystem;

class Disk;

enum class Durability { process, power };

struct FileInfo {
  enum class Kind { file, folder, other };

  Kind kind = Kind::file;
  std::uint64_t bytes = 0;
  unsigned mode = 0;          // permissions, such as 0600
  unsigned owner = 0;         // the user's number
  std::uint64_t names = 1;    // hard links
  std::int64_t modified = 0;  // grows; nanoseconds since 1970 on the system's disk
};

// An open file as its disk sees it; File says what the calls mean. Writes need a file that was
// opened to write.
class FileBackend {
 public:
  explicit FileBackend(fs::path where) : path(std::move(where)) {}
  virtual ~FileBackend() = default;
  FileBackend(const FileBackend&) = delete;
  FileBackend& operator=(const FileBackend&) = delete;

  virtual Result<FileInfo> inspect() = 0;
  virtual Status read_at(std::uint64_t offset, ByteSpan into) = 0;
  virtual Status write_at(std::uint64_t offset, ByteView from) = 0;
  virtual Status truncate(std::uint64_t size) = 0;
  virtual Status reserve(std::uint64_t bytes) = 0;
  virtual Status sync() = 0;
  virtual Status begin_sync(std::uint64_t, std::uint64_t) { return {}; }
  virtual Result<bool> lock() = 0;
  virtual int descriptor() const { return -1; }

  const fs::path path;
};

class File {
 public:
  File() = default;
  explicit File(std::unique_ptr<FileBackend> backend) : backend_(std::move(backend)) {}
  // Takes an open descriptor of the system.
  explicit File(int descriptor, fs::path path);

  // On the system's disk; see Disk.
  static Result<File> open_to_read(const fs::path& path);
  static Result<File> open_to_write(const fs::path& path, int mode = 0600);

  bool is_open() const { return backend_ != nullptr; }
  const fs::path& path() const { return backend_->path; }
  // For sendfile and the like: of the system's disk only, -1 elsewhere.
  int descriptor() const { return backend_ ? backend_->descriptor() : -1; }

  Result<FileInfo> inspect() const { return backend_->inspect(); }
  Result<std::uint64_t> size() const;
  // Exactly into.size() bytes from `offset`; ErrorCode::malformed if the file ends before.
  Status read_at(std::uint64_t offset, ByteSpan into) const {
    return backend_->read_at(offset, into);
  }
  Status write_at(std::uint64_t offset, ByteView from) const {
    return backend_->write_at(offset, from);
  }
  Status truncate(std::uint64_t size) const { return backend_->truncate(size); }
  // Room for `bytes` bytes from the start, so that a full disk is known before they come:
  // disk_full. The size stays. A file system that cannot reserve says nothing: the writes will
  // tell.
  Status reserve(std::uint64_t bytes) const { return backend_->reserve(bytes); }
  // fdatasync for Durability::power, nothing for Durability::process.
  Status sync(Durability durability) const;
  // Asks for the bytes from `offset` to be written soon, and does not wait for it. Nothing is
  // durable by that; a disk may ignore it.
  Status begin_sync(std::uint64_t offset, std::uint64_t bytes) const {
    return backend_->begin_sync(offset, bytes);
  }
  // True: this process has the file for itself until it is closed. False: another one has it.
  Result<bool> lock() const { return backend_->lock(); }
  void close() { backend_.reset(); }

 private:
  std::unique_ptr<FileBackend> backend_;
};

// The whole file; ErrorCode::too_large beyond `bytes_max`.
Result<Bytes> read_file(Disk& disk, const fs::path& path, std::uint64_t bytes_max);
Result<Bytes> read_file(const fs::path& path, std::uint64_t bytes_max);

// Writes `path`.tmp, syncs it, renames it over `path`, syncs the folder. `path` has the old or the
// new content.
Status replace_file(Disk& disk, const fs::path& path, ByteView content, Durability durability,
                    int mode = 0600);
Status replace_file(const fs::path& path, ByteView content, Durability durability, int mode = 0600);

// Makes `path` visible after a crash: fsync of the folder that holds it, for Durability::power.
Status sync_folder_of(Disk& disk, const fs::path& path, Durability durability);

// Renames and syncs the folder of `to`.
Status rename_file(Disk& disk, const fs::path& from, const fs::path& to, Durability durability);
Status rename_file(const fs::path& from, const fs::path& to, Durability durability);

// Removes a file; one that is not there is no error.
Status remove_file(Disk& disk, const fs::path& path);
Status remove_file(const fs::path& path);

// Creates the folder and its parents with mode 0700 where missing. What it creates is on the disk
// afterwards, with Durability::power.
Status make_folder(Disk& disk, const fs::path& path, Durability durability);
Status make_folder(const fs::path& path);
// The same, for a folder inside of one's own state: its name is on the disk also if it is there
// already, since who created it may have died before it was.
Status make_durable_folder(Disk& disk, const fs::path& path, Durability durability);

// Removes a folder with all it holds; one that is not there is no error. Links are not followed.
Status remove_folder(Disk& disk, const fs::path& path);

}  // namespace fed
