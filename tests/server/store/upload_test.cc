// One upload: whatever the pieces, the resumptions and the mishaps, the file and its facts are
// those of the vector.
#include "store/upload.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <catch2/catch.hpp>
#include <limits>

#include "base/random.h"
#include "folder.h"

namespace {

using fed::Bytes;
using fed::ByteView;
using fed::Checksum;
using fed::Durability;
using fed::ErrorCode;
using fed::Random;
using fed::store::FloatStream;
using fed::store::Upload;
using fed::store::UploadFacts;
using fed::store::UploadFence;
using fed::store::testing::content;
using fed::store::testing::Folder;
using fed::tensor::Statistics;
namespace fs = std::filesystem;

// Values whose sum of squares depends on the order of addition.
std::vector<float> values(std::size_t count, std::uint64_t seed = 1) {
  Random random(seed);
  std::vector<float> made(count);
  for (float& value : made) value = static_cast<float>(random.normal() * 1e3);
  return made;
}

Bytes bytes_of(const std::vector<float>& from) {
  return fed::copy(fed::as_bytes(std::span<const float>(from)));
}

Statistics at_once(const std::vector<float>& from) {
  fed::tensor::RunningStatistics statistics;
  statistics.update(from);
  return statistics.finish();
}

struct Sending {
  Folder folder;
  std::vector<float> vector = values(70);
  Bytes bytes = bytes_of(vector);
  Checksum sum = fed::checksum(bytes);
  std::shared_ptr<UploadFence> fence = std::make_shared<UploadFence>();
  fs::path part = folder / "7.part", complete = folder / "7.update";

  fed::Result<Upload> open(Durability durability = Durability::process) const {
    return Upload::open(fed::real_disk(), {part, complete}, bytes.size(), sum, durability, fence);
  }
  ByteView from(std::size_t begin, std::size_t count) const {
    return ByteView(bytes).subspan(begin, count);
  }
};

// Sends bytes [begin, end) in odd chunks from addresses that are not aligned.
void send(Upload& upload, const Sending& sending, std::size_t begin, std::size_t end,
          Random& random) {
  while (begin < end) {
    const std::size_t count = std::min<std::size_t>(1 + random.below(23), end - begin);
    const std::size_t shift = random.below(8);
    Bytes shifted(shift + count);
    std::copy_n(sending.bytes.begin() + static_cast<std::ptrdiff_t>(begin), count,
                shifted.begin() + static_cast<std::ptrdiff_t>(shift));
    upload.write(begin, ByteView(shifted).subspan(shift)).value();
    begin += count;
  }
}

}  // namespace

TEST_CASE("float stream: every cut in two, and every odd address, gives the same statistics") {
  const std::vector<float> vector = values(3000);
  const Bytes bytes = bytes_of(vector);
  const Statistics expected = at_once(vector);
  for (std::size_t cut = 0; cut <= 100; ++cut) {
    FloatStream stream;
    stream.update(ByteView(bytes).first(cut));
    stream.update(ByteView(bytes).subspan(cut));
    REQUIRE(stream.finish() == expected);
  }
  Random random(3);
  for (int trial = 0; trial < 30; ++trial) {
    FloatStream stream;
    for (std::size_t at = 0; at < bytes.size();) {
      const std::size_t count = std::min<std::size_t>(random.below(9000), bytes.size() - at);
      stream.update(ByteView(bytes).subspan(at, count));
      at += count;
    }
    REQUIRE(stream.finish() == expected);
  }
}

TEST_CASE(
    "upload: interrupted and resumed at every byte, the facts and the file are the vector's") {
  Sending sending;
  const Statistics expected = at_once(sending.vector);
  Random random(4);
  for (std::size_t cut = 0; cut <= sending.bytes.size(); ++cut) {
    {
      Upload upload = sending.open().value();
      REQUIRE(upload.offset() == 0);
      send(upload, sending, 0, cut, random);
    }
    Upload upload = sending.open().value();
    REQUIRE(upload.offset() == cut);
    REQUIRE(upload.bytes() == sending.bytes.size());
    send(upload, sending, cut, sending.bytes.size(), random);
    const UploadFacts facts = std::move(upload).finish().value();
    REQUIRE(facts.bytes == sending.bytes.size());
    REQUIRE(facts.statistics == expected);
    REQUIRE(content(sending.complete) == sending.bytes);
    REQUIRE_FALSE(fs::exists(sending.part));
    fs::remove(sending.complete);
  }
}

TEST_CASE("upload: with durability power too, and in one chunk") {
  Sending sending;
  Upload upload = sending.open(Durability::power).value();
  upload.write(0, sending.bytes).value();
  CHECK(std::move(upload).finish().value().statistics == at_once(sending.vector));
  CHECK(content(sending.complete) == sending.bytes);
}

TEST_CASE("upload: what is not finite is seen, wherever it is") {
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    Sending sending;
    sending.vector[41] = bad;
    sending.bytes = bytes_of(sending.vector);
    sending.sum = fed::checksum(sending.bytes);
    Upload upload = sending.open().value();
    Random random(5);
    send(upload, sending, 0, sending.bytes.size(), random);
    CHECK_FALSE(std::move(upload).finish().value().statistics.finite);
  }
}

TEST_CASE(
    "upload: a prefix that a power failure has zeroed is found, and the next try starts anew") {
  Sending sending;
  {
    Upload upload = sending.open().value();
    upload.write(0, sending.from(0, 200)).value();
  }
  const Bytes zeros(64);
  fed::File::open_to_write(sending.part).value().write_at(100, zeros).value();
  Upload upload = sending.open().value();
  upload.write(200, sending.from(200, 80)).value();
  const auto facts = std::move(upload).finish();
  CHECK(facts.error().code == ErrorCode::mismatch);
  CHECK_FALSE(fs::exists(sending.part));
  CHECK_FALSE(fs::exists(sending.complete));

  Upload again = sending.open().value();
  CHECK(again.offset() == 0);
  again.write(0, sending.bytes).value();
  CHECK(std::move(again).finish().has_value());
}

TEST_CASE("upload: a chunk that does not follow changes nothing") {
  Sending sending;
  Upload upload = sending.open().value();
  upload.write(0, sending.from(0, 100)).value();
  CHECK(upload.write(0, sending.from(0, 10)).error().code == ErrorCode::invalid);
  CHECK(upload.write(101, sending.from(101, 10)).error().code == ErrorCode::invalid);
  CHECK(upload.write(100, Bytes(181)).error().code == ErrorCode::invalid);
  CHECK(upload.write(~std::uint64_t{0}, sending.from(0, 2)).error().code == ErrorCode::invalid);
  CHECK(upload.offset() == 100);
  upload.write(100, sending.from(100, 180)).value();
  CHECK(std::move(upload).finish().value().statistics == at_once(sending.vector));
}

TEST_CASE("upload: a long one is the same when the disk begins with it before its end") {
  Sending sending;
  sending.vector = values(fed::store::kWriteBehind / sizeof(float) * 3 / 2);
  sending.bytes = bytes_of(sending.vector);
  sending.sum = fed::checksum(sending.bytes);
  constexpr std::size_t kChunk = 1'000'000;
  for (const Durability durability : {Durability::power, Durability::process}) {
    Upload upload = sending.open(durability).value();
    for (std::size_t at = 0; at < sending.bytes.size(); at += kChunk) {
      upload.write(at, sending.from(at, std::min(kChunk, sending.bytes.size() - at))).value();
    }
    CHECK(std::move(upload).finish().value().statistics == at_once(sending.vector));
    CHECK(content(sending.complete) == sending.bytes);
  }
}

TEST_CASE("upload: finishing too early is an error that keeps the part") {
  Sending sending;
  Upload upload = sending.open().value();
  upload.write(0, sending.from(0, 279)).value();
  CHECK(std::move(upload).finish().error().code == ErrorCode::invalid);
  CHECK(sending.open().value().offset() == 279);
}

TEST_CASE("upload: superseded, it neither writes nor finishes") {
  Sending sending;
  Upload old = sending.open().value();
  old.write(0, sending.from(0, 280)).value();
  sending.fence->superseded = true;
  CHECK(old.write(280, {}).error().code == ErrorCode::closed);
  CHECK(std::move(old).finish().error().code == ErrorCode::closed);
  CHECK(fs::exists(sending.part));
  CHECK_FALSE(fs::exists(sending.complete));
}

TEST_CASE("upload: a full disk is an error after which the same chunk may come again") {
  Sending sending;
  Upload upload = sending.open().value();
  upload.write(0, sending.from(0, 100)).value();

  // Puts /dev/full, which refuses every byte, behind the upload's descriptor for a while.
  int descriptor = -1;
  for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
    std::error_code error;
    if (fs::read_symlink(entry, error) == sending.part)
      descriptor = std::stoi(entry.path().filename());
  }
  REQUIRE(descriptor >= 0);
  const int kept = ::dup(descriptor);
  const int full = ::open("/dev/full", O_RDWR | O_CLOEXEC);
  REQUIRE(::dup2(full, descriptor) == descriptor);
  CHECK(upload.write(100, sending.from(100, 50)).error().code == ErrorCode::disk_full);
  CHECK(upload.offset() == 100);
  REQUIRE(::dup2(kept, descriptor) == descriptor);
  ::close(kept);
  ::close(full);

  upload.write(100, sending.from(100, 180)).value();
  CHECK(std::move(upload).finish().value().statistics == at_once(sending.vector));
  CHECK(content(sending.complete) == sending.bytes);
}
