#include "update.h"

#include <algorithm>

#include "base/random.h"

namespace fed::bench {
namespace {

constexpr std::size_t kBlockBytes = 4 << 20;
constexpr double kMagnitude = 0.01;

Bytes make_block() {
  Random random(1);
  Bytes block(kBlockBytes);
  for (std::size_t at = 0; at < kBlockBytes; at += sizeof(float)) {
    const auto value = static_cast<float>((random.uniform() * 2 - 1) * kMagnitude);
    std::memcpy(&block[at], &value, sizeof value);
  }
  return block;
}

const Bytes& block() {
  static const Bytes made = make_block();
  return made;
}

// A file of that block, again and again. Read only.
class Repeated final : public FileBackend {
 public:
  explicit Repeated(std::uint64_t bytes) : FileBackend("synthetic update"), bytes_(bytes) {}

  Result<FileInfo> inspect() override {
    FileInfo info;
    info.bytes = bytes_;
    return info;
  }
  Status read_at(std::uint64_t offset, ByteSpan into) override {
    if (offset + into.size() > bytes_) return Error{ErrorCode::malformed, "beyond the update"};
    while (!into.empty()) {
      const auto from = ByteView(block()).subspan(offset % kBlockBytes);
      const std::size_t take = std::min(from.size(), into.size());
      std::copy_n(from.begin(), take, into.begin());
      into = into.subspan(take);
      offset += take;
    }
    return {};
  }
  Status write_at(std::uint64_t, ByteView) override { return read_only(); }
  Status truncate(std::uint64_t) override { return read_only(); }
  Status reserve(std::uint64_t) override { return read_only(); }
  Status sync() override { return {}; }
  Result<bool> lock() override { return false; }

 private:
  static Error read_only() { return {ErrorCode::io, "the synthetic update is read only"}; }

  const std::uint64_t bytes_;
};

}  // namespace

Update make_update(std::uint64_t coordinates) {
  Update update;
  update.bytes = coordinates * sizeof(float);
  update.file = std::make_shared<const File>(std::make_unique<Repeated>(update.bytes));
  Checksummer sum;
  for (std::uint64_t at = 0; at < update.bytes; at += kBlockBytes) {
    sum.update(ByteView(block()).first(std::min<std::uint64_t>(kBlockBytes, update.bytes - at)));
  }
  update.sum = sum.finish();
  return update;
}

std::vector<float> update_values(std::uint64_t coordinates) {
  std::vector<float> values(coordinates);
  const Update update = make_update(coordinates);
  FED_CHECK(update.file->read_at(0, as_writable_bytes(std::span(values))));
  return values;
}

}  // namespace fed::bench
