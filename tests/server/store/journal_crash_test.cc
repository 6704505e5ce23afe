// The journal when the machine misbehaves: a full disk, damage. Crashes are in
// tests/sim/durability_test.cc.
#include <algorithm>
#include <catch2/catch.hpp>

#include "journal_life.h"

using fed::Bytes;
using fed::Durability;
using fed::ErrorCode;
using fed::store::JobProgress;
using fed::store::Journal;
using namespace fed::store::testing;
namespace fs = std::filesystem;

namespace {

// Does steps until the disk is full; how many were acknowledged.
std::size_t live_on(const fs::path& path, std::uint64_t bytes_max) {
  auto opened = Journal::open(fed::real_disk(), path, {Durability::process, bytes_max});
  if (!opened) {
    CHECK(opened.error().code == ErrorCode::disk_full);
    return 0;
  }
  std::size_t done = 0;
  for (const auto& attempt : attempts()) {
    const fed::Status status = attempt(*opened);
    if (!status) {
      CHECK(status.error().code == ErrorCode::disk_full);
      return done;
    }
    ++done;
  }
  return done;
}

}  // namespace

TEST_CASE("journal: a step that fails in the middle changes nothing") {
  Registry registry;
  registry->add_job("fashion", "{}", "running", kNow).value();
  auto bad = start(1, 1);
  bad.cohort = {{1, 10}, {2, 10}, {1, 10}};  // the third row clashes with the first
  CHECK(registry->begin_round(bad).error().code == ErrorCode::already_exists);
  CHECK(registry->history("fashion").value().empty());
  registry->begin_round(start(1, 1)).value();
}

TEST_CASE("journal: with room for any number of pages, what was acknowledged is there") {
  std::size_t refusals = 0;
  bool complete = false;
  for (std::uint64_t pages = 1; !complete; ++pages) {
    REQUIRE(pages < 100);
    Folder folder;
    const fs::path path = folder / "registry.db";
    const std::size_t done = live_on(path, pages * 4096);
    complete = done == attempts().size();
    refusals += complete ? 0 : 1;
    // With room again, exactly these steps are there, and life goes on.
    Journal journal = Journal::open(fed::real_disk(), path).value();
    REQUIRE(steps_seen(journal) == done);
    for (std::size_t next = done; next < attempts().size(); ++next) {
      attempts()[next](journal).value();
      REQUIRE(steps_seen(journal) == next + 1);
    }
  }
  CHECK(refusals > 5);
}

TEST_CASE("journal: full, it refuses, keeps all it has, and goes on when there is room") {
  Registry registry({Durability::process, 256 << 10});
  registry->add_job("fashion", "{}", "running", kNow).value();
  auto round = start(1, 1);
  registry->begin_round(round).value();
  std::int64_t kept = 0;
  fed::Status status;
  while (true) {
    auto contribution = accepted(1, kept);
    contribution.metrics.assign(3000, 'x');
    status = accept(*registry, contribution);
    if (!status) break;
    REQUIRE(++kept < 1000);
  }
  CHECK(status.error().code == ErrorCode::disk_full);
  CHECK(kept > 20);
  CHECK(registry->contributions("fashion", 1).value().size() == static_cast<std::size_t>(kept));
  CHECK(accept(*registry, accepted(1, 0)).has_value());  // known already
  CHECK(registry.anew().contributions("fashion", 1).value().size() ==
        static_cast<std::size_t>(kept));
  registry.set({Durability::process, 0});
  registry.anew().commit_round(commit(1, 1)).value();
  CHECK(registry.anew().find_job("fashion").value().version == 1);
}

TEST_CASE("journal: damage is noticed when it is opened") {
  Registry registry;
  for (int i = 0; i < 50; ++i)
    registry->add_job("job" + std::to_string(i), std::string(500, '{'), "running", kNow).value();
  registry.close();
  const Bytes sound = content(registry.path());
  const auto open_with = [&](const Bytes& bytes) {
    fed::replace_file(registry.path(), bytes, Durability::process).value();
    return Journal::open(fed::real_disk(), registry.path());
  };
  CHECK(open_with(sound).has_value());

  Bytes not_one = sound;
  std::ranges::copy(fed::view("This is not a database at all"), not_one.begin());
  CHECK(open_with(not_one).error().code == ErrorCode::malformed);
  Bytes torn = sound;
  std::fill(torn.begin() + 5 * 4096, torn.begin() + 8 * 4096, std::uint8_t{0xff});
  const auto refused = open_with(torn);
  REQUIRE(refused.has_error());
  CHECK(refused.error().code == ErrorCode::malformed);
  CHECK(refused.error().detail.find("backup") != std::string::npos);
  Bytes half(sound.begin(), sound.begin() + static_cast<std::ptrdiff_t>(sound.size() / 2));
  CHECK(open_with(half).error().code == ErrorCode::malformed);
}

TEST_CASE("journal: of a newer program it says so") {
  Registry registry;
  *registry;
  registry.close();
  Bytes bytes = content(registry.path());
  CHECK(bytes[63] == 2);  // user_version, the big-endian word at 60 of the file's header
  bytes[63] = 3;
  fed::replace_file(registry.path(), bytes, Durability::process).value();
  const auto refused = Journal::open(fed::real_disk(), registry.path());
  REQUIRE(refused.has_error());
  CHECK(refused.error().code == ErrorCode::unsupported);
  CHECK(refused.error().detail.find("newer fedserver") != std::string::npos);
  CHECK(content(registry.path()) == bytes);
}

TEST_CASE("journal: a folder that is not there, a file that cannot be written") {
  Folder folder;
  CHECK(Journal::open(fed::real_disk(), folder / "missing/registry.db").error().code ==
        ErrorCode::not_found);
}
