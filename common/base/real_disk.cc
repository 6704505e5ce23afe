// The system's disk: POSIX calls, each repeated when a signal interrupts it or it stops short.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "base/disk.h"

namespace fed {
namespace {

Error file_error(const char* action, const fs::path& path) {
  const int error_number = errno;
  return from_errno(std::string("cannot ") + action + " " + path.string(), error_number);
}

FileInfo info_of(const struct stat& found) {
  const FileInfo::Kind kind = S_ISREG(found.st_mode)   ? FileInfo::Kind::file
                              : S_ISDIR(found.st_mode) ? FileInfo::Kind::folder
                                                       : FileInfo::Kind::other;
  return {.kind = kind,
          .bytes = static_cast<std::uint64_t>(found.st_size),
          .mode = found.st_mode & 07777,
          .owner = found.st_uid,
          .names = found.st_nlink,
          .modified = found.st_mtim.tv_sec * 1'000'000'000 + found.st_mtim.tv_nsec};
}

class RealFile final : public FileBackend {
 public:
  RealFile(int descriptor, fs::path where)
      : FileBackend(std::move(where)), descriptor_(descriptor) {}
  ~RealFile() override {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  int descriptor() const override { return descriptor_; }

  Result<FileInfo> inspect() override {
    struct stat found {};
    if (::fstat(descriptor_, &found) != 0) return file_error("inspect", path);
    return info_of(found);
  }

  Status read_at(std::uint64_t offset, ByteSpan into) override {
    while (!into.empty()) {
      const ssize_t got =
          ::pread(descriptor_, into.data(), into.size(), static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return file_error("read", path);
      if (got == 0) return Error{ErrorCode::malformed, path.string() + " ends too early"};
      into = into.subspan(static_cast<std::size_t>(got));
      offset += static_cast<std::uint64_t>(got);
    }
    return {};
  }

  Status write_at(std::uint64_t offset, ByteView from) override {
    while (!from.empty()) {
      const ssize_t put =
          ::pwrite(descriptor_, from.data(), from.size(), static_cast<off_t>(offset));
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return file_error("write", path);
      from = from.subspan(static_cast<std::size_t>(put));
      offset += static_cast<std::uint64_t>(put);
    }
    return {};
  }

  Status truncate(std::uint64_t size) override {
    if (::ftruncate(descriptor_, static_cast<off_t>(size)) != 0) return file_error("resize", path);
    return {};
  }

  Status reserve(std::uint64_t bytes) override {
    if (::fallocate(descriptor_, FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(bytes)) == 0) return {};
    if (errno != ENOSPC && errno != EDQUOT) return {};
    return file_error("reserve room in", path);
  }

  Status sync() override {
    if (::fdatasync(descriptor_) != 0) return file_error("sync", path);
    return {};
  }

  Status begin_sync(std::uint64_t offset, std::uint64_t bytes) override {
    const int code = ::sync_file_range(descriptor_, static_cast<off_t>(offset),
                                       static_cast<off_t>(bytes), SYNC_FILE_RANGE_WRITE);
    if (code != 0 && errno != ESPIPE && errno != ENOSYS) return file_error("write", path);
    return {};
  }

  Result<bool> lock() override {
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0) return true;
    if (errno == EWOULDBLOCK) return false;
    return file_error("lock", path);
  }

 private:
  const int descriptor_;
};

Result<File> open_file(const fs::path& path, int flags, int mode) {
  int descriptor = -1;
  // O_NONBLOCK: opening a pipe by mistake must not hang.
  do descriptor = ::open(path.c_str(), flags | O_CLOEXEC | O_NONBLOCK, mode);
  while (descriptor < 0 && errno == EINTR);
  if (descriptor < 0) return file_error("open", path);
  return File(descriptor, path);
}

class RealDisk final : public Disk {
 public:
  Result<File> open_to_read(const fs::path& path) override { return open_file(path, O_RDONLY, 0); }

  Result<File> open_to_write(const fs::path& path, int mode) override {
    return open_file(path, O_RDWR | O_CREAT, mode);
  }

  Result<FileInfo> inspect(const fs::path& path) override {
    struct stat found {};
    if (::stat(path.c_str(), &found) != 0) return file_error("inspect", path);
    return info_of(found);
  }

  Result<std::vector<fs::path>> list(const fs::path& folder) override {
    std::error_code error;
    std::vector<fs::path> found;
    fs::directory_iterator at(folder, error);
    if (error == std::errc::no_such_file_or_directory) return found;
    for (; !error && at != fs::directory_iterator(); at.increment(error)) {
      found.push_back(at->path());
    }
    if (error) return from_errno("cannot list " + folder.string(), error.value());
    std::sort(found.begin(), found.end());
    return found;
  }

  Status make_folder(const fs::path& path) override {
    if (::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return {};
    return file_error("create", path);
  }

  Status link(const fs::path& from, const fs::path& to) override {
    if (::link(from.c_str(), to.c_str()) != 0) return file_error("create", to);
    return {};
  }

  Status rename(const fs::path& from, const fs::path& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return file_error("rename", from);
    return {};
  }

  Status remove(const fs::path& path) override {
    if (::remove(path.c_str()) != 0 && errno != ENOENT) return file_error("remove", path);
    return {};
  }

  Status touch(const fs::path& path) override {
    // Not the system's idea of now, which is some milliseconds old.
    timespec times[2]{};
    ::clock_gettime(CLOCK_REALTIME, &times[0]);
    times[1] = times[0];
    if (::utimensat(AT_FDCWD, path.c_str(), times, 0) != 0) return file_error("touch", path);
    return {};
  }

  Status sync_folder(const fs::path& folder) override {
    FED_ASSIGN(file, open_file(folder, O_RDONLY | O_DIRECTORY, 0));
    if (::fsync(file.descriptor()) != 0) return file_error("sync", folder);
    return {};
  }

  Result<std::uint64_t> bytes_free(const fs::path& folder) override {
    std::error_code error;
    const fs::space_info space = fs::space(folder, error);
    if (error) return from_errno("cannot inspect " + folder.string(), error.value());
    return space.available;
  }
};

}  // namespace

File::File(int descriptor, fs::path path)
    : backend_(std::make_unique<RealFile>(descriptor, std::move(path))) {}

Disk& real_disk() {
  static RealDisk disk;
  return disk;
}

}  // namespace fed
