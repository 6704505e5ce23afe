#include "store/spares.h"

#include <algorithm>

#include "store/upload.h"

namespace fed::store {

fs::path Spares::folder(std::string_view job) const { return staging_ / job / "spare"; }

void Spares::keep(std::string_view job, std::span<const fs::path> files) {
  const std::lock_guard lock(mutex_);
  const auto found = of_job_.find(job);
  if (found != of_job_.end()) remove(std::exchange(found->second, {}));
  const auto free = disk_.bytes_free(staging_);
  if (!free) return;
  std::vector<Spare> kept;
  for (const fs::path& file : files) keep_one(job, file, *free, kept);
  if (kept.empty()) return;
  of_job_[std::string(job)] = std::move(kept);
}

void Spares::keep_one(std::string_view job, const fs::path& file, std::uint64_t free,
                      std::vector<Spare>& kept) {
  const auto info = disk_.inspect(file);
  if (!info || info->names != 1 || free < bytes_ + info->bytes) return;
  if (kept.empty() && !disk_.make_folder(folder(job))) return;
  fs::path to = folder(job) / std::to_string(++numbers_);
  if (!disk_.rename(file, to)) return;
  kept.push_back({std::move(to), info->bytes});
  bytes_ += info->bytes;
}

bool Spares::take(std::string_view job, std::uint64_t bytes, const fs::path& to) {
  const std::lock_guard lock(mutex_);
  const auto found = of_job_.find(job);
  if (found == of_job_.end()) return false;
  std::vector<Spare>& spares = found->second;
  const auto spare = std::ranges::find(spares, bytes, &Spare::bytes);
  if (spare == spares.end()) return false;
  const fs::path from = std::move(spare->path);
  spares.erase(spare);
  bytes_ -= bytes;
  const auto file = disk_.open_to_write(from);
  if (file && file->truncate(bytes + kMarkBytes) && disk_.rename(from, to)) return true;
  static_cast<void>(disk_.remove(from));
  return false;
}

void Spares::drop() {
  const std::lock_guard lock(mutex_);
  for (auto& [job, spares] : of_job_) remove(spares);
  of_job_.clear();
}

void Spares::drop(std::string_view job) {
  const std::lock_guard lock(mutex_);
  const auto found = of_job_.find(job);
  if (found == of_job_.end()) return;
  remove(found->second);
  of_job_.erase(found);
}

void Spares::remove(const std::vector<Spare>& spares) {
  for (const Spare& spare : spares) {
    static_cast<void>(disk_.remove(spare.path));
    bytes_ -= spare.bytes;
  }
}

std::uint64_t Spares::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace fed::store
