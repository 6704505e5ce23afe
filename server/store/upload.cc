#include "store/upload.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>

namespace fed::store {
namespace {

constexpr std::size_t kRereadBytes = std::size_t{1} << 18;

// Room for the whole file, so that a full disk is known before the client sends it. The size stays
// what is there.
Status reserve_room(Disk& disk, const File& file, std::uint64_t there, std::uint64_t bytes) {
  const fs::path folder = file.path().parent_path();
  const std::string what =
      "no room for an update of " + std::to_string(bytes) + " bytes in " + folder.string();
  // Asked first, since a reservation that fails has used up the disk for a moment.
  const auto free = disk.bytes_free(folder);
  if (free && *free < bytes - there) return from_errno(what, ENOSPC);
  const Status reserved = file.reserve(bytes);
  if (reserved) return {};
  // What was reserved beyond the size, before there was no more, goes back.
  static_cast<void>(file.truncate(there));
  return within(what, reserved.error());
}

bool is_aligned(const std::uint8_t* at) {
  return reinterpret_cast<std::uintptr_t>(at) % alignof(float) == 0;
}

}  // namespace

void FloatStream::update(ByteView bytes) {
  if (carried_ > 0) {
    const std::size_t missing = std::min(carry_.size() - carried_, bytes.size());
    std::memcpy(carry_.data() + carried_, bytes.data(), missing);
    carried_ += missing;
    bytes = bytes.subspan(missing);
    if (carried_ < carry_.size()) return;
    float value = 0;
    std::memcpy(&value, carry_.data(), sizeof value);
    statistics_.update({&value, 1});
  }
  const std::size_t whole = bytes.size() - bytes.size() % sizeof(float);
  update_whole(bytes.first(whole));
  carried_ = bytes.size() - whole;
  if (carried_ > 0) std::memcpy(carry_.data(), bytes.data() + whole, carried_);
}

void FloatStream::update_whole(ByteView bytes) {
  if (is_aligned(bytes.data())) {
    statistics_.update(
        {reinterpret_cast<const float*>(bytes.data()), bytes.size() / sizeof(float)});
    return;
  }
  std::array<float, 1024> aligned;
  while (!bytes.empty()) {
    const std::size_t count = std::min(sizeof aligned, bytes.size());
    std::memcpy(aligned.data(), bytes.data(), count);
    statistics_.update(std::span(aligned).first(count / sizeof(float)));
    bytes = bytes.subspan(count);
  }
}

Upload::Upload(Disk& disk, File file, Paths paths, std::uint64_t bytes, const Checksum& expected,
               Durability durability, std::shared_ptr<UploadFence> fence)
    : disk_(&disk),
      file_(std::move(file)),
      paths_(std::move(paths)),
      bytes_(bytes),
      expected_(expected),
      durability_(durability),
      fence_(std::move(fence)) {}

Result<Upload> Upload::open(Disk& disk, Paths paths, std::uint64_t bytes, const Checksum& expected,
                            Durability durability, std::shared_ptr<UploadFence> fence) {
  FED_ASSIGN(file, disk.open_to_write(paths.part));
  FED_ASSIGN(size, file.size());
  if (size <= bytes) FED_TRY(reserve_room(disk, file, size, bytes));
  Upload upload(disk, std::move(file), std::move(paths), bytes, expected, durability,
                std::move(fence));
  FED_ASSIGN(there, upload.progress(size));
  FED_TRY(upload.reread(there));
  return upload;
}

Result<std::uint64_t> Upload::progress(std::uint64_t size) {
  over_older_ = size == bytes_ + kMarkBytes;
  if (!over_older_) return size;
  std::array<std::uint8_t, kMarkBytes> mark;
  FED_TRY(file_.read_at(bytes_, mark));
  marked_ = load_le<std::uint64_t>(mark.data());
  if (marked_ > bytes_) marked_ = 0;
  return marked_;
}

Status Upload::mark() {
  if (!over_older_ || offset_ - marked_ < kMarkEvery) return {};
  std::array<std::uint8_t, kMarkBytes> mark;
  store_le<std::uint64_t>(mark.data(), offset_);
  FED_TRY(file_.write_at(bytes_, mark));
  marked_ = offset_;
  return {};
}

Status Upload::reread(std::uint64_t bytes) {
  Bytes buffer(static_cast<std::size_t>(std::min<std::uint64_t>(kRereadBytes, bytes)));
  while (offset_ < bytes) {
    const auto count =
        static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), bytes - offset_));
    const ByteSpan chunk = ByteSpan(buffer).first(count);
    FED_TRY(file_.read_at(offset_, chunk));
    absorb(chunk);
  }
  return {};
}

void Upload::absorb(ByteView chunk) {
  checksummer_.update(chunk);
  floats_.update(chunk);
  offset_ += chunk.size();
}

Status Upload::check_alive() const {
  if (!fence_->superseded) return {};
  return Error{ErrorCode::closed,
               "this upload goes on over another connection, or is not wanted any more"};
}

Status Upload::write(std::uint64_t offset, ByteView chunk) {
  const std::lock_guard lock(fence_->mutex);
  FED_TRY(check_alive());
  if (offset != offset_ || chunk.size() > bytes_ - offset_) {
    return Error{ErrorCode::invalid, "a chunk of " + std::to_string(chunk.size()) + " bytes at " +
                                         std::to_string(offset) + " does not follow the " +
                                         std::to_string(offset_) + " of " + std::to_string(bytes_) +
                                         " bytes that are there"};
  }
  FED_TRY(file_.write_at(offset, chunk));
  absorb(chunk);
  // Without these, less is continued from, or the sync takes longer; the chunk is there all the
  // same.
  static_cast<void>(mark());
  static_cast<void>(write_behind());
  return {};
}

// Begins only: who receives must not wait for a disk.
Status Upload::write_behind() {
  if (durability_ == Durability::process || offset_ - behind_ < kWriteBehind) return {};
  const std::uint64_t from = std::exchange(behind_, offset_);
  return file_.begin_sync(from, offset_ - from);
}

Status Upload::verify() {
  FED_TRY(check_alive());
  if (offset_ != bytes_) {
    return Error{ErrorCode::invalid, "the update ends after " + std::to_string(offset_) + " of " +
                                         std::to_string(bytes_) + " bytes"};
  }
  if (checksummer_.finish() != expected_) {
    FED_TRY(disk_->remove(paths_.part));
    return Error{ErrorCode::mismatch,
                 "the update does not have the checksum that was announced: send it anew"};
  }
  if (over_older_) FED_TRY(file_.truncate(bytes_));
  if (durability_ == Durability::power)
    static_cast<void>(file_.begin_sync(behind_, bytes_ - behind_));
  return {};
}

Status Upload::sync() {
  const Status synced = file_.sync(durability_);
  // The next sync would succeed without these bytes.
  if (!synced) static_cast<void>(disk_->remove(paths_.part));
  return synced;
}

Result<UploadFacts> Upload::finish() && { return finish(std::span(this, 1)).front(); }

std::vector<Result<UploadFacts>> Upload::finish(std::span<Upload> whole) {
  std::vector<std::unique_lock<std::mutex>> locks;  // until they have their names
  std::vector<Status> ended;
  for (Upload& each : whole) {
    locks.emplace_back(each.fence_->mutex);
    ended.push_back(each.verify());
  }
  for (std::size_t i = 0; i < whole.size(); ++i) {
    if (ended[i]) ended[i] = whole[i].sync();
    if (ended[i]) ended[i] = whole[i].disk_->rename(whole[i].paths_.part, whole[i].paths_.complete);
  }
  std::map<fs::path, Status> folders;
  std::vector<Result<UploadFacts>> facts;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    const Upload& each = whole[i];
    if (ended[i]) {
      const auto [synced, first] = folders.try_emplace(each.paths_.complete.parent_path());
      if (first)
        synced->second = sync_folder_of(*each.disk_, each.paths_.complete, each.durability_);
      ended[i] = synced->second;
    }
    if (ended[i]) {
      facts.push_back(
          UploadFacts{each.bytes_, each.floats_.finish(), each.expected_, each.fence_->lease});
    } else {
      facts.push_back(ended[i].error());
    }
  }
  return facts;
}

}  // namespace fed::store
