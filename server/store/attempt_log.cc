#include "store/attempt_log.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/checksum.h"

namespace fed::store {
namespace {

constexpr std::size_t kFixed = 1 + 8;  // kind and client
constexpr std::uint64_t kLogBytesMax = std::uint64_t{1} << 32;

Bytes encode(const LogEntry& entry) {
  const std::size_t length = kFixed + entry.content.size();
  Bytes frame(sizeof(std::uint32_t) + length + sizeof(Checksum));
  store_le(frame.data(), static_cast<std::uint32_t>(length));
  frame[4] = entry.kind;
  store_le(frame.data() + 5, static_cast<std::uint64_t>(entry.client));
  std::copy(entry.content.begin(), entry.content.end(), frame.begin() + 4 + kFixed);
  const ByteView plain = ByteView(frame).first(sizeof(std::uint32_t) + length);
  const Checksum sum = checksum(plain);
  std::copy(sum.begin(), sum.end(), frame.end() - sizeof(Checksum));
  return frame;
}

// The entry at the beginning of `bytes`, and how long it is there.
std::optional<std::pair<LogEntry, std::size_t>> decode(ByteView bytes) {
  if (bytes.size() < sizeof(std::uint32_t)) return std::nullopt;
  const std::size_t length = load_le<std::uint32_t>(bytes.data());
  const std::size_t plain = sizeof(std::uint32_t) + length;
  if (length < kFixed || bytes.size() < plain + sizeof(Checksum)) return std::nullopt;
  const Checksum sum = checksum(bytes.first(plain));
  if (!std::equal(sum.begin(), sum.end(), bytes.data() + plain)) return std::nullopt;
  LogEntry entry{bytes[4], static_cast<std::int64_t>(load_le<std::uint64_t>(bytes.data() + 5)), {}};
  entry.content.assign(bytes.begin() + sizeof(std::uint32_t) + kFixed,
                       bytes.begin() + static_cast<std::ptrdiff_t>(plain));
  return std::pair{std::move(entry), plain + sizeof(Checksum)};
}

// ROUND.ATTEMPT.log
std::optional<std::pair<std::int64_t, std::int64_t>> numbers_of(const fs::path& file) {
  const std::string name = file.filename().string();
  std::int64_t round = 0, attempt = 0;
  const char* end = name.data() + name.size();
  const auto first = std::from_chars(name.data(), end, round);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != '.') return std::nullopt;
  const auto second = std::from_chars(first.ptr + 1, end, attempt);
  if (second.ec != std::errc() || std::string_view(second.ptr, end) != ".log") return std::nullopt;
  return std::pair{round, attempt};
}

}  // namespace

Status AttemptLog::append(const LogEntry& entry) {
  const Bytes frame = encode(entry);
  FED_TRY(file_.write_at(size_, frame));
  size_ += frame.size();
  return {};
}

fs::path AttemptLogs::path(std::string_view job, std::int64_t round, std::int64_t attempt) const {
  return folder_ / job / (std::to_string(round) + "." + std::to_string(attempt) + ".log");
}

// Of the round, or of all rounds.
Result<std::int64_t> AttemptLogs::last_number(std::string_view job,
                                              std::optional<std::int64_t> round) const {
  FED_ASSIGN(files, disk_->list(folder_ / job));
  std::int64_t last = 0;
  for (const fs::path& file : files) {
    const auto numbers = numbers_of(file);
    if (numbers && (!round || numbers->first == *round)) last = std::max(last, numbers->second);
  }
  return last;
}

Status AttemptLogs::remove_but(std::string_view job, const fs::path& kept) const {
  FED_ASSIGN(files, disk_->list(folder_ / job));
  for (const fs::path& file : files) {
    if (file != kept) FED_TRY(disk_->remove(file));
  }
  return {};
}

// Those that lead to the file.
Status AttemptLogs::sync_folders(const fs::path& file) const {
  FED_TRY(sync_folder_of(*disk_, file, durability_));
  FED_TRY(sync_folder_of(*disk_, file.parent_path(), durability_));
  return sync_folder_of(*disk_, folder_, durability_);
}

Result<AttemptLog> AttemptLogs::begin(std::string_view job, std::int64_t round,
                                      const LogEntry& first) const {
  FED_TRY(disk_->make_folder(folder_));
  FED_TRY(disk_->make_folder(folder_ / job));
  FED_ASSIGN(last, last_number(job, std::nullopt));
  const fs::path file = path(job, round, last + 1);
  const Bytes frame = encode(first);
  FED_TRY(replace_file(*disk_, file, frame, durability_));
  FED_TRY(sync_folders(file));
  FED_TRY(remove_but(job, file));
  FED_ASSIGN(open, disk_->open_to_write(file));
  return AttemptLog(std::move(open), last + 1, frame.size(), durability_);
}

Result<std::optional<AttemptLogs::Found>> AttemptLogs::last(std::string_view job,
                                                            std::int64_t round) const {
  std::optional<Found> found;
  FED_ASSIGN(attempt, last_number(job, round));
  if (attempt == 0) return found;
  const fs::path file = path(job, round, attempt);
  FED_ASSIGN(content, read_file(*disk_, file, kLogBytesMax));
  std::vector<LogEntry> entries;
  std::size_t at = 0;
  while (auto entry = decode(ByteView(content).subspan(at))) {
    entries.push_back(std::move(entry->first));
    at += entry->second;
  }
  if (entries.empty()) return found;
  FED_ASSIGN(open, disk_->open_to_write(file));
  FED_TRY(open.truncate(at));
  // Whoever began it may have died before, and its number must not be given again.
  FED_TRY(sync_folders(file));
  found.emplace(Found{AttemptLog(std::move(open), attempt, at, durability_), std::move(entries)});
  return found;
}

Status AttemptLogs::remove(std::string_view job) const {
  FED_TRY(remove_but(job, {}));
  return disk_->remove(folder_ / job);
}

}  // namespace fed::store
