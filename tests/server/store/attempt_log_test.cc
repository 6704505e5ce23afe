#include "store/attempt_log.h"

#include <catch2/catch.hpp>

#include "folder.h"
#include "sim/sim_disk.h"

namespace fed::store {
namespace {

Bytes bytes(std::string_view text) { return {text.begin(), text.end()}; }

struct Bench {
  testing::Folder folder;
  AttemptLogs logs{real_disk(), folder / "secure", Durability::power};

  AttemptLogs::Found found(std::int64_t round = 3) const {
    auto last = logs.last("job", round);
    REQUIRE(last.has_value());
    REQUIRE(last->has_value());
    return std::move(**last);
  }
  fs::path file(const char* name) const { return folder / "secure" / "job" / name; }
};

const LogEntry kFirst{9, 0, bytes("who was invited")};
const LogEntry kSecond{1, 42, bytes("keys")};
const LogEntry kThird{2, -1, {}};

TEST_CASE("a log has what was appended to it, and goes on where it ended") {
  Bench bench;
  CHECK_FALSE(bench.logs.last("job", 3)->has_value());
  {
    auto log = bench.logs.begin("job", 3, kFirst);
    REQUIRE(log.has_value());
    CHECK(log->attempt() == 1);
    REQUIRE(log->append(kSecond).has_value());
    REQUIRE(log->sync().has_value());
  }
  auto found = bench.found();
  CHECK(found.log.attempt() == 1);
  CHECK(found.entries == std::vector{kFirst, kSecond});
  REQUIRE(found.log.append(kThird).has_value());
  CHECK(bench.found().entries == std::vector{kFirst, kSecond, kThird});
  CHECK_FALSE(bench.logs.last("job", 4)->has_value());
}

TEST_CASE("attempts are numbered in their job, and only the last one's log stays") {
  Bench bench;
  REQUIRE(bench.logs.begin("job", 3, kFirst)->attempt() == 1);
  REQUIRE(bench.logs.begin("job", 3, kFirst)->attempt() == 2);
  CHECK_FALSE(fs::exists(bench.file("3.1.log")));
  CHECK(bench.found().log.attempt() == 2);
  REQUIRE(bench.logs.begin("job", 4, kFirst)->attempt() == 3);
  CHECK_FALSE(fs::exists(bench.file("3.2.log")));
  CHECK(fs::exists(bench.file("4.3.log")));
  REQUIRE(bench.logs.remove("job").has_value());
  CHECK_FALSE(fs::exists(bench.folder / "secure" / "job"));
  CHECK(bench.logs.remove("job").has_value());
}

TEST_CASE("a log that was cut off, or whose last entry is damaged, ends before it") {
  Bench bench;
  const auto write = [&] {
    REQUIRE(bench.logs.remove("job").has_value());
    auto log = bench.logs.begin("job", 3, kFirst);
    REQUIRE(log->append(kSecond).has_value());
  };
  write();
  const auto whole = fs::file_size(bench.file("3.1.log"));
  const auto first = whole - (4 + 9 + 4 + 16);
  for (auto size = first; size < whole; ++size) {
    write();
    fs::resize_file(bench.file("3.1.log"), size);
    auto found = bench.found();
    CHECK(found.entries == std::vector{kFirst});
    REQUIRE(found.log.append(kThird).has_value());
    CHECK(bench.found().entries == std::vector{kFirst, kThird});
  }
  for (auto at = first; at < whole; ++at) {
    write();
    auto content = *read_file(bench.file("3.1.log"), 1000);
    content[at] ^= 1;
    REQUIRE(replace_file(bench.file("3.1.log"), content, Durability::process).has_value());
    CHECK(bench.found().entries == std::vector{kFirst});
  }
  fs::resize_file(bench.file("3.1.log"), first - 1);
  CHECK_FALSE(bench.logs.last("job", 3)->has_value());
  // Its number is used up all the same: clients may have seen it.
  CHECK(bench.logs.begin("job", 3, kFirst)->attempt() == 2);
}

// The process dies at any moment of a beginning; another one goes on with what it finds, and then
// the power is cut.
TEST_CASE("an attempt that was gone on with keeps its number, whatever happened at its beginning") {
  std::size_t gone_on = 0;
  for (std::uint64_t at = 1; at <= 40; ++at) {
    sim::SimDisk disk({.seed = at});
    make_durable_folder(disk, "/state", Durability::power).value();
    const AttemptLogs logs{disk, "/state/secure", Durability::power};
    disk.set_faults({.crash_at = disk.operations() + at});
    static_cast<void>(logs.begin("job", 3, kFirst));
    disk.stop();
    disk.restart(sim::Crash::process);
    const auto found = logs.last("job", 3);
    const bool goes_on = found.has_value() && found->has_value();
    disk.stop();
    disk.restart(sim::Crash::power);
    const auto next = logs.begin("job", 4, kFirst);
    REQUIRE(next.has_value());
    if (!goes_on) continue;
    ++gone_on;
    CHECK(next->attempt() == 2);
  }
  CHECK(gone_on > 0);
}

}  // namespace
}  // namespace fed::store
