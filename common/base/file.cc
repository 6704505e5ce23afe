#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace fed {
namespace {

Error file_error(const char* action, const fs::path& path) {
  const int error_number = errno;
  return from_errno(std::string("cannot ") + action + " " + path.string(), error_number);
}

Result<File> open_file(const fs::path& path, int flags, int mode) {
  int descriptor = -1;
  do descriptor = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  while (descriptor < 0 && errno == EINTR);
  if (descriptor < 0) return file_error("open", path);
  return File(descriptor, path);
}

}  // namespace

File& File::operator=(File&& other) noexcept {
  if (this == &other) return *this;
  close();
  descriptor_ = std::exchange(other.descriptor_, -1);
  path_ = std::move(other.path_);
  return *this;
}

Result<File> File::open_to_read(const fs::path& path) { return open_file(path, O_RDONLY, 0); }

Result<File> File::open_to_write(const fs::path& path, int mode) {
  return open_file(path, O_RDWR | O_CREAT, mode);
}

Result<std::uint64_t> File::size() const {
  struct stat info {};
  if (::fstat(descriptor_, &info) != 0) return file_error("inspect", path_);
  return static_cast<std::uint64_t>(info.st_size);
}

Status File::read_at(std::uint64_t offset, ByteSpan into) const {
  while (!into.empty()) {
    const ssize_t got = ::pread(descriptor_, into.data(), into.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return file_error("read", path_);
    if (got == 0) return Error{ErrorCode::malformed, path_.string() + " ends too early"};
    into = into.subspan(static_cast<std::size_t>(got));
    offset += static_cast<std::uint64_t>(got);
  }
  return {};
}

Status File::write_at(std::uint64_t offset, ByteView from) const {
  while (!from.empty()) {
    const ssize_t put = ::pwrite(descriptor_, from.data(), from.size(), static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return file_error("write", path_);
    from = from.subspan(static_cast<std::size_t>(put));
    offset += static_cast<std::uint64_t>(put);
  }
  return {};
}

Status File::truncate(std::uint64_t size) const {
  if (::ftruncate(descriptor_, static_cast<off_t>(size)) != 0) return file_error("resize", path_);
  return {};
}

Status File::sync(Durability durability) const {
  if (durability == Durability::process) return {};
  if (::fdatasync(descriptor_) != 0) return file_error("sync", path_);
  return {};
}

void File::close() {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

Result<Bytes> read_file(const fs::path& path, std::uint64_t bytes_max) {
  FED_ASSIGN(file, File::open_to_read(path));
  FED_ASSIGN(size, file.size());
  if (size > bytes_max) {
    return Error{ErrorCode::too_large, path.string() + " has " + std::to_string(size) +
                                           " bytes, more than the " + std::to_string(bytes_max) +
                                           " that are allowed"};
  }
  Bytes content(size);
  FED_TRY(file.read_at(0, content));
  return content;
}

Status replace_file(const fs::path& path, ByteView content, Durability durability, int mode) {
  const fs::path temporary = path.string() + ".tmp";
  FED_TRY(remove_file(temporary));
  FED_ASSIGN(file, File::open_to_write(temporary, mode));
  FED_TRY(file.write_at(0, content));
  FED_TRY(file.sync(durability));
  return rename_file(temporary, path, durability);
}

Status sync_folder_of(const fs::path& path, Durability durability) {
  if (durability == Durability::process) return {};
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  FED_ASSIGN(file, open_file(folder, O_RDONLY | O_DIRECTORY, 0));
  if (::fsync(file.descriptor()) != 0) return file_error("sync", folder);
  return {};
}

Status rename_file(const fs::path& from, const fs::path& to, Durability durability) {
  if (::rename(from.c_str(), to.c_str()) != 0) return file_error("rename", from);
  return sync_folder_of(to, durability);
}

Status remove_file(const fs::path& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return file_error("remove", path);
  return {};
}

Status make_folder(const fs::path& path) {
  std::error_code error;
  const bool existed = fs::is_directory(path, error);
  fs::create_directories(path, error);
  if (error) return from_errno("cannot create " + path.string(), error.value());
  if (!existed) fs::permissions(path, fs::perms::owner_all, error);
  if (error) return from_errno("cannot protect " + path.string(), error.value());
  return {};
}

}  // namespace fed
