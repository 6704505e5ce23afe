// The journal when the machine misbehaves: copies taken at any moment, logs cut off, damage, a full
// disk.
#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>

#include "registry.h"

using fed::Bytes;
using fed::Durability;
using fed::ErrorCode;
using fed::store::JobProgress;
using fed::store::Journal;
using namespace fed::store::testing;
namespace fs = std::filesystem;

namespace {

// What a crash leaves: the file and its log as they are now. The log's index is in memory and lost.
void copy_as_crashed(const fs::path& from, const fs::path& to) {
  fs::remove(to.string() + "-wal");
  fs::copy_file(from, to, fs::copy_options::overwrite_existing);
  if (fs::exists(from.string() + "-wal"))
    fs::copy_file(from.string() + "-wal", to.string() + "-wal");
}

// A life, step by step; wide rows, so that a full disk strikes at many places.
std::vector<std::function<fed::Status(Journal&)>> attempts() {
  const std::string wide(3000, 'x');
  const auto contribution = [=](std::int64_t round, std::int64_t client) {
    auto made = accepted(round, client);
    made.metrics = wide;
    return made;
  };
  auto first = commit(1, 1);
  first.metrics = wide;
  first.contributions = {{1, 1}, {1, 2}};
  return {
      [](Journal& j) { return j.add_invite(invite(1, "north")); },
      [](Journal& j) -> fed::Status {
        FED_TRY(j.take_invite(invite(1, "").id, key(11), key(21), kNow));
        return {};
      },
      [=](Journal& j) { return j.add_job("fashion", wide, "running", kNow); },
      [](Journal& j) { return j.begin_round(start(1, 1)); },
      [=](Journal& j) { return j.accept_contribution(contribution(1, 1)); },
      [=](Journal& j) { return j.accept_contribution(contribution(1, 2)); },
      [](Journal& j) { return j.set_round_state("fashion", 1, 1, "closing", 0); },
      [=](Journal& j) { return j.commit_round(first); },
      [](Journal& j) { return j.begin_round(start(2, 1)); },
      [=](Journal& j) { return j.accept_contribution(contribution(2, 5)); },
      [](Journal& j) {
        return j.open_tasks("fashion", {{7, 1, 1, 10}, {8, 2, 1, 10}});
      },
      [](Journal& j) { return j.end_task("fashion", 7); },
  };
}

std::vector<std::function<void(Journal&)>> steps() {
  std::vector<std::function<void(Journal&)>> made;
  for (const auto& attempt : attempts()) {
    made.emplace_back([attempt](Journal& journal) { attempt(journal).value(); });
  }
  return made;
}

// How many of the steps a journal shows: each leaves a trace of its own.
std::size_t steps_seen(Journal& journal) {
  const bool joined = !journal.clients().value().empty();
  if (!joined) return journal.invites().value().empty() ? 0 : 1;
  if (journal.jobs().value().empty()) return 2;
  const JobProgress progress = journal.load_job_progress("fashion").value();
  if (progress.job.version == 1) {
    if (!progress.open) return 8;
    CHECK(progress.open == start(2, 1));
    if (progress.tasks.empty()) return 9 + progress.contributions.size();
    return progress.tasks.size() == 2 ? 11 : 12;
  }
  if (!progress.open) return 3;
  return 4 + progress.contributions.size() + (progress.open_state == "closing" ? 1 : 0);
}

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

TEST_CASE("journal: killed after any step, it has all the steps") {
  for (const Durability durability : {Durability::process, Durability::power}) {
    Registry registry({durability, 0});
    Folder crashed;
    std::size_t done = 0;
    for (const auto& step : steps()) {
      step(*registry);
      ++done;
      copy_as_crashed(registry.path(), crashed / "registry.db");
      Journal copy = Journal::open(fed::real_disk(), crashed / "registry.db").value();
      REQUIRE(steps_seen(copy) == done);
    }
  }
}

TEST_CASE(
    "journal: with its log cut off anywhere, it is as after one of the steps, never in between") {
  Registry registry;
  const auto all = steps();
  *registry;
  for (const auto& step : all) step(*registry);
  Folder crashed;
  const std::uintmax_t log = fs::file_size(registry.path().string() + "-wal");
  std::size_t before = 0;
  for (std::uintmax_t size = 0; size <= log; size += 311) {
    copy_as_crashed(registry.path(), crashed / "registry.db");
    fs::resize_file((crashed / "registry.db").string() + "-wal", size);
    Journal copy = Journal::open(fed::real_disk(), crashed / "registry.db").value();
    const std::size_t seen = steps_seen(copy);
    REQUIRE(seen >= before);
    before = seen;
  }
  CHECK(before >= all.size() - 1);
}

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
    status = registry->accept_contribution(contribution);
    if (!status) break;
    REQUIRE(++kept < 1000);
  }
  CHECK(status.error().code == ErrorCode::disk_full);
  CHECK(kept > 20);
  CHECK(registry->contributions("fashion", 1).value().size() == static_cast<std::size_t>(kept));
  CHECK(registry->accept_contribution(accepted(1, 0)).has_value());  // known already
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
  CHECK(bytes[63] == 1);  // user_version, the big-endian word at 60 of the file's header
  bytes[63] = 2;
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
