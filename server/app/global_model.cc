#include "app/global_model.h"

#include "app/background.h"
#include "channel/sealed_blob.h"
#include "crypto/hash.h"
#include "crypto/random.h"

namespace fed::app {
namespace {

// In whole pieces of the file's own pages, which chunks with their tags are not.
Status write_sealed(const channel::SealedBlob& blob, ByteView plain, const File& file) {
  constexpr std::size_t piece = 64 * 1024;
  Bytes ahead;  // sealed, and not yet written
  std::uint64_t written = 0;
  for (std::uint64_t i = 0; i < channel::chunk_count(plain.size()); ++i) {
    const channel::ByteRange from = channel::plain_range(plain.size(), i);
    const std::size_t before = ahead.size();
    ahead.resize(before + channel::sealed_range(plain.size(), i).bytes);
    blob.seal_chunk(i, plain.subspan(from.offset, from.bytes), ByteSpan(ahead).subspan(before));
    while (ahead.size() >= piece) {
      FED_TRY(file.write_at(written, ByteView(ahead).first(piece)));
      written += piece;
      ahead.erase(ahead.begin(), ahead.begin() + piece);
    }
  }
  return file.write_at(written, ahead);
}

}  // namespace

void WornMemory::put(aggregate::Folded worn) {
  const std::lock_guard lock(mutex_);
  worn_ = std::move(worn);
}

aggregate::Folded WornMemory::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(worn_, {});
}

GlobalModel::GlobalModel(std::int64_t number, aggregate::Folded values,
                         std::shared_ptr<WornMemory> of_job)
    : version(number),
      weights(std::move(values.weights)),
      state(std::move(values.state)),
      memory(std::move(of_job)) {}

GlobalModel::~GlobalModel() {
  if (memory) memory->put({std::move(weights), std::move(state)});
}

Status seal(GlobalModel& model, Disk& disk, const fs::path& folder, Executor& compute) {
  const ByteView plain = as_bytes(std::span<const float>(model.weights));
  const channel::BlobKey key = channel::BlobKey::random();
  const channel::SealedBlob blob(key, plain.size());
  const fs::path path = folder / (to_hex(crypto::random_array<16>()) + ".sealed");
  FED_ASSIGN(file, disk.open_to_write(path));
  FED_TRY(disk.remove(path));
  Status written;
  side_by_side(
      compute, [&] { written = write_sealed(blob, plain, file); },
      [&] { model.ref.hash = crypto::sha256(plain); });
  FED_TRY(std::move(written));
  model.ref.bytes = plain.size();
  model.ref.cipher = static_cast<std::uint8_t>(key.aead);
  std::copy(key.key.view().begin(), key.key.view().end(), model.ref.key.begin());
  model.sealed = std::make_shared<const File>(std::move(file));
  model.sealed_bytes = channel::sealed_size(plain.size());
  return {};
}

std::shared_ptr<const GlobalModel> without_weights(const GlobalModel& model) {
  const auto light = std::make_shared<GlobalModel>();
  light->version = model.version;
  light->clipping_norm = model.clipping_norm;
  light->ref = model.ref;
  light->sealed = model.sealed;
  light->sealed_bytes = model.sealed_bytes;
  return light;
}

Result<std::uint64_t> sealed_offset(const GlobalModel& model, std::uint64_t offset) {
  if (offset == model.ref.bytes) return model.sealed_bytes;
  if (offset > model.ref.bytes || offset % channel::kBlobChunkBytes != 0) {
    return Error{ErrorCode::invalid, "the offset is not that of a chunk of this model"};
  }
  return channel::sealed_range(model.ref.bytes, offset / channel::kBlobChunkBytes).offset;
}

}  // namespace fed::app
