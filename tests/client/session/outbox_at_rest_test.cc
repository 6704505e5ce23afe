// What an outbox shows to somebody who has the disk: nothing; and what becomes of it when the key
// is another one, or was none.
#include <catch2/catch.hpp>

#include "../storage_key.h"
#include "../testing.h"
#include "session/outbox.h"
#include "session/sealed_file.h"
#include "sim/sim_disk.h"

using namespace fed;
using namespace fed::session;
using fed::test::Scratch;
using fed::test::storage_key;

namespace {

constexpr double kMetric = 0.123456789;
const std::string kMetricName = "a-metric-of-this-site";

// Recognisable in every eighth byte string of it.
Bytes marked(std::size_t bytes) {
  const std::string mark = "THE-SITE";
  Bytes content(bytes);
  for (std::size_t i = 0; i < bytes; ++i) content[i] = static_cast<std::uint8_t>(mark[i % 8]);
  return content;
}

wire::Offer offer(std::int64_t task) {
  wire::Offer o;
  o.job = "job";
  o.task = task;
  o.examples = 12;
  o.metrics = {{kMetricName, kMetric}};
  return o;
}

bool holds(ByteView file, ByteView part) {
  return text(file).find(text(part)) != std::string::npos;
}

// Whether a byte of any file or name under `folder` tells of an update or its metrics.
bool tells(const fs::path& folder) {
  Bytes metric(sizeof kMetric);
  std::memcpy(metric.data(), &kMetric, sizeof kMetric);
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    const Bytes file = read_file(entry.path(), 1 << 30).value();
    if (holds(file, view("THE-SITE")) || holds(file, view(kMetricName)) || holds(file, metric)) {
      return true;
    }
  }
  return false;
}

Outbox open(const fs::path& folder, std::uint8_t key = 1, Disk& disk = real_disk()) {
  auto outbox = Outbox::open(disk, folder, storage_key(key));
  REQUIRE(outbox);
  return std::move(*outbox);
}

Bytes content(const Outbox& outbox, const wire::Offer& of) {
  Bytes bytes(of.bytes);
  outbox.update(of.job, of.task).value().read_at(0, bytes).value();
  return bytes;
}

// As an earlier version kept it.
void put_in_clear(Disk& disk, const fs::path& folder, wire::Offer of, ByteView update) {
  of.bytes = update.size();
  of.checksum = checksum(update);
  const std::string stem = (folder / (of.job + "." + std::to_string(of.task))).string();
  REQUIRE(replace_file(disk, stem + ".update", update, Durability::power));
  REQUIRE(replace_file(disk, stem + ".offer", wire::encode(of), Durability::power));
}

std::size_t file_count(const fs::path& folder) {
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("no byte on the disk tells of an update or of its metrics") {
  Scratch scratch;
  put_in_clear(real_disk(), scratch.path(), offer(1), marked(100));
  REQUIRE(tells(scratch.path()));  // the test would see it
  REQUIRE(fs::remove(scratch.path() / "job.1.update"));
  REQUIRE(tells(scratch.path()));  // and the metrics alone
  REQUIRE(fs::remove(scratch.path() / "job.1.offer"));

  const Outbox outbox = open(scratch.path());
  for (const std::size_t bytes : {8u, 1000u, 200'000u, 2'000'000u}) {
    REQUIRE(outbox.put(offer(static_cast<std::int64_t>(bytes)), marked(bytes)));
  }
  CHECK(file_count(scratch.path()) == 8);
  CHECK_FALSE(tells(scratch.path()));
}

TEST_CASE("files of two updates that change places are refused and removed") {
  Scratch scratch;
  REQUIRE(open(scratch.path()).put(offer(3), marked(1000)));
  REQUIRE(open(scratch.path()).put(offer(4), marked(1000)));
  const fs::path three = scratch.path() / "job.3.update", four = scratch.path() / "job.4.update";
  fs::rename(three, scratch.path() / "aside");
  fs::rename(four, three);
  fs::rename(scratch.path() / "aside", four);
  const Outbox after = open(scratch.path());
  CHECK(after.offers().empty());
  CHECK(after.findings().damaged == Names{"job.3.offer", "job.4.offer"});
  CHECK(file_count(scratch.path()) == 0);
  // Its task is done again.
  REQUIRE(after.put(offer(3), marked(500)));
  CHECK(open(scratch.path()).offers().size() == 1);
}

TEST_CASE("an older update of the same task beside the newer offer is refused") {
  Scratch scratch;
  REQUIRE(open(scratch.path()).put(offer(3), marked(1000)));
  const Bytes older = read_file(scratch.path() / "job.3.update", 1 << 20).value();
  REQUIRE(open(scratch.path()).put(offer(3), Bytes(1000, 1)));
  REQUIRE(replace_file(scratch.path() / "job.3.update", older, Durability::process));
  CHECK(open(scratch.path()).offers().empty());
}

TEST_CASE("an update that an earlier version kept in clear is taken over and sealed") {
  const std::size_t bytes = GENERATE(0u, 8u, 65536u, 200'000u);
  Scratch scratch;
  const Bytes update = marked(bytes);
  put_in_clear(real_disk(), scratch.path(), offer(3), update);
  put_in_clear(real_disk(), scratch.path(), offer(4), Bytes(10, 1));
  const StorageKey key = storage_key();
  CHECK(list_offers(real_disk(), scratch.path(), &key)->offers.size() == 2);
  CHECK(list_offers(real_disk(), scratch.path(), nullptr)->offers.size() == 2);

  const Outbox outbox = open(scratch.path());
  REQUIRE(outbox.offers().size() == 2);
  CHECK(outbox.findings().in_clear == Names{"job.3.offer", "job.4.offer"});
  CHECK(outbox.findings().damaged.empty());
  CHECK(outbox.offers()[0].metrics == wire::Metrics{{kMetricName, kMetric}});
  CHECK(content(outbox, outbox.offers()[0]) == update);
  CHECK_FALSE(tells(scratch.path()));
  CHECK(file_count(scratch.path()) == 4);

  const Outbox again = open(scratch.path());
  CHECK(again.findings().in_clear.empty());
  REQUIRE(again.offers().size() == 2);
  CHECK(content(again, again.offers()[0]) == update);
}

TEST_CASE("an update in clear that is not whole is removed") {
  Scratch scratch;
  put_in_clear(real_disk(), scratch.path(), offer(3), marked(1000));
  fs::resize_file(scratch.path() / "job.3.update", 999);
  CHECK(open(scratch.path()).offers().empty());
  CHECK(file_count(scratch.path()) == 0);
}

TEST_CASE("an update in clear beside a sealed offer was not put there by an earlier version") {
  Scratch scratch;
  REQUIRE(open(scratch.path()).put(offer(3), marked(1000)));
  REQUIRE(replace_file(scratch.path() / "job.3.update", marked(1000), Durability::process));
  const Outbox after = open(scratch.path());
  CHECK(after.offers().empty());
  CHECK(after.findings().damaged == Names{"job.3.offer"});
  CHECK_FALSE(tells(scratch.path()));
}

TEST_CASE("the taking over of an update in clear survives a stop at every operation") {
  const auto crash = GENERATE(sim::Crash::process, sim::Crash::power);
  const Bytes update = marked(70'000);
  bool stopped = true;
  std::uint64_t n = 0;
  for (; stopped; ++n) {
    sim::SimDisk disk({.seed = n});
    REQUIRE(make_folder(disk, "/outbox", Durability::power));
    put_in_clear(disk, "/outbox", offer(3), update);
    disk.set_faults({.crash_at = disk.operations() + n + 1});
    static_cast<void>(Outbox::open(disk, "/outbox", storage_key()));
    stopped = disk.stopped();
    disk.stop();
    disk.restart(crash);
    INFO("operation " << n + 1);
    const Outbox after = open("/outbox", 1, disk);
    REQUIRE(after.offers().size() == 1);
    REQUIRE(content(after, after.offers()[0]) == update);
    REQUIRE(is_sealed(disk, "/outbox/job.3.update").value());
    REQUIRE(is_sealed(disk, "/outbox/job.3.offer").value());
    disk.stop();
  }
  CHECK(n > 10);
}

TEST_CASE("what another key has sealed stays for it, and is in nobody's way") {
  Scratch scratch;
  REQUIRE(open(scratch.path()).put(offer(3), marked(1000)));
  REQUIRE(open(scratch.path()).put(offer(4), marked(2000)));

  const Outbox other = open(scratch.path(), 2);
  CHECK(other.offers().empty());
  CHECK(other.findings().other_key == Names{"job.3.offer", "job.4.offer"});
  CHECK(other.findings().damaged.empty());
  CHECK(other.update("job", 3).error().code == ErrorCode::mismatch);
  // The task is done again, under the key of now.
  REQUIRE(other.put(offer(3), marked(500)));
  const Outbox later = open(scratch.path(), 2);
  REQUIRE(later.offers().size() == 1);
  CHECK(content(later, later.offers()[0]) == marked(500));

  // The key is back: what it has sealed and nobody has replaced is there.
  const Outbox back = open(scratch.path(), 1);
  REQUIRE(back.offers().size() == 1);
  CHECK(back.offers()[0].task == 4);
  CHECK(content(back, back.offers()[0]) == marked(2000));
  CHECK(back.findings().other_key == Names{"job.3.offer"});
}

TEST_CASE("leftovers that another key has sealed are removed like all leftovers") {
  Scratch scratch;
  REQUIRE(open(scratch.path()).put(offer(3), marked(1000)));
  REQUIRE(fs::remove(scratch.path() / "job.3.offer"));
  const Outbox other = open(scratch.path(), 2);
  CHECK(other.findings().other_key.empty());
  CHECK(file_count(scratch.path()) == 0);
}
