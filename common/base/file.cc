#include "base/file.h"

#include "base/disk.h"

namespace fed {

Result<File> File::open_to_read(const fs::path& path) { return real_disk().open_to_read(path); }

Result<File> File::open_to_write(const fs::path& path, int mode) {
  return real_disk().open_to_write(path, mode);
}

Result<std::uint64_t> File::size() const {
  FED_ASSIGN(info, inspect());
  return info.bytes;
}

Status File::sync(Durability durability) const {
  if (durability == Durability::process) return {};
  return backend_->sync();
}

Result<Bytes> read_file(Disk& disk, const fs::path& path, std::uint64_t bytes_max) {
  FED_ASSIGN(file, disk.open_to_read(path));
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

Result<Bytes> read_file(const fs::path& path, std::uint64_t bytes_max) {
  return read_file(real_disk(), path, bytes_max);
}

Status replace_file(Disk& disk, const fs::path& path, ByteView content, Durability durability,
                    int mode) {
  const fs::path temporary = path.string() + ".tmp";
  FED_TRY(disk.remove(temporary));
  FED_ASSIGN(file, disk.open_to_write(temporary, mode));
  FED_TRY(file.write_at(0, content));
  FED_TRY(file.sync(durability));
  return rename_file(disk, temporary, path, durability);
}

Status replace_file(const fs::path& path, ByteView content, Durability durability, int mode) {
  return replace_file(real_disk(), path, content, durability, mode);
}

Status sync_folder_of(Disk& disk, const fs::path& path, Durability durability) {
  if (durability == Durability::process) return {};
  return disk.sync_folder(path.has_parent_path() ? path.parent_path() : fs::path("."));
}

Status rename_file(Disk& disk, const fs::path& from, const fs::path& to, Durability durability) {
  FED_TRY(disk.rename(from, to));
  return sync_folder_of(disk, to, durability);
}

Status rename_file(const fs::path& from, const fs::path& to, Durability durability) {
  return rename_file(real_disk(), from, to, durability);
}

Status remove_file(Disk& disk, const fs::path& path) { return disk.remove(path); }

Status remove_file(const fs::path& path) { return real_disk().remove(path); }

Status make_folder(Disk& disk, const fs::path& path, Durability durability) {
  if (path.empty()) return {};
  const auto there = disk.inspect(path);
  if (there) return {};
  if (there.error().code != ErrorCode::not_found) return there.error();
  FED_TRY(make_folder(disk, path.parent_path(), durability));
  FED_TRY(disk.make_folder(path));
  return sync_folder_of(disk, path, durability);
}

Status make_folder(const fs::path& path) {
  return make_folder(real_disk(), path, Durability::process);
}

Status make_durable_folder(Disk& disk, const fs::path& path, Durability durability) {
  if (disk.inspect(path)) return sync_folder_of(disk, path, durability);
  return make_folder(disk, path, durability);
}

Status remove_folder(Disk& disk, const fs::path& path) {
  if (disk.remove(path)) return {};
  FED_ASSIGN(held, disk.list(path));
  for (const fs::path& inside : held) FED_TRY(remove_folder(disk, inside));
  return disk.remove(path);
}

}  // namespace fed
