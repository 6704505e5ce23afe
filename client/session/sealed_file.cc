#include "session/sealed_file.h"

#include <algorithm>
#include <array>
#include <optional>

#include "crypto/hkdf.h"
#include "crypto/random.h"

namespace fed::session {
namespace {

constexpr std::string_view kMagic = "fedseal1";
constexpr std::size_t kAeadAt = 8, kKeyIdAt = 16, kSizeAt = 24, kSaltAt = 32, kCheckAt = 64;
constexpr std::size_t kSaltBytes = 32;
constexpr std::size_t kBatchChunks = 16;  // that are written at once

using Header = std::array<std::uint8_t, kSealHeaderBytes>;

struct FileKeys {
  crypto::Wiped<crypto::kKeyBytes> chunks, check;
};

FileKeys derive(const StorageKey& key, const Header& header, const fs::path& path) {
  Bytes context(header.begin(), header.begin() + kCheckAt);
  append(context, view(path.filename().string()));
  FileKeys keys;
  crypto::hkdf(key.view(), context, {&keys.chunks, &keys.check});
  return keys;
}

ByteView check_of(const FileKeys& keys) {
  return ByteView(keys.check.view()).first(kSealHeaderBytes - kCheckAt);
}

channel::SealedBlob blob_of(crypto::Aead aead, const FileKeys& keys, std::uint64_t bytes) {
  const channel::BlobKey key{aead, crypto::SecretKey(keys.chunks.view(), crypto::Memory::plain)};
  return channel::SealedBlob(key, bytes);
}

bool begins_sealed(ByteView bytes) {
  return bytes.size() >= kMagic.size() && text(bytes.first(kMagic.size())) == kMagic;
}

Error damaged(const fs::path& path) {
  return {ErrorCode::unauthentic, path.string() + " is not what was sealed there"};
}

// A sealed file as its plaintext, with the chunk that was read last: who reads on in pieces that
// are no chunks opens each chunk once.
class OpenedFile final : public FileBackend {
 public:
  OpenedFile(File file, channel::SealedBlob blob)
      : FileBackend(file.path()), file_(std::move(file)), blob_(std::move(blob)) {}

  Result<FileInfo> inspect() override {
    FED_TRY(intact());
    FED_ASSIGN(info, file_.inspect());
    info.bytes = blob_.plain_bytes();
    return info;
  }

  Status read_at(std::uint64_t offset, ByteSpan into) override {
    const std::uint64_t size = blob_.plain_bytes();
    if (offset > size || into.size() > size - offset) {
      return Error{ErrorCode::malformed, path.string() + " ends before what is to be read"};
    }
    while (!into.empty()) {
      FED_TRY(hold(offset / channel::kBlobChunkBytes));
      const ByteView from = plain_.subspan(offset % channel::kBlobChunkBytes);
      const std::size_t take = std::min(from.size(), into.size());
      std::ranges::copy(from.first(take), into.begin());
      into = into.subspan(take);
      offset += take;
    }
    return {};
  }

  Status write_at(std::uint64_t, ByteView) override { return read_only(); }
  Status truncate(std::uint64_t) override { return read_only(); }
  Status reserve(std::uint64_t) override { return read_only(); }
  Status sync() override { return read_only(); }
  Result<bool> lock() override { return read_only(); }

 private:
  Error read_only() const {
    return {ErrorCode::invalid, path.string() + " was opened to be read only"};
  }
  Status intact() const {
    if (broken_) return damaged(path);
    return {};
  }

  Status hold(std::uint64_t index) {
    FED_TRY(intact());
    if (held_ == index) return {};
    held_.reset();
    const channel::ByteRange range = channel::sealed_range(blob_.plain_bytes(), index);
    buffer_.resize(range.bytes);
    const Status read = file_.read_at(kSealHeaderBytes + range.offset, buffer_);
    if (!read && read.error().code == ErrorCode::io) return read;  // perhaps only now
    const auto opened = blob_.open_chunk(index, buffer_);
    broken_ = !read || !opened;
    FED_TRY(intact());
    plain_ = *opened;
    held_ = index;
    return {};
  }

  const File file_;
  const channel::SealedBlob blob_;
  Bytes buffer_;
  ByteView plain_;                     // in buffer_
  std::optional<std::uint64_t> held_;  // the chunk that it is
  bool broken_ = false;
};

Header header_for(const StorageKey& key, crypto::Aead aead, std::uint64_t bytes) {
  Header header{};
  std::ranges::copy(view(kMagic), header.begin());
  header[kAeadAt] = static_cast<std::uint8_t>(aead);
  std::ranges::copy(key.id(), header.begin() + kKeyIdAt);
  store_le(header.data() + kSizeAt, bytes);
  std::ranges::copy(crypto::random_array<kSaltBytes>(), header.begin() + kSaltAt);
  return header;
}

Status write_chunks(const File& file, const channel::SealedBlob& blob, const Plaintext& plaintext) {
  const std::uint64_t bytes = blob.plain_bytes(), chunks = channel::chunk_count(bytes);
  Bytes batch;
  for (std::uint64_t first = 0; first < chunks; first += kBatchChunks) {
    const std::uint64_t end = std::min(chunks, first + kBatchChunks);
    const std::uint64_t at = channel::sealed_range(bytes, first).offset;
    const channel::ByteRange last = channel::sealed_range(bytes, end - 1);
    batch.resize(last.offset + last.bytes - at);
    for (std::uint64_t i = first; i < end; ++i) {
      const channel::ByteRange range = channel::sealed_range(bytes, i);
      FED_ASSIGN(plain, plaintext(channel::plain_range(bytes, i)));
      blob.seal_chunk(i, plain, ByteSpan(batch).subspan(range.offset - at, range.bytes));
    }
    FED_TRY(file.write_at(kSealHeaderBytes + at, batch));
  }
  return {};
}

}  // namespace

Status write_sealed(Disk& disk, const StorageKey& key, const fs::path& path, std::uint64_t bytes,
                    const Plaintext& plaintext) {
  const crypto::Aead aead = crypto::preferred_aead();
  Header header = header_for(key, aead, bytes);
  const FileKeys keys = derive(key, header, path);
  std::ranges::copy(check_of(keys), header.begin() + kCheckAt);
  const fs::path temporary = path.string() + ".tmp";
  FED_TRY(disk.remove(temporary));
  FED_ASSIGN(file, disk.open_to_write(temporary));
  FED_TRY(file.write_at(0, header));
  FED_TRY(write_chunks(file, blob_of(aead, keys, bytes), plaintext));
  FED_TRY(file.sync(Durability::power));
  return rename_file(disk, temporary, path, Durability::power);
}

Status write_sealed(Disk& disk, const StorageKey& key, const fs::path& path, ByteView plaintext) {
  return write_sealed(disk, key, path, plaintext.size(),
                      [&](const channel::ByteRange& range) -> Result<ByteView> {
                        return plaintext.subspan(range.offset, range.bytes);
                      });
}

Result<File> open_sealed(Disk& disk, const StorageKey& key, const fs::path& path) {
  FED_ASSIGN(file, disk.open_to_read(path));
  FED_ASSIGN(size, file.size());
  Header header{};
  if (size >= header.size()) FED_TRY(file.read_at(0, header));
  if (!begins_sealed(header)) {
    return Error{ErrorCode::malformed, path.string() + " is not a sealed file"};
  }
  if (!std::ranges::equal(key.id(), ByteView(header).subspan(kKeyIdAt, key.id().size()))) {
    return Error{ErrorCode::mismatch, path.string() + " is sealed with another key"};
  }
  const FileKeys keys = derive(key, header, path);
  const auto bytes = load_le<std::uint64_t>(header.data() + kSizeAt);
  const bool genuine =
      crypto::constant_time_equal(check_of(keys), ByteView(header).subspan(kCheckAt)) &&
      bytes <= channel::kBlobBytesMax && size == header.size() + channel::sealed_size(bytes);
  if (!genuine) return damaged(path);
  const crypto::Aead aead{header[kAeadAt]};
  if (!crypto::available(aead)) {
    return Error{ErrorCode::unsupported,
                 path.string() + " is sealed with a cipher that this machine does not have"};
  }
  return File(std::make_unique<OpenedFile>(std::move(file), blob_of(aead, keys, bytes)));
}

Result<bool> is_sealed(Disk& disk, const fs::path& path) {
  FED_ASSIGN(file, disk.open_to_read(path));
  FED_ASSIGN(size, file.size());
  Bytes begin(std::min<std::uint64_t>(size, kMagic.size()));
  FED_TRY(file.read_at(0, begin));
  return begins_sealed(begin);
}

}  // namespace fed::session
