#include "session/model_cache.h"

#include <algorithm>
#include <vector>

#include "session/folder.h"

namespace fed::session {
namespace {

constexpr std::size_t kKept = 2;
constexpr std::size_t kReadBytes = 1 << 20;
constexpr const char* kModel = ".model";
constexpr const char* kPart = ".part";

std::int64_t age_of(Disk& disk, const fs::path& file) {
  const auto info = disk.inspect(file);
  return info ? info->modified : 0;
}

}  // namespace

Result<ModelCache> ModelCache::open(Disk& disk, fs::path folder) {
  FED_TRY(make_durable_folder(disk, folder, Durability::power));
  FED_ASSIGN(files, files_in(disk, folder));
  for (const fs::path& file : files) {
    const fs::path extension = file.extension();
    if (extension != kModel && extension != kPart) FED_TRY(disk.remove(file));
  }
  return ModelCache(disk, std::move(folder));
}

fs::path ModelCache::path(const wire::Key& hash) const { return folder_ / (to_hex(hash) + kModel); }

fs::path ModelCache::part_path(const wire::Key& hash) const {
  return folder_ / (to_hex(hash) + kPart);
}

std::uint64_t ModelCache::missing() const {
  if (!download_) return 0;
  const std::uint64_t there =
      download_->next * channel::kSealedChunkBytes + download_->chunk.size();
  return channel::sealed_size(download_->model.bytes) - there;
}

std::uint64_t ModelCache::present() const {
  if (!download_) return 0;
  return std::min(download_->next * channel::kBlobChunkBytes, download_->model.bytes);
}

Result<std::uint64_t> ModelCache::begin(const wire::ModelRef& model) {
  stop();
  if (model.bytes == 0 || model.bytes % sizeof(float) != 0 ||
      model.bytes > channel::kBlobBytesMax) {
    return Error{ErrorCode::invalid, "the task names a model of an impossible size"};
  }
  const fs::path whole = path(model.hash);
  const auto there = disk_->inspect(whole);
  if (there && there->bytes == model.bytes) {
    static_cast<void>(disk_->touch(whole));  // only its age
    return model.bytes;
  }
  FED_TRY(disk_->remove(whole));
  FED_ASSIGN(key, channel::BlobKey::from(model.cipher, model.key));
  FED_ASSIGN(part, disk_->open_to_write(part_path(model.hash)));
  FED_TRY(prune(kPart, part.path()));
  Download download{model, std::move(part), channel::SealedBlob(key, model.bytes), {}, 0, {}};
  FED_TRY(resume(download));
  if (download.next == channel::chunk_count(model.bytes)) {
    FED_TRY(complete(download));
    return model.bytes;
  }
  download_ = std::make_unique<Download>(std::move(download));
  return present();
}

// A part that holds more than the model is of no use; a torn chunk at its end is fetched again.
Status ModelCache::resume(Download& download) {
  FED_ASSIGN(size, download.part.size());
  const std::uint64_t bytes = download.model.bytes;
  std::uint64_t keep = size / channel::kBlobChunkBytes * channel::kBlobChunkBytes;
  if (size == bytes) keep = bytes;
  if (size > bytes) keep = 0;
  FED_TRY(download.part.truncate(keep));
  Bytes buffer;
  for (std::uint64_t at = 0; at < keep; at += buffer.size()) {
    buffer.resize(std::min<std::uint64_t>(kReadBytes, keep - at));
    FED_TRY(download.part.read_at(at, buffer));
    download.hasher.update(buffer);
  }
  download.next = channel::chunk_count(keep);
  return {};
}

Result<bool> ModelCache::add(ByteView sealed) {
  while (download_ && !sealed.empty()) {
    Download& download = *download_;
    const std::size_t wanted = channel::sealed_range(download.model.bytes, download.next).bytes;
    const std::size_t take = std::min(wanted - download.chunk.size(), sealed.size());
    append(download.chunk, sealed.first(take));
    sealed = sealed.subspan(take);
    if (download.chunk.size() < wanted) return false;
    if (Status added = add_chunk(download); !added) {
      stop();
      return added.error();
    }
    if (download.next < channel::chunk_count(download.model.bytes)) continue;
    const std::unique_ptr<Download> finished = std::move(download_);
    FED_TRY(complete(*finished));
    if (sealed.empty()) return true;
  }
  if (sealed.empty()) return false;
  return Error{ErrorCode::malformed, "sealed bytes that nobody asked for"};
}

Status ModelCache::add_chunk(Download& download) {
  const auto plain = download.blob.open_chunk(download.next, download.chunk);
  if (!plain) {
    FED_TRY(disk_->remove(download.part.path()));
    return within("the model's download", plain.error());
  }
  const std::uint64_t at = channel::plain_range(download.model.bytes, download.next).offset;
  FED_TRY(download.part.write_at(at, *plain));
  download.hasher.update(*plain);
  download.chunk.clear();
  ++download.next;
  return {};
}

Status ModelCache::complete(Download& download) {
  if (download.hasher.finish() != download.model.hash) {
    FED_TRY(disk_->remove(download.part.path()));
    return Error{ErrorCode::mismatch, "the model that arrived is not the one that was announced"};
  }
  const fs::path whole = path(download.model.hash);
  if (const Status synced = download.part.sync(Durability::power); !synced) {
    // The next sync would succeed without these bytes.
    static_cast<void>(disk_->remove(download.part.path()));
    return synced;
  }
  FED_TRY(rename_file(*disk_, download.part.path(), whole, Durability::power));
  return prune(kModel, whole);
}

Status ModelCache::prune(const char* extension, const fs::path& keep) const {
  FED_ASSIGN(files, files_in(*disk_, folder_));
  std::erase_if(files, [&](const fs::path& f) { return f.extension() != extension || f == keep; });
  // Asked once each: a disk that fails in the middle must not change the order.
  std::vector<std::pair<std::int64_t, fs::path>> by_age;
  for (const fs::path& file : files) by_age.emplace_back(age_of(*disk_, file), file);
  std::sort(by_age.rbegin(), by_age.rend());
  for (std::size_t i = kKept - 1; i < by_age.size(); ++i) {
    FED_TRY(disk_->remove(by_age[i].second));
  }
  return {};
}

Status read_weights(Disk& disk, const fs::path& path, const wire::Key& hash, ByteSpan into) {
  FED_ASSIGN(file, disk.open_to_read(path));
  FED_ASSIGN(size, file.size());
  bool right = size == into.size();
  if (right) {
    FED_TRY(file.read_at(0, into));
    right = crypto::sha256(into) == hash;
  }
  if (right) return {};
  FED_TRY(disk.remove(path));
  return Error{ErrorCode::mismatch,
               path.string() + " is not the model that was stored there; it will be fetched again"};
}

}  // namespace fed::session
