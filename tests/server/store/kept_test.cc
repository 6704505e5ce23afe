// Kept updates: second names that outlive the first, replaced and removed round by round.
#include "store/kept.h"

#include <catch2/catch.hpp>

#include "folder.h"

namespace {

using fed::Bytes;
using fed::Durability;
using fed::ErrorCode;
using fed::store::Kept;
using fed::store::KeptUpdate;
using fed::store::testing::Folder;
namespace fs = std::filesystem;

struct World {
  Folder folder;
  Kept kept{fed::real_disk(), folder / "kept", Durability::process};

  fs::path staged(const std::string& name, const std::string& content) {
    const fs::path path = folder / name;
    REQUIRE(fed::replace_file(path, fed::view(content), Durability::process).has_value());
    return path;
  }
  std::string read(std::int64_t round, std::int64_t task, std::int64_t client) {
    const auto file = kept.open_update("job", round, task, client);
    if (!file) return std::string("error: ") + fed::name(file.error().code);
    Bytes bytes(file->size().value());
    REQUIRE(file->read_at(0, bytes).has_value());
    return {bytes.begin(), bytes.end()};
  }
};

TEST_CASE("a kept update outlives the name that it had in staging") {
  World world;
  const fs::path a = world.staged("a", "first"), b = world.staged("b", "second");
  const std::vector<KeptUpdate> updates = {{7, 1, a}, {7, 2, b}};
  REQUIRE(world.kept.keep("job", 3, updates, "{}").has_value());
  fs::remove(a);
  fs::remove(b);
  CHECK(world.read(3, 7, 1) == "first");
  CHECK(world.read(3, 7, 2) == "second");
  CHECK(world.kept.description("job", 3).value() == "{}");
  CHECK(world.read(3, 7, 3) == "error: not_found");
  CHECK(world.kept.description("job", 4).error().code == ErrorCode::not_found);
  CHECK(world.kept.description("other", 3).error().code == ErrorCode::not_found);
}

TEST_CASE("a round that is closed again replaces what was kept of it") {
  World world;
  const std::vector<KeptUpdate> before = {{7, 1, world.staged("a", "old")},
                                          {7, 2, world.staged("b", "old too")}};
  REQUIRE(world.kept.keep("job", 3, before, "before").has_value());
  const std::vector<KeptUpdate> after = {{7, 1, world.staged("c", "new")}};
  REQUIRE(world.kept.keep("job", 3, after, "after").has_value());
  CHECK(world.read(3, 7, 1) == "new");
  CHECK(world.read(3, 7, 2) == "error: not_found");
  CHECK(world.kept.description("job", 3).value() == "after");
}

TEST_CASE("an update that is not there is an error, and leaves no description") {
  World world;
  const std::vector<KeptUpdate> updates = {{7, 1, world.folder / "missing"}};
  CHECK(world.kept.keep("job", 3, updates, "{}").error().code == ErrorCode::not_found);
  CHECK(world.kept.description("job", 3).error().code == ErrorCode::not_found);
}

TEST_CASE("rounds are removed in the order of their numbers, and only of their job") {
  World world;
  const fs::path file = world.staged("a", "x");
  for (const std::int64_t round : {2, 9, 10, 11}) {
    REQUIRE(
        world.kept.keep("job", round, std::vector<KeptUpdate>{{round, 1, file}}, "{}").has_value());
  }
  REQUIRE(world.kept.keep("other", 2, std::vector<KeptUpdate>{{2, 1, file}}, "{}").has_value());
  fs::create_directory(world.folder / "kept" / "job" / "notes");
  REQUIRE(world.kept.prune("job", 10).has_value());
  CHECK(world.read(2, 2, 1) == "error: not_found");
  CHECK(world.read(9, 9, 1) == "error: not_found");
  CHECK(world.read(10, 10, 1) == "x");
  CHECK(world.read(11, 11, 1) == "x");
  CHECK(fs::exists(world.folder / "kept" / "job" / "notes"));
  CHECK(world.kept.description("other", 2).has_value());
  CHECK(world.kept.prune("unknown", 10).has_value());
}

}  // namespace
