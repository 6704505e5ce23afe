#include "session/outbox.h"

#include <catch2/catch.hpp>

#include "../storage_key.h"
#include "../testing.h"

using namespace fed;
using namespace fed::session;
using fed::test::Scratch;
using fed::test::storage_key;

namespace {

wire::Offer offer(std::int64_t task, const std::string& job = "job") {
  wire::Offer o;
  o.job = job;
  o.task = task;
  o.base_version = task;
  o.examples = 12;
  o.metrics = {{"loss", 0.25}};
  return o;
}

Bytes update(std::size_t bytes, std::uint8_t seed = 1) {
  Bytes content(bytes);
  for (std::size_t i = 0; i < bytes; ++i) content[i] = static_cast<std::uint8_t>(i * 7 + seed);
  return content;
}

Outbox open(const fs::path& folder) {
  auto outbox = Outbox::open(fed::real_disk(), folder, storage_key());
  REQUIRE(outbox);
  return std::move(*outbox);
}

std::size_t file_count(const fs::path& folder) {
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

Bytes content(const Outbox& outbox, const wire::Offer& of) {
  const auto file = outbox.update(of.job, of.task);
  REQUIRE(file);
  Bytes bytes(of.bytes);
  REQUIRE(file->read_at(0, bytes));
  return bytes;
}

void write(const fs::path& path, ByteView bytes) {
  REQUIRE(replace_file(path, bytes, Durability::process));
}

}  // namespace

TEST_CASE("what was put is there after a restart") {
  Scratch scratch;
  const fs::path folder = scratch.path() / "outbox";
  const Outbox before = open(folder);
  CHECK(before.offers().empty());
  const auto kept = before.put(offer(3), update(1000));
  REQUIRE(kept);
  CHECK(kept->bytes == 1000);
  CHECK(kept->checksum == checksum(update(1000)));
  CHECK(kept->body.empty());

  const Outbox after = open(folder);
  REQUIRE(after.offers().size() == 1);
  const wire::Offer& found = after.offers()[0];
  CHECK(found.job == "job");
  CHECK(found.task == 3);
  CHECK(found.base_version == 3);
  CHECK(found.examples == 12);
  CHECK(found.metrics == wire::Metrics{{"loss", 0.25}});
  CHECK(content(after, found) == update(1000));
}

TEST_CASE("an update replaces that of the same task, and no other") {
  Scratch scratch;
  const Outbox outbox = open(scratch.path());
  REQUIRE(outbox.put(offer(3), update(1000)));
  REQUIRE(outbox.put(offer(4), update(10)));
  REQUIRE(outbox.put(offer(3, "other"), update(20)));
  REQUIRE(outbox.put(offer(3), update(500, 9)));
  const Outbox after = open(scratch.path());
  REQUIRE(after.offers().size() == 3);
  for (const wire::Offer& found : after.offers()) {
    const bool replaced = found.job == "job" && found.task == 3;
    if (replaced) CHECK(content(after, found) == update(500, 9));
    if (found.task == 4) CHECK(content(after, found) == update(10));
  }
}

TEST_CASE("what is dropped is gone") {
  Scratch scratch;
  const Outbox outbox = open(scratch.path());
  REQUIRE(outbox.put(offer(3), update(1000)));
  REQUIRE(outbox.drop("job", 3));
  CHECK(file_count(scratch.path()) == 0);
  CHECK_FALSE(outbox.update("job", 3));
  CHECK(outbox.drop("job", 3));  // once more is no error
}

TEST_CASE("an update may have no bytes, or more than one buffer") {
  const std::size_t bytes = GENERATE(0u, 1u, (1u << 20), (1u << 20) + 1);
  Scratch scratch;
  REQUIRE(open(scratch.path()).put(offer(1), update(bytes)));
  const Outbox after = open(scratch.path());
  REQUIRE(after.offers().size() == 1);
  CHECK(content(after, after.offers()[0]) == update(bytes));
}

TEST_CASE("leftovers of an interrupted write are removed") {
  Scratch scratch;
  REQUIRE(open(scratch.path()).put(offer(3), update(1000)));
  const std::string left = GENERATE(as<std::string>(), "job.4.update", "job.4.update.tmp",
                                    "job.4.offer.tmp", "job.3.update.tmp", "job.3.offer.tmp");
  write(scratch.path() / left, update(50));
  const Outbox after = open(scratch.path());
  CHECK(after.offers().size() == 1);
  CHECK(file_count(scratch.path()) == 2);
  CHECK(open(scratch.path()).offers().size() == 1);
}

TEST_CASE("an offer whose update is not what it names does not exist") {
  Scratch scratch;
  REQUIRE(open(scratch.path()).put(offer(3), update(1000)));
  const fs::path file = scratch.path() / "job.3.update";
  SECTION("absent") { REQUIRE(remove_file(file)); }
  SECTION("shorter") { fs::resize_file(file, fs::file_size(file) - 1); }
  SECTION("longer") { fs::resize_file(file, fs::file_size(file) + 1); }
  SECTION("empty") { fs::resize_file(file, 0); }
  SECTION("one bit is another") {
    Bytes bytes = read_file(file, 1 << 20).value();
    bytes[500] ^= 1;
    write(file, bytes);
  }
  const Outbox after = open(scratch.path());
  CHECK(after.offers().empty());
  CHECK(after.findings().damaged == std::vector<std::string>{"job.3.offer"});
  CHECK(file_count(scratch.path()) == 0);
}

TEST_CASE("an offer that is torn anywhere does not exist") {
  Scratch scratch;
  REQUIRE(open(scratch.path()).put(offer(3), update(10)));
  const fs::path file = scratch.path() / "job.3.offer";
  const auto whole = read_file(file, 1 << 20);
  REQUIRE(whole);
  for (std::size_t bytes = 0; bytes < whole->size(); bytes += 7) {
    write(scratch.path() / "job.3.update", update(10));
    write(file, ByteView(*whole).first(bytes));
    INFO(bytes << " of " << whole->size() << " bytes");
    CHECK(open(scratch.path()).offers().empty());
    CHECK(file_count(scratch.path()) == 0);
  }
}

TEST_CASE("an offer under another task's name does not exist") {
  Scratch scratch;
  REQUIRE(open(scratch.path()).put(offer(3), update(10)));
  fs::copy_file(scratch.path() / "job.3.offer", scratch.path() / "job.5.offer");
  CHECK(open(scratch.path()).offers().size() == 1);
  CHECK(file_count(scratch.path()) == 2);
}

TEST_CASE("a file that is no offer at all is removed, however large") {
  Scratch scratch;
  write(scratch.path() / "job.9.offer", update(1 << 20));
  CHECK(open(scratch.path()).offers().empty());
  CHECK(file_count(scratch.path()) == 0);
}

TEST_CASE("a look at an outbox changes nothing") {
  Scratch scratch;
  const StorageKey key = storage_key(), other = storage_key(2);
  CHECK(list_offers(fed::real_disk(), scratch.path() / "none", &key)->offers.empty());
  REQUIRE(open(scratch.path()).put(offer(3), update(10)));
  write(scratch.path() / "job.4.update", update(50));
  const auto listing = list_offers(fed::real_disk(), scratch.path(), &key);
  REQUIRE(listing);
  REQUIRE(listing->offers.size() == 1);
  CHECK(listing->offers[0].task == 3);
  CHECK(listing->offers[0].metrics == wire::Metrics{{"loss", 0.25}});
  CHECK(listing->unreadable == 0);
  for (const StorageKey* none : {&other, static_cast<const StorageKey*>(nullptr)}) {
    const auto blind = list_offers(fed::real_disk(), scratch.path(), none);
    REQUIRE(blind);
    CHECK(blind->offers.empty());
    CHECK(blind->unreadable == 1);
  }
  CHECK(file_count(scratch.path()) == 3);
}
