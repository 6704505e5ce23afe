#include "session/outbox.h"

#include <algorithm>
#include <set>

#include "session/folder.h"

namespace fed::session {
namespace {

constexpr std::size_t kReadBytes = 1 << 20;

Result<bool> has_checksum(const File& file, std::uint64_t bytes, const Checksum& expected) {
  FED_ASSIGN(size, file.size());
  if (size != bytes) return false;
  Checksummer sum;
  Bytes buffer;
  for (std::uint64_t at = 0; at < size; at += buffer.size()) {
    buffer.resize(std::min<std::uint64_t>(kReadBytes, size - at));
    FED_TRY(file.read_at(at, buffer));
    sum.update(buffer);
  }
  return sum.finish() == expected;
}

std::optional<wire::Offer> read_offer(Disk& disk, const fs::path& file) {
  const auto content = read_file(disk, file, wire::kFromClientBytesMax);
  if (!content) return std::nullopt;
  const auto message = wire::decode(*content);
  const auto* offer = message ? std::get_if<wire::Offer>(&*message) : nullptr;
  if (offer == nullptr) return std::nullopt;
  return *offer;
}

}  // namespace

Result<std::vector<wire::Offer>> list_offers(Disk& disk, const fs::path& folder) {
  std::vector<wire::Offer> offers;
  FED_ASSIGN(files, files_in(disk, folder));
  for (const fs::path& file : files) {
    if (file.extension() != ".offer") continue;
    const auto offer = read_offer(disk, file);
    if (offer) offers.push_back(*offer);
  }
  return offers;
}

Result<Outbox> Outbox::open(Disk& disk, fs::path folder) {
  FED_TRY(make_durable_folder(disk, folder, Durability::power));
  // What an earlier process has put there may have come to this one only, not to the disk.
  FED_TRY(disk.sync_folder(folder));
  Outbox outbox(disk, std::move(folder));
  FED_TRY(outbox.load());
  return outbox;
}

fs::path Outbox::path(const std::string& job, std::int64_t task, const char* extension) const {
  return folder_ / (job + "." + std::to_string(task) + extension);
}

// What an offer names, if it and its update are whole. Anything else is removed by `load`, and its
// task will be asked for again.
std::optional<wire::Offer> Outbox::read(const fs::path& file) const {
  const auto offer = read_offer(*disk_, file);
  if (!offer || path(offer->job, offer->task, ".offer") != file) return std::nullopt;
  const auto bytes = update(offer->job, offer->task);
  if (!bytes) return std::nullopt;
  const auto whole = has_checksum(*bytes, offer->bytes, offer->checksum);
  if (!whole || !*whole) return std::nullopt;
  return offer;
}

Status Outbox::load() {
  std::set<fs::path> wanted;
  FED_ASSIGN(found, files_in(*disk_, folder_));
  for (const fs::path& file : found) {
    if (file.extension() != ".offer") continue;
    const auto offer = read(file);
    if (!offer) continue;
    wanted.insert({file, path(offer->job, offer->task, ".update")});
    offers_.push_back(*offer);
  }
  for (const fs::path& file : found) {
    if (!wanted.contains(file)) FED_TRY(disk_->remove(file));
  }
  return {};
}

Result<wire::Offer> Outbox::put(wire::Offer offer, ByteView bytes) const {
  FED_TRY(drop(offer.job, offer.task));
  offer.bytes = bytes.size();
  offer.checksum = checksum(bytes);
  offer.body.clear();
  FED_TRY(replace_file(*disk_, path(offer.job, offer.task, ".update"), bytes, Durability::power));
  FED_TRY(replace_file(*disk_, path(offer.job, offer.task, ".offer"), wire::encode(offer),
                       Durability::power));
  return offer;
}

Result<File> Outbox::update(const std::string& job, std::int64_t task) const {
  return disk_->open_to_read(path(job, task, ".update"));
}

Status Outbox::drop(const std::string& job, std::int64_t task) const {
  FED_TRY(disk_->remove(path(job, task, ".offer")));
  return disk_->remove(path(job, task, ".update"));
}

}  // namespace fed::session
