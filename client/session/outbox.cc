#include "session/outbox.h"

#include <algorithm>
#include <set>

#include "session/folder.h"
#include "session/sealed_file.h"

namespace fed::session {
namespace {

constexpr std::size_t kReadBytes = 1 << 20;
constexpr const char* kOffer = ".offer";
constexpr const char* kUpdate = ".update";

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

Result<wire::Offer> decode_offer(const File& file) {
  FED_ASSIGN(size, file.size());
  if (size > wire::kFromClientBytesMax) {
    return Error{ErrorCode::too_large, file.path().string() + " is too large for an offer"};
  }
  Bytes content(size);
  FED_TRY(file.read_at(0, content));
  FED_ASSIGN(message, wire::decode(content));
  const auto* offer = std::get_if<wire::Offer>(&message);
  if (offer != nullptr) return *offer;
  return Error{ErrorCode::malformed, file.path().string() + " is not an offer"};
}

bool in_clear(Disk& disk, const fs::path& path) {
  const auto sealed = is_sealed(disk, path);
  return sealed && !*sealed;
}

// Another key may open it, or another machine.
bool sealed_elsewhere(Disk& disk, const StorageKey& key, const fs::path& path) {
  const auto file = open_sealed(disk, key, path);
  return !file &&
         (file.error().code == ErrorCode::mismatch || file.error().code == ErrorCode::unsupported);
}

Result<wire::Offer> look_at(Disk& disk, const fs::path& path, const StorageKey* key) {
  const bool clear = in_clear(disk, path);
  if (!clear && key == nullptr) return Error{ErrorCode::not_found, "there is no key"};
  FED_ASSIGN(file, clear ? disk.open_to_read(path) : open_sealed(disk, *key, path));
  return decode_offer(file);
}

}  // namespace

Result<OutboxListing> list_offers(Disk& disk, const fs::path& folder, const StorageKey* key) {
  OutboxListing listing;
  FED_ASSIGN(files, files_in(disk, folder));
  for (const fs::path& path : files) {
    if (path.extension() != kOffer) continue;
    const auto offer = look_at(disk, path, key);
    if (offer) {
      listing.offers.push_back(*offer);
    } else {
      ++listing.unreadable;
    }
  }
  return listing;
}

Result<Outbox> Outbox::open(Disk& disk, fs::path folder, StorageKey key) {
  FED_TRY(make_durable_folder(disk, folder, Durability::power));
  // What an earlier process has put there may have come to this one only, not to the disk.
  FED_TRY(disk.sync_folder(folder));
  Outbox outbox(disk, std::move(folder), std::move(key));
  FED_TRY(outbox.load());
  return outbox;
}

fs::path Outbox::path(const std::string& job, std::int64_t task, const char* extension) const {
  return folder_ / (job + "." + std::to_string(task) + extension);
}

// What an offer names, if it and its update are whole. An update in clear is one of an earlier
// version, and so is its offer: beside a sealed one, somebody else has put it there.
Result<wire::Offer> Outbox::read(const fs::path& file, bool clear) const {
  FED_ASSIGN(offer, look_at(*disk_, file, &key_));
  const fs::path bytes = path(offer.job, offer.task, kUpdate);
  if (path(offer.job, offer.task, kOffer) != file) {
    return Error{ErrorCode::mismatch, file.string() + " is the offer of another task"};
  }
  const bool raw = clear && in_clear(*disk_, bytes);
  FED_ASSIGN(update, raw ? disk_->open_to_read(bytes) : open_sealed(*disk_, key_, bytes));
  FED_ASSIGN(whole, has_checksum(update, offer.bytes, offer.checksum));
  if (whole) return offer;
  return Error{ErrorCode::mismatch, bytes.string() + " is not what its offer names"};
}

// The offer comes last here too: a clear one may have a sealed update, and never the reverse.
Status Outbox::seal(const wire::Offer& offer) const {
  const fs::path update = path(offer.job, offer.task, kUpdate);
  if (in_clear(*disk_, update)) {
    FED_ASSIGN(file, disk_->open_to_read(update));
    Bytes chunk;
    const auto read = [&](const channel::ByteRange& range) -> Result<ByteView> {
      chunk.resize(range.bytes);
      FED_TRY(file.read_at(range.offset, chunk));
      return ByteView(chunk);
    };
    FED_TRY(write_sealed(*disk_, key_, update, offer.bytes, read));
  }
  return write_sealed(*disk_, key_, path(offer.job, offer.task, kOffer), wire::encode(offer));
}

// What is not wanted is removed, and its task will be asked for again.
Status Outbox::load() {
  std::set<fs::path> wanted;
  FED_ASSIGN(found, files_in(*disk_, folder_));
  for (const fs::path& file : found) {
    if (file.extension() != kOffer) continue;
    const std::string name = file.filename().string();
    const bool clear = in_clear(*disk_, file);
    const bool other_key = !clear && sealed_elsewhere(*disk_, key_, file);
    const auto offer = read(file, clear);
    if (!offer && !other_key) {
      findings_.damaged.push_back(name);
      continue;
    }
    wanted.insert({file, fs::path(file).replace_extension(kUpdate)});
    if (other_key) {
      findings_.other_key.push_back(name);
      continue;
    }
    if (clear) {
      FED_TRY(seal(*offer));
      findings_.in_clear.push_back(name);
    }
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
  FED_TRY(write_sealed(*disk_, key_, path(offer.job, offer.task, kUpdate), bytes));
  FED_TRY(write_sealed(*disk_, key_, path(offer.job, offer.task, kOffer), wire::encode(offer)));
  return offer;
}

Result<File> Outbox::update(const std::string& job, std::int64_t task) const {
  return open_sealed(*disk_, key_, path(job, task, kUpdate));
}

Status Outbox::drop(const std::string& job, std::int64_t task) const {
  FED_TRY(disk_->remove(path(job, task, kOffer)));
  return disk_->remove(path(job, task, kUpdate));
}

}  // namespace fed::session
