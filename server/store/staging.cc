#include "store/staging.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace fed::store {
namespace {

constexpr std::string_view kComplete = ".update";
constexpr std::string_view kPart = ".part";

std::optional<std::int64_t> number(std::string_view digits) {
  std::int64_t value = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value);
  if (error != std::errc() || stop != end || value < 0) return std::nullopt;
  return value;
}

// CLIENT.update or CLIENT.CHECKSUM.part; nothing for any other name.
std::optional<Staged> parse_file(const fs::path& path) {
  const std::string name = path.filename().string();
  const std::size_t dot = name.find('.');
  if (dot == std::string::npos) return std::nullopt;
  const auto client = number(std::string_view(name).substr(0, dot));
  const std::string_view rest = std::string_view(name).substr(dot);
  if (!client || !(rest == kComplete || rest.ends_with(kPart))) return std::nullopt;
  return Staged{.key = {.client = *client}, .complete = rest == kComplete, .path = path};
}

void supersede(const std::shared_ptr<UploadFence>& fence) {
  if (fence == nullptr) return;
  const std::lock_guard lock(fence->mutex);
  fence->superseded = true;
}

}  // namespace

bool is_job_name(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (name.empty() || name.size() > 63 || !letter(name[0])) return false;
  return std::all_of(name.begin(), name.end(),
                     [&](char c) { return letter(c) || c == '_' || c == '-'; });
}

Result<std::unique_ptr<Staging>> Staging::open(Disk& disk, fs::path folder,
                                               const StagingOptions& options) {
  FED_TRY(make_durable_folder(disk, folder, options.durability));
  std::unique_ptr<Staging> staging(new Staging(disk, std::move(folder), options));
  FED_TRY(staging->drop_spares_of_before());
  FED_ASSIGN(found, staging->list());
  for (const Staged& staged : found) {
    Slot& slot = staging->slots_[staged.key];
    slot.bytes += staged.bytes;
    slot.files.insert(staged.path);
    staging->reserved_ += staged.bytes;
  }
  return staging;
}

fs::path Staging::task_folder(std::string_view job, std::int64_t task) const {
  return folder_ / job / std::to_string(task);
}

Upload::Paths Staging::paths(const UploadKey& key, const Checksum& checksum) const {
  const fs::path folder = task_folder(key.job, key.task);
  const std::string client = std::to_string(key.client);
  return {.part = folder / (client + "." + to_hex(checksum) + std::string(kPart)),
          .complete = folder / (client + std::string(kComplete))};
}

Status Staging::check(const UploadKey& key, std::uint64_t bytes) const {
  if (!is_job_name(key.job) || key.task < 0 || key.client < 0) {
    return Error{ErrorCode::invalid, "\"" + key.job + "\", task " + std::to_string(key.task) +
                                         ", client " + std::to_string(key.client) +
                                         " cannot name an update"};
  }
  if (bytes == 0) return Error{ErrorCode::invalid, "an update has no bytes"};
  return {};
}

Result<Staging::Lease> Staging::lease(const UploadKey& key, std::uint64_t bytes,
                                      const Upload::Paths& where) {
  const std::lock_guard lock(mutex_);
  const auto found = slots_.find(key);
  if (found != slots_.end() && found->second.kept) {
    return Error{ErrorCode::closed, "an update of this task is being acknowledged"};
  }
  const std::uint64_t others = reserved_ - (found == slots_.end() ? 0 : found->second.bytes);
  const std::uint64_t most = options_.upload_bytes_max;
  if (most > 0 && (bytes > most || others > most - bytes)) {
    return Error{ErrorCode::too_large, "staging has room for " + std::to_string(most) +
                                           " bytes and holds " + std::to_string(others) +
                                           ": no place for an update of " + std::to_string(bytes)};
  }
  reserved_ = others + bytes;
  Slot& slot = slots_[key];
  slot.bytes = bytes;
  auto before = std::exchange(slot.fence, std::make_shared<UploadFence>(++leases_));
  Lease lease{std::move(before), slot.fence, slot.files};
  slot.files.insert({where.part, where.complete});
  return lease;
}

Status Staging::keep(const UploadKey& key, std::uint64_t lease) {
  const std::lock_guard lock(mutex_);
  const auto slot = slots_.find(key);
  const bool latest =
      slot != slots_.end() && slot->second.fence != nullptr && slot->second.fence->lease == lease;
  if (!latest) return Error{ErrorCode::closed, "another upload has taken the place of this one"};
  slot->second.kept = true;
  return {};
}

void Staging::let_go(const UploadKey& key) {
  const std::lock_guard lock(mutex_);
  const auto slot = slots_.find(key);
  if (slot != slots_.end()) slot->second.kept = false;
}

Result<Upload> Staging::receive(const UploadKey& key, std::uint64_t bytes,
                                const Checksum& expected) {
  FED_TRY(check(key, bytes));
  Upload::Paths where = paths(key, expected);
  FED_ASSIGN(lease, this->lease(key, bytes, where));
  supersede(lease.before);  // not under mutex_: it may be in the middle of a sync
  FED_TRY(make_folders(key));
  FED_TRY(settle(lease.files, bytes, where));
  auto upload = open_part(key, bytes, expected, lease.now);
  if (upload || upload.error().code != ErrorCode::disk_full || spares_.bytes() == 0) return upload;
  spares_.drop();
  return open_part(key, bytes, expected, lease.now);
}

Result<Upload> Staging::open_part(const UploadKey& key, std::uint64_t bytes,
                                  const Checksum& expected,
                                  const std::shared_ptr<UploadFence>& fence) {
  Upload::Paths where = paths(key, expected);
  if (!disk_.inspect(where.part)) spares_.take(key.job, bytes, where.part);
  const std::uint64_t most = options_.upload_bytes_max;
  if (most > 0 && bytes_reserved() + spares_.bytes() > most) spares_.drop();
  return Upload::open(disk_, std::move(where), bytes, expected, options_.durability, fence);
}

Status Staging::make_folders(const UploadKey& key) {
  const std::lock_guard lock(folders_mutex_);
  const fs::path folder = task_folder(key.job, key.task);
  if (folders_.contains(folder)) return {};
  FED_TRY(make_durable_folder(disk_, folder_ / key.job, options_.durability));
  FED_TRY(make_durable_folder(disk_, folder, options_.durability));
  folders_.insert(folder);
  return {};
}

Status Staging::settle(const std::set<fs::path>& files, std::uint64_t bytes,
                       const Upload::Paths& where) const {
  if (files.contains(where.complete) && disk_.inspect(where.complete)) {
    FED_TRY(rename_file(disk_, where.complete, where.part, options_.durability));
  }
  for (const fs::path& path : files) {
    const auto info = disk_.inspect(path);
    const bool fits = info && (info->bytes <= bytes || info->bytes == bytes + kMarkBytes);
    const bool wanted = path == where.part && fits;
    if (info && !wanted) FED_TRY(disk_.remove(path));
  }
  return {};
}

Result<File> Staging::open_complete(const UploadKey& key, std::uint64_t bytes) const {
  FED_TRY(check(key, bytes));
  FED_ASSIGN(file, disk_.open_to_read(paths(key, {}).complete));
  FED_ASSIGN(size, file.size());
  if (size == bytes) return file;
  return Error{ErrorCode::mismatch, file.path().string() + " has " + std::to_string(size) +
                                        " bytes, not the " + std::to_string(bytes) +
                                        " that were received"};
}

Result<std::vector<Staged>> Staging::list(std::string_view job, std::int64_t task) const {
  std::vector<Staged> all;
  FED_ASSIGN(files, disk_.list(task_folder(job, task)));
  for (const fs::path& path : files) {
    auto staged = parse_file(path);
    if (!staged) continue;
    const auto info = disk_.inspect(path);
    if (!info) continue;  // gone meanwhile
    staged->key.job = job;
    staged->key.task = task;
    staged->bytes = info->bytes;
    all.push_back(*std::move(staged));
  }
  std::sort(all.begin(), all.end(), [](const Staged& a, const Staged& b) { return a.key < b.key; });
  return all;
}

Result<std::vector<Staged>> Staging::list() const {
  std::vector<Staged> all;
  FED_ASSIGN(jobs, disk_.list(folder_));
  for (const fs::path& job : jobs) {
    if (!is_job_name(job.filename().string())) continue;
    FED_ASSIGN(tasks, disk_.list(job));
    for (const fs::path& folder : tasks) {
      const auto task = number(folder.filename().string());
      if (!task) continue;
      FED_ASSIGN(files, list(job.filename().string(), *task));
      all.insert(all.end(), files.begin(), files.end());
    }
  }
  std::sort(all.begin(), all.end(), [](const Staged& a, const Staged& b) { return a.key < b.key; });
  return all;
}

Status Staging::remove(const UploadKey& key) {
  FED_TRY(check(key, sizeof(float)));
  const auto files = release([&](const UploadKey& other) { return other == key; });
  for (const fs::path& path : files) FED_TRY(disk_.remove(path));
  return {};
}

Status Staging::remove_task(std::string_view job, std::int64_t task) {
  FED_TRY(check({std::string(job), task, 0}, sizeof(float)));
  release([&](const UploadKey& key) { return key.job == job && key.task == task; });
  keep_spares(job, task);
  return remove_with_folders(task_folder(job, task));
}

Status Staging::remove_job(std::string_view job) {
  FED_TRY(check({std::string(job), 0, 0}, sizeof(float)));
  release([&](const UploadKey& key) { return key.job == job; });
  spares_.drop(job);
  return remove_with_folders(folder_ / job);
}

void Staging::keep_spares(std::string_view job, std::int64_t task) {
  const auto files = list(job, task);
  if (!files) return;
  std::vector<fs::path> complete;
  for (const Staged& file : *files) {
    if (file.complete) complete.push_back(file.path);
  }
  spares_.keep(job, complete);
}

Status Staging::drop_spares_of_before() {
  FED_ASSIGN(jobs, disk_.list(folder_));
  for (const fs::path& job : jobs) {
    if (is_job_name(job.filename().string())) FED_TRY(remove_folder(disk_, job / "spare"));
  }
  return {};
}

std::set<fs::path> Staging::release(const std::function<bool(const UploadKey&)>& matches) {
  std::vector<std::shared_ptr<UploadFence>> fences;
  std::set<fs::path> files;
  {
    const std::lock_guard lock(mutex_);
    for (auto at = slots_.begin(); at != slots_.end();) {
      if (!matches(at->first)) {
        ++at;
        continue;
      }
      reserved_ -= at->second.bytes;
      fences.push_back(std::move(at->second.fence));
      files.merge(at->second.files);
      at = slots_.erase(at);
    }
  }
  for (const auto& fence : fences) supersede(fence);
  return files;
}

Status Staging::remove_with_folders(const fs::path& folder) {
  const std::lock_guard lock(folders_mutex_);
  std::erase_if(folders_, [&](const fs::path& known) {
    return known == folder || known.parent_path() == folder;
  });
  return remove_folder(disk_, folder);
}

std::uint64_t Staging::bytes_reserved() const {
  const std::lock_guard lock(mutex_);
  return reserved_;
}

}  // namespace fed::store
