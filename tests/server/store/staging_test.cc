// Staging as a whole: names, limits, restarts, and who may write when.
#include "store/staging.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <thread>

#include "base/random.h"
#include "folder.h"

namespace {

using fed::Bytes;
using fed::ByteView;
using fed::Checksum;
using fed::Durability;
using fed::ErrorCode;
using fed::store::Staged;
using fed::store::Staging;
using fed::store::StagingOptions;
using fed::store::Upload;
using fed::store::UploadKey;
using fed::store::testing::content;
using fed::store::testing::Folder;
namespace fs = std::filesystem;

const UploadKey kKey{"fashion", 3, 7};

Bytes update(std::size_t floats, std::uint8_t seed) {
  Bytes bytes(floats * 4);
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::uint8_t>(i % 4 == 3 ? 0x3f : i * seed);
  return bytes;
}

std::unique_ptr<Staging> open(const Folder& folder, std::uint64_t most = 0,
                              Durability durability = Durability::process) {
  return Staging::open(fed::real_disk(), folder / "staging", {durability, most}).value();
}

void store(Staging& staging, const UploadKey& key, const Bytes& bytes) {
  Upload upload = staging.receive(key, bytes.size(), fed::checksum(bytes)).value();
  upload.write(upload.offset(), ByteView(bytes).subspan(upload.offset())).value();
  std::move(upload).finish().value();
}

void store_some(Staging& staging, const UploadKey& key, const Bytes& bytes, std::size_t count) {
  Upload upload = staging.receive(key, bytes.size(), fed::checksum(bytes)).value();
  upload.write(0, ByteView(bytes).first(count)).value();
}

}  // namespace

TEST_CASE("staging: received, complete, read back, removed with its task") {
  for (const Durability durability : {Durability::process, Durability::power}) {
    Folder folder;
    const auto staging = open(folder, 0, durability);
    const Bytes bytes = update(50, 3);
    store(*staging, kKey, bytes);
    CHECK(content(folder / "staging/fashion/3/7.update") == bytes);
    const fed::File file = staging->open_complete(kKey, bytes.size()).value();
    Bytes back(bytes.size());
    file.read_at(0, back).value();
    CHECK(back == bytes);
    CHECK(staging->bytes_reserved() == bytes.size());
    staging->remove_task("fashion", 3).value();
    CHECK_FALSE(fs::exists(folder / "staging/fashion/3"));
    CHECK(staging->bytes_reserved() == 0);
    CHECK(staging->open_complete(kKey, bytes.size()).error().code == ErrorCode::not_found);
    staging->remove_task("fashion", 3).value();  // again is no error
  }
}

TEST_CASE("staging: an upload continues after a restart") {
  Folder folder;
  const Bytes bytes = update(50, 3);
  store_some(*open(folder), kKey, bytes, 77);
  const auto staging = open(folder);
  CHECK(staging->bytes_reserved() == 77);
  Upload upload = staging->receive(kKey, bytes.size(), fed::checksum(bytes)).value();
  CHECK(upload.offset() == 77);
  CHECK(staging->bytes_reserved() == bytes.size());
  upload.write(77, ByteView(bytes).subspan(77)).value();
  CHECK(std::move(upload).finish().has_value());
}

TEST_CASE("staging: another update of the same client replaces the part, also a longer one") {
  Folder folder;
  const auto staging = open(folder);
  const Bytes first = update(50, 3), second = update(50, 5);
  store_some(*staging, kKey, first, 77);
  CHECK(staging->receive(kKey, second.size(), fed::checksum(second)).value().offset() == 0);
  CHECK(staging->list().value().size() == 1);
  // The same checksum with fewer bytes than are there cannot be the same update.
  store_some(*staging, kKey, second, 120);
  CHECK(staging->receive(kKey, 100, fed::checksum(second)).value().offset() == 0);
  // Client 70's part is not client 7's.
  store_some(*staging, {"fashion", 3, 70}, first, 8);
  staging->receive(kKey, first.size(), fed::checksum(first)).value();
  CHECK(staging->receive({"fashion", 3, 70}, first.size(), fed::checksum(first)).value().offset() ==
        8);
}

TEST_CASE("staging: a complete file that nobody acknowledged is offered again and verified anew") {
  Folder folder;
  const Bytes bytes = update(50, 3);
  store(*open(folder), kKey, bytes);
  const auto staging = open(folder);  // the journal has lost it in the crash
  {
    Upload upload = staging->receive(kKey, bytes.size(), fed::checksum(bytes)).value();
    CHECK(upload.offset() == bytes.size());
    CHECK(std::move(upload).finish().has_value());
  }
  // Another update instead: the old file's bytes are not taken for it.
  const Bytes other = update(50, 9);
  Upload upload = staging->receive(kKey, other.size(), fed::checksum(other)).value();
  CHECK(upload.offset() == bytes.size());
  CHECK(std::move(upload).finish().error().code == ErrorCode::mismatch);
  store(*staging, kKey, other);
  CHECK(content(folder / "staging/fashion/3/7.update") == other);
}

TEST_CASE("staging: the newer connection wins, the older one cannot touch the file any more") {
  Folder folder;
  const auto staging = open(folder);
  const Bytes bytes = update(50, 3);
  Upload old = staging->receive(kKey, bytes.size(), fed::checksum(bytes)).value();
  old.write(0, ByteView(bytes).first(100)).value();
  Upload fresh = staging->receive(kKey, bytes.size(), fed::checksum(bytes)).value();
  CHECK(fresh.offset() == 100);
  CHECK(old.write(100, Bytes(100)).error().code == ErrorCode::closed);
  fresh.write(100, ByteView(bytes).subspan(100)).value();
  CHECK(std::move(old).finish().error().code == ErrorCode::closed);
  CHECK(std::move(fresh).finish().has_value());
  CHECK(content(folder / "staging/fashion/3/7.update") == bytes);
}

TEST_CASE("staging: what is about to be acknowledged is not taken back by another offer of it") {
  Folder folder;
  const auto staging = open(folder);
  const Bytes bytes = update(50, 3), other = update(50, 5);
  Upload upload = staging->receive(kKey, bytes.size(), fed::checksum(bytes)).value();
  upload.write(0, bytes).value();
  const auto facts = std::move(upload).finish().value();
  staging->keep(kKey, facts.lease).value();
  for (const Bytes& again : {bytes, other}) {
    const auto refused = staging->receive(kKey, again.size(), fed::checksum(again));
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == ErrorCode::closed);
    CHECK(content(folder / "staging/fashion/3/7.update") == bytes);
  }
  CHECK(staging->bytes_reserved() == bytes.size());
  staging->let_go(kKey);
  CHECK(staging->receive(kKey, other.size(), fed::checksum(other)).has_value());
  CHECK_FALSE(fs::exists(folder / "staging/fashion/3/7.update"));
}

TEST_CASE("staging: an update that another offer has taken back is not to be acknowledged") {
  Folder folder;
  const auto staging = open(folder);
  const Bytes bytes = update(50, 3);
  Upload first = staging->receive(kKey, bytes.size(), fed::checksum(bytes)).value();
  first.write(0, bytes).value();
  const auto facts = std::move(first).finish().value();
  Upload second = staging->receive(kKey, bytes.size(), fed::checksum(bytes)).value();
  CHECK(staging->keep(kKey, facts.lease).error().code == ErrorCode::closed);
  const auto again = std::move(second).finish().value();
  staging->keep(kKey, again.lease).value();
  staging->remove_task("fashion", 3).value();
  CHECK(staging->keep(kKey, again.lease).error().code == ErrorCode::closed);
}

TEST_CASE("staging: a task that is removed ends its uploads") {
  Folder folder;
  const auto staging = open(folder);
  const Bytes bytes = update(50, 3);
  Upload upload = staging->receive(kKey, bytes.size(), fed::checksum(bytes)).value();
  upload.write(0, ByteView(bytes).first(100)).value();
  staging->remove_task("fashion", 3).value();
  CHECK(upload.write(100, ByteView(bytes).subspan(100)).error().code == ErrorCode::closed);
  CHECK(staging->bytes_reserved() == 0);
}

TEST_CASE(
    "staging: the limit counts what is announced, refuses the next, and frees with the task") {
  Folder folder;
  const auto staging = open(folder, 500);
  const Bytes bytes = update(50, 3);  // 200 bytes
  const Checksum sum = fed::checksum(bytes);
  store(*staging, {"a", 1, 1}, bytes);
  CHECK(staging->receive({"a", 2, 2}, 200, sum).has_value());
  CHECK(staging->bytes_reserved() == 400);
  const auto refused = staging->receive({"a", 2, 3}, 200, sum);
  CHECK(refused.error().code == ErrorCode::too_large);
  CHECK_FALSE(fs::exists(folder / "staging/a/2/3.update"));
  CHECK(staging->receive({"a", 2, 2}, 300, sum).has_value());  // its own place counts once
  CHECK(staging->receive({"a", 2, 2}, 304, sum).error().code == ErrorCode::too_large);
  CHECK(staging->bytes_reserved() == 500);
  staging->remove({"a", 1, 1}).value();
  CHECK(staging->bytes_reserved() == 300);
  CHECK(staging->receive({"a", 2, 3}, 200, sum).has_value());
  staging->remove_job("a").value();
  CHECK(staging->bytes_reserved() == 0);
  CHECK(staging->receive({"a", 1, 1}, ~std::uint64_t{3}, sum).error().code == ErrorCode::too_large);
}

TEST_CASE("staging: what the disk cannot hold is refused before it is sent, and staging goes on") {
  Folder folder;
  const auto staging = open(folder);
  const auto refused = staging->receive(kKey, std::uint64_t{1} << 53, {});
  CHECK(refused.error().code == ErrorCode::disk_full);
  store(*staging, kKey, update(50, 3));
}

TEST_CASE("staging: keys and sizes that cannot be are refused") {
  Folder folder;
  const auto staging = open(folder);
  for (const char* job : {"", "..", "a/b", "A", "a.b", "-a", "_a", "ä",
                          "a123456789012345678901234567890123456789012345678901234567890123"}) {
    CHECK(staging->receive({job, 1, 1}, 4, {}).error().code == ErrorCode::invalid);
    CHECK(staging->remove_task(job, 1).error().code == ErrorCode::invalid);
    CHECK(staging->remove_job(job).error().code == ErrorCode::invalid);
  }
  CHECK(staging->receive({"a-b_9", 1, 1}, 4, {}).has_value());
  CHECK(staging->receive({"a", -1, 1}, 4, {}).error().code == ErrorCode::invalid);
  CHECK(staging->receive({"a", 1, -1}, 4, {}).error().code == ErrorCode::invalid);
  for (const std::uint64_t bytes : {0U, 1U, 3U, 6U}) {
    CHECK(staging->receive(kKey, bytes, {}).error().code == ErrorCode::invalid);
  }
}

TEST_CASE("staging: lists what is there, in order, and leaves other files alone") {
  Folder folder;
  const auto staging = open(folder);
  const Bytes bytes = update(50, 3);
  store(*staging, {"b", 2, 10}, bytes);
  store(*staging, {"b", 2, 9}, bytes);
  store_some(*staging, {"b", 10, 1}, bytes, 12);
  store(*staging, {"a", 5, 1}, bytes);
  fs::create_directories(folder / "staging/Other/1");
  for (const char* name : {"staging/b/2/notes.txt", "staging/b/2/x.update", "staging/b/2/1.updates",
                           "staging/b/2/-1.update"}) {
    fed::File::open_to_write(folder / name).value();
  }
  const fs::path at = folder / "staging";
  const auto part = fed::store::testing::only_file(at / "b/10");
  const std::vector<Staged> expected = {{{"a", 5, 1}, true, 200, at / "a/5/1.update"},
                                        {{"b", 2, 9}, true, 200, at / "b/2/9.update"},
                                        {{"b", 2, 10}, true, 200, at / "b/2/10.update"},
                                        {{"b", 10, 1}, false, 12, part}};
  CHECK(staging->list().value() == expected);
  CHECK(staging->list("b", 10).value() == std::vector<Staged>{expected[3]});
  CHECK(staging->list("c", 1).value().empty());
  CHECK(open(folder)->bytes_reserved() == 612);
}

TEST_CASE("staging: a complete file of another size is not handed out") {
  Folder folder;
  const auto staging = open(folder);
  store(*staging, kKey, update(50, 3));
  fs::resize_file(folder / "staging/fashion/3/7.update", 196);
  CHECK(staging->open_complete(kKey, 200).error().code == ErrorCode::mismatch);
}

TEST_CASE("staging: many connections at once") {
  Folder folder;
  const auto staging = open(folder);
  std::vector<std::thread> connections;
  for (int client = 0; client < 8; ++client) {
    connections.emplace_back([&, client] {
      const Bytes bytes = update(500, static_cast<std::uint8_t>(client));
      // Two clients share each key, as a client with two connections does.
      const UploadKey key{"job", 1, client / 2};
      auto upload = staging->receive(key, bytes.size(), fed::checksum(bytes));
      for (std::size_t at = 0; upload && at < bytes.size(); at += 100) {
        if (!upload->write(upload->offset(), ByteView(bytes).subspan(at, 100))) return;
      }
      if (upload) static_cast<void>(std::move(*upload).finish());
    });
  }
  for (std::thread& connection : connections) connection.join();
  CHECK(staging->bytes_reserved() == 4 * 2000);
  // Whoever was last, what is complete is one of the two updates and nothing in between.
  for (const Staged& staged : staging->list().value()) {
    if (!staged.complete) continue;
    const Bytes found =
        content(folder / ("staging/job/1/" + std::to_string(staged.key.client) + ".update"));
    const auto client = static_cast<std::uint8_t>(2 * staged.key.client);
    CHECK((found == update(500, client) ||
           found == update(500, static_cast<std::uint8_t>(client + 1))));
  }
}

namespace {

constexpr std::size_t kLarge = (std::size_t{1} << 20) / 4 + 10'000;  // floats; with a ragged end

std::vector<fs::path> spares(const Folder& folder) {
  std::vector<fs::path> found;
  if (!fs::exists(folder / "staging/fashion/spare")) return found;
  for (const auto& entry : fs::directory_iterator(folder / "staging/fashion/spare")) {
    found.push_back(entry.path());
  }
  return found;
}

// A staging with one spare of kLarge floats.
std::unique_ptr<Staging> with_spare(const Folder& folder, std::uint64_t most = 0) {
  auto staging = open(folder, most);
  store(*staging, kKey, update(kLarge, 3));
  staging->remove_task("fashion", 3).value();
  REQUIRE(spares(folder).size() == 1);
  REQUIRE_FALSE(fs::exists(folder / "staging/fashion/3"));
  return staging;
}

const UploadKey kNext{"fashion", 4, 9};

}  // namespace

TEST_CASE("staging: an update is written over an old one of the same size") {
  const std::size_t floats = GENERATE(std::size_t{1}, kLarge);
  for (const Durability durability : {Durability::process, Durability::power}) {
    Folder folder;
    const auto staging = open(folder, 0, durability);
    store(*staging, kKey, update(floats, 3));
    const fs::path witness = folder / "witness";
    staging->remove_task("fashion", 3).value();
    REQUIRE(spares(folder).size() == 1);
    fs::create_hard_link(spares(folder)[0], witness);
    const Bytes next = update(floats, 5);
    store(*staging, kNext, next);
    CHECK(spares(folder).empty());
    CHECK(fs::equivalent(witness, folder / "staging/fashion/4/9.update"));
    CHECK(content(folder / "staging/fashion/4/9.update") == next);
  }
}

TEST_CASE("staging: an upload over an old update continues after a reconnection and a restart") {
  Folder folder;
  auto staging = with_spare(folder);
  const Bytes bytes = update(kLarge, 5);
  const std::size_t cut = 700'001;
  {
    Upload upload = staging->receive(kNext, bytes.size(), fed::checksum(bytes)).value();
    REQUIRE(upload.offset() == 0);
    for (std::size_t at = 0; at < cut; at += 1000) {
      upload.write(at, ByteView(bytes).subspan(at, std::min<std::size_t>(1000, cut - at))).value();
    }
  }
  for (int restarts = 0; restarts < 2; ++restarts) {
    Upload upload = staging->receive(kNext, bytes.size(), fed::checksum(bytes)).value();
    CHECK(upload.offset() <= cut);
    CHECK(upload.offset() + fed::store::kMarkEvery + 1000 > cut);
    staging = open(folder);
  }
  store(*staging, kNext, bytes);
  CHECK(content(folder / "staging/fashion/4/9.update") == bytes);
}

TEST_CASE("staging: a mark that cannot be is none") {
  Folder folder;
  auto staging = with_spare(folder);
  const Bytes bytes = update(kLarge, 5);
  store_some(*staging, kNext, bytes, 600'000);
  for (const auto& entry : fs::directory_iterator(folder / "staging/fashion/4")) {
    fed::File::open_to_write(entry.path()).value().write_at(bytes.size(), Bytes(8, 0xff)).value();
  }
  CHECK(staging->receive(kNext, bytes.size(), fed::checksum(bytes)).value().offset() == 0);
  store(*staging, kNext, bytes);
}

TEST_CASE("staging: no spare is left of updates with another name, and of a lost job") {
  Folder folder;
  auto staging = open(folder);
  const Bytes kept = update(kLarge, 3);
  store(*staging, kKey, kept);
  fs::create_hard_link(folder / "staging/fashion/3/7.update", folder / "kept");
  staging->remove_task("fashion", 3).value();
  CHECK(spares(folder).empty());
  store(*staging, kNext, update(kLarge, 5));
  CHECK(content(folder / "kept") == kept);
  staging->remove_job("fashion").value();
  CHECK_FALSE(fs::exists(folder / "staging/fashion"));
}

TEST_CASE("staging: spares are replaced by the next task's, and gone after a restart") {
  Folder folder;
  auto staging = with_spare(folder);
  store(*staging, kNext, update(kLarge + 1, 5));  // of another size
  CHECK(spares(folder).size() == 1);
  staging->remove_task("fashion", 4).value();
  REQUIRE(spares(folder).size() == 1);
  CHECK(fs::file_size(spares(folder)[0]) == (kLarge + 1) * 4);
  staging = open(folder);
  CHECK(spares(folder).empty());
  CHECK(staging->bytes_reserved() == 0);
}

TEST_CASE("staging: spares and updates together keep to the limit") {
  Folder folder;
  auto staging = with_spare(folder, kLarge * 4 + 8000);
  store(*staging, kNext, update(1000, 5));
  CHECK(spares(folder).size() == 1);
  store(*staging, {"fashion", 4, 10}, update(1001, 5));
  CHECK(spares(folder).empty());
}
