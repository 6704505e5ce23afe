#include "app/memory_file.h"

#include <algorithm>

namespace fed::app {
namespace {

class MemoryFile final : public FileBackend {
 public:
  explicit MemoryFile(Bytes content)
      : FileBackend(fs::path("(memory)")), content_(std::move(content)) {}

  Result<FileInfo> inspect() override {
    FileInfo info;
    info.bytes = content_.size();
    return info;
  }
  Status read_at(std::uint64_t offset, ByteSpan into) override {
    if (offset > content_.size() || into.size() > content_.size() - offset) {
      return Error{ErrorCode::malformed, "a file in memory ends before what is to be read"};
    }
    std::copy_n(content_.begin() + static_cast<std::ptrdiff_t>(offset), into.size(), into.begin());
    return {};
  }
  Status write_at(std::uint64_t, ByteView) override { FED_CHECK(false); }
  Status truncate(std::uint64_t) override { FED_CHECK(false); }
  Status reserve(std::uint64_t) override { FED_CHECK(false); }
  Status sync() override { return {}; }
  Result<bool> lock() override { FED_CHECK(false); }

 private:
  const Bytes content_;
};

}  // namespace

File memory_file(Bytes content) { return File(std::make_unique<MemoryFile>(std::move(content))); }

}  // namespace fed::app
