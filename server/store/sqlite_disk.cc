#include "store/sqlite_disk.h"

#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <new>

namespace fed::store {
namespace {

constexpr int kPathBytesMax = 1024;
constexpr int kSectorBytes = 4096;  // as the VFS for Unix has it

Disk& disk_of(sqlite3_vfs* vfs) { return *static_cast<Disk*>(vfs->pAppData); }

int code_of(const Error& error, int otherwise) {
  return error.code == ErrorCode::disk_full ? SQLITE_FULL : otherwise;
}

int code_of(const Status& status, int otherwise) {
  return status ? SQLITE_OK : code_of(status.error(), otherwise);
}

// What SQLite allocates for a file: its own header, then ours.
struct OpenFile {
  sqlite3_file base;
  Disk* disk;
  File file;
  bool folder_unsynced;  // the name is new
  bool delete_on_close;
};

OpenFile& open_of(sqlite3_file* file) { return *reinterpret_cast<OpenFile*>(file); }

int close_file(sqlite3_file* file) {
  OpenFile& open = open_of(file);
  const fs::path path = open.file.path();
  open.file.close();
  const Status removed = open.delete_on_close ? open.disk->remove(path) : Status();
  open.~OpenFile();
  return code_of(removed, SQLITE_IOERR_CLOSE);
}

// What lies beyond the end reads as zeros, and SQLite is told.
int read_file_at(sqlite3_file* file, void* into, int bytes, sqlite3_int64 offset) {
  const OpenFile& open = open_of(file);
  const auto size = open.file.size();
  if (!size) return SQLITE_IOERR_READ;
  const auto from = static_cast<std::uint64_t>(offset);
  const auto wanted = static_cast<std::uint64_t>(bytes);
  const std::uint64_t there = *size > from ? std::min(wanted, *size - from) : 0;
  const ByteSpan span(static_cast<std::uint8_t*>(into), wanted);
  if (!open.file.read_at(from, span.first(there))) return SQLITE_IOERR_READ;
  if (there == wanted) return SQLITE_OK;
  std::ranges::fill(span.subspan(there), std::uint8_t{0});
  return SQLITE_IOERR_SHORT_READ;
}

int write_file_at(sqlite3_file* file, const void* from, int bytes, sqlite3_int64 offset) {
  const ByteView data(static_cast<const std::uint8_t*>(from), static_cast<std::size_t>(bytes));
  return code_of(open_of(file).file.write_at(static_cast<std::uint64_t>(offset), data),
                 SQLITE_IOERR_WRITE);
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  return code_of(open_of(file).file.truncate(static_cast<std::uint64_t>(size)),
                 SQLITE_IOERR_TRUNCATE);
}

int sync_file(sqlite3_file* file, int) {
  OpenFile& open = open_of(file);
  const Status synced = open.file.sync(Durability::power);
  if (!synced) return code_of(synced, SQLITE_IOERR_FSYNC);
  if (!open.folder_unsynced) return SQLITE_OK;
  const Status named = sync_folder_of(*open.disk, open.file.path(), Durability::power);
  open.folder_unsynced = !named;
  return code_of(named, SQLITE_IOERR_DIR_FSYNC);
}

int file_size(sqlite3_file* file, sqlite3_int64* size) {
  const auto found = open_of(file).file.size();
  if (!found) return SQLITE_IOERR_FSTAT;
  *size = static_cast<sqlite3_int64>(*found);
  return SQLITE_OK;
}

// Kept until the file is closed: nobody else is to use the database in between.
int lock_file(sqlite3_file* file, int) {
  const auto locked = open_of(file).file.lock();
  if (!locked) return SQLITE_IOERR_LOCK;
  return *locked ? SQLITE_OK : SQLITE_BUSY;
}

int unlock_file(sqlite3_file*, int) { return SQLITE_OK; }

int check_reserved_lock(sqlite3_file*, int* reserved) {
  *reserved = 0;
  return SQLITE_OK;
}

int file_control(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }

int sector_size(sqlite3_file*) { return kSectorBytes; }

int characteristics(sqlite3_file*) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

// Version 1: no shared memory, no mapping.
const sqlite3_io_methods kMethods = {
    .iVersion = 1,
    .xClose = close_file,
    .xRead = read_file_at,
    .xWrite = write_file_at,
    .xTruncate = truncate_file,
    .xSync = sync_file,
    .xFileSize = file_size,
    .xLock = lock_file,
    .xUnlock = unlock_file,
    .xCheckReservedLock = check_reserved_lock,
    .xFileControl = file_control,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = characteristics,
    .xShmMap = nullptr,
    .xShmLock = nullptr,
    .xShmBarrier = nullptr,
    .xShmUnmap = nullptr,
    .xFetch = nullptr,
    .xUnfetch = nullptr,
};

int open_file(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  file->pMethods = nullptr;                     // nothing to close unless it succeeds
  if (name == nullptr) return SQLITE_CANTOPEN;  // a temporary file: ours are in memory
  Disk& disk = disk_of(vfs);
  const bool is_there = disk.inspect(name).has_value();
  if (!is_there && (flags & SQLITE_OPEN_CREATE) == 0) return SQLITE_CANTOPEN;
  auto opened = (flags & SQLITE_OPEN_READONLY) != 0 ? disk.open_to_read(name)
                                                    : disk.open_to_write(name, 0600);
  if (!opened) return code_of(opened.error(), SQLITE_CANTOPEN);
  constexpr int kLogs = SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL;
  new (file) OpenFile{.base = {&kMethods},
                      .disk = &disk,
                      .file = *std::move(opened),
                      .folder_unsynced = !is_there && (flags & kLogs) != 0,
                      .delete_on_close = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0};
  if (out_flags != nullptr) *out_flags = flags;
  return SQLITE_OK;
}

int delete_file(sqlite3_vfs* vfs, const char* name, int sync_folder) {
  Disk& disk = disk_of(vfs);
  if (!disk.inspect(name)) return SQLITE_IOERR_DELETE_NOENT;
  const Status removed = disk.remove(name);
  if (!removed) return code_of(removed, SQLITE_IOERR_DELETE);
  if (sync_folder == 0) return SQLITE_OK;
  return code_of(sync_folder_of(disk, name, Durability::power), SQLITE_IOERR_DIR_FSYNC);
}

int access_file(sqlite3_vfs* vfs, const char* name, int, int* there) {
  const auto info = disk_of(vfs).inspect(name);
  *there = info ? 1 : 0;
  return info || info.error().code == ErrorCode::not_found ? SQLITE_OK : SQLITE_IOERR_ACCESS;
}

int full_path(sqlite3_vfs*, const char* name, int bytes, char* into) {
  const std::size_t size = std::strlen(name) + 1;
  if (size > static_cast<std::size_t>(bytes)) return SQLITE_CANTOPEN;
  std::memcpy(into, name, size);
  return SQLITE_OK;
}

// Salts of logs and the like, which need not be secret: the same on every run.
int randomness(sqlite3_vfs*, int bytes, char* into) {
  std::memset(into, 0, static_cast<std::size_t>(bytes));
  return bytes;
}

// Nobody waits on this disk's clock.
int pause(sqlite3_vfs*, int microseconds) { return microseconds; }

int current_time(sqlite3_vfs*, double* days) {
  *days = 2440587.5;  // 1970: no statement of ours asks
  return SQLITE_OK;
}

int last_error(sqlite3_vfs*, int, char*) { return 0; }

std::string unique_name() {
  static std::atomic<std::uint64_t> made = 0;
  return "fed-disk-" + std::to_string(++made);
}

}  // namespace

SqliteDisk::SqliteDisk(Disk& disk) : name_(unique_name()), vfs_(std::make_unique<sqlite3_vfs>()) {
  vfs_->iVersion = 1;
  vfs_->szOsFile = sizeof(OpenFile);
  vfs_->mxPathname = kPathBytesMax;
  vfs_->zName = name_.c_str();
  vfs_->pAppData = &disk;
  vfs_->xOpen = open_file;
  vfs_->xDelete = delete_file;
  vfs_->xAccess = access_file;
  vfs_->xFullPathname = full_path;
  vfs_->xRandomness = randomness;
  vfs_->xSleep = pause;
  vfs_->xCurrentTime = current_time;
  vfs_->xGetLastError = last_error;
  sqlite3_vfs_register(vfs_.get(), 0);
}

SqliteDisk::~SqliteDisk() { sqlite3_vfs_unregister(vfs_.get()); }

}  // namespace fed::store
