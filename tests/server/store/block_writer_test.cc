// Whatever the pieces, the file has their bytes in their places; it is written in aligned blocks;
// what fails changes nothing.
#include "store/block_writer.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <memory>
#include <optional>
#include <vector>

#include "base/random.h"

namespace fed::store {
namespace {

constexpr std::size_t kBlock = BlockWriter::kBlockBytes;

struct Written {
  std::uint64_t offset = 0, bytes = 0;
};

// In memory; notes the writes, and refuses one of them.
class NotingBackend final : public FileBackend {
 public:
  struct Notes {
    Bytes content;
    std::vector<Written> writes;
    std::optional<std::size_t> refused;  // the number of a write, from 0
  };

  explicit NotingBackend(std::shared_ptr<Notes> notes)
      : FileBackend("noted"), notes_(std::move(notes)) {}

  Result<FileInfo> inspect() override { return FileInfo{.bytes = notes_->content.size()}; }
  Status read_at(std::uint64_t, ByteSpan) override { return refusal(); }
  Status write_at(std::uint64_t offset, ByteView from) override {
    notes_->writes.push_back({offset, from.size()});
    if (notes_->refused == notes_->writes.size() - 1) return refusal();
    Bytes& content = notes_->content;
    content.resize(std::max<std::size_t>(content.size(), offset + from.size()));
    std::ranges::copy(from, content.begin() + static_cast<std::ptrdiff_t>(offset));
    return {};
  }
  Status truncate(std::uint64_t) override { return refusal(); }
  Status reserve(std::uint64_t) override { return refusal(); }
  Status sync() override { return refusal(); }
  Result<bool> lock() override { return false; }

 private:
  static Error refusal() { return {ErrorCode::disk_full, "refused"}; }

  std::shared_ptr<Notes> notes_;
};

struct Case {
  std::shared_ptr<NotingBackend::Notes> notes = std::make_shared<NotingBackend::Notes>();
  File file{std::make_unique<NotingBackend>(notes)};
};

Bytes random_bytes(std::size_t count) {
  Random random(7);
  Bytes bytes(count);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random.next());
  return bytes;
}

// Everything from `begin` on, in pieces of up to `most`.
void write_all(BlockWriter& writer, const File& file, const Bytes& bytes, std::size_t most,
               Random& random) {
  while (writer.end() < bytes.size()) {
    const auto at = static_cast<std::size_t>(writer.end());
    const std::size_t count = std::min(1 + random.below(most), bytes.size() - at);
    const ByteView piece = ByteView(bytes).subspan(at, count);
    (at + count == bytes.size() ? writer.append_last(file, piece) : writer.append(file, piece))
        .value();
  }
}

TEST_CASE("pieces of any size, from any offset, are written once, in whole aligned blocks") {
  const Bytes bytes = random_bytes(5 * kBlock + 1234);
  Random random(1);
  for (const std::size_t begin : {std::size_t{0}, std::size_t{1}, kBlock - 1, kBlock, 70'000UL}) {
    for (const std::size_t most : {100UL, 4096UL, kBlock - 40, kBlock, kBlock + 1, 3 * kBlock}) {
      Case here;
      BlockWriter writer(begin);
      write_all(writer, here.file, bytes, most, random);
      CHECK(writer.written() == bytes.size());
      CHECK(std::ranges::equal(ByteView(here.notes->content).subspan(begin),
                               ByteView(bytes).subspan(begin)));
      std::uint64_t next = begin;
      for (const Written& write : here.notes->writes) {
        REQUIRE(write.offset == next);
        REQUIRE((next == begin || next % kBlock == 0));
        next += write.bytes;
      }
      CHECK(next == bytes.size());
    }
  }
}

TEST_CASE("what does not complete a block is held, and less than a block") {
  const Bytes bytes = random_bytes(3 * kBlock);
  Case here;
  BlockWriter writer;
  writer.append(here.file, ByteView(bytes).first(kBlock - 1)).value();
  CHECK(here.notes->writes.empty());
  CHECK(writer.end() == kBlock - 1);
  writer.append(here.file, ByteView(bytes).subspan(kBlock - 1, 11)).value();
  CHECK(writer.written() == kBlock);
  CHECK(writer.end() == kBlock + 10);
  writer.append_last(here.file, {}).value();
  CHECK(writer.written() == kBlock + 10);
  writer.append_last(here.file, {}).value();  // nothing is left
  CHECK(here.notes->writes.size() == 2);
  CHECK(std::ranges::equal(here.notes->content, ByteView(bytes).first(kBlock + 10)));
}

TEST_CASE("a write that fails, whichever it is, changes nothing: the same bytes come again") {
  const Bytes bytes = random_bytes(4 * kBlock);
  for (std::size_t refused = 0; refused < 2; ++refused) {
    Case here;
    BlockWriter writer;
    writer.append(here.file, ByteView(bytes).first(1000)).value();
    here.notes->refused = refused;
    const ByteView piece = ByteView(bytes).subspan(1000, 2 * kBlock);  // two writes
    CHECK(writer.append(here.file, piece).error().code == ErrorCode::disk_full);
    CHECK(writer.written() == 0);
    CHECK(writer.end() == 1000);
    here.notes->refused.reset();
    writer.append(here.file, piece).value();
    CHECK(writer.end() == 1000 + 2 * kBlock);
    writer.append_last(here.file, ByteView(bytes).subspan(1000 + 2 * kBlock)).value();
    CHECK(here.notes->content == bytes);
  }
}

}  // namespace
}  // namespace fed::store
