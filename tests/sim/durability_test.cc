// Law 2, on a disk that is broken at every one of its operations: whatever keeps state keeps what
// it has acknowledged, opens again after anything, and goes on.
#include <catch2/catch.hpp>
#include <optional>

#include "../client/sealed_version.h"
#include "../client/storage_key.h"
#include "../server/store/journal_life.h"
#include "crypto/key_file.h"
#include "session/model_cache.h"
#include "session/outbox.h"
#include "sim/sim_disk.h"
#include "store/checkpoints.h"
#include "store/staging.h"

namespace fed::sim {
namespace {

const fs::path kState = "/state";

Bytes some_floats(std::size_t count, std::uint8_t seed) {
  Bytes bytes(count * 4);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>(i % 4 == 3 ? 0x3f : i * seed + i / 256);
  }
  return bytes;
}

// What a process that finds something on its disk makes of it: relies on it, as it is told that it
// is kept; does it again, unless it knows from elsewhere that it was acknowledged; or uses it while
// it is there.
enum class Found { kept, redone, cached };

// A keeper lives on a disk: `open` begins a process's life, then `step` is done `kSteps` times,
// each acknowledged by its success. `seen` says how many are there to be seen, and checks them.

struct JournalKeeper {
  static constexpr std::size_t kSteps = 12;
  static constexpr Found kFound = Found::kept;
  std::optional<store::Journal> journal;

  Status open(Disk& disk) {
    FED_ASSIGN(opened, store::Journal::open(disk, kState / "registry.db"));
    journal.emplace(std::move(opened));
    return {};
  }
  Status step(std::size_t i) { return store::testing::attempts()[i](*journal); }
  std::size_t seen(Disk&) { return store::testing::steps_seen(*journal); }
};

// Three times two updates that are finished together, of 2 to 7 pages, written in pieces that are
// no pages.
struct StagingKeeper {
  static constexpr std::size_t kSteps = 3;
  static constexpr Found kFound = Found::redone;
  std::unique_ptr<store::Staging> staging;

  static store::UploadKey key(std::size_t i) {
    return {"fashion", 7, static_cast<std::int64_t>(i)};
  }
  static Bytes update(std::size_t i) {
    return some_floats(2048 + i * 1024, static_cast<std::uint8_t>(i + 1));
  }
  Status open(Disk& disk) {
    FED_ASSIGN(opened, store::Staging::open(disk, kState / "staging", {}));
    staging = std::move(opened);
    return {};
  }
  Result<store::Upload> received(std::size_t i) {
    const Bytes bytes = update(i);
    FED_ASSIGN(upload, staging->receive(key(i), bytes.size(), checksum(bytes)));
    while (upload.offset() < bytes.size()) {
      const auto rest = ByteView(bytes).subspan(upload.offset());
      FED_TRY(upload.write(upload.offset(), rest.first(std::min<std::size_t>(rest.size(), 5000))));
    }
    return upload;
  }
  Status step(std::size_t i) {
    std::vector<store::Upload> uploads;
    for (const std::size_t each : {2 * i, 2 * i + 1}) {
      FED_ASSIGN(upload, received(each));
      uploads.push_back(std::move(upload));
    }
    for (const auto& facts : store::Upload::finish(uploads)) FED_TRY(facts);
    return {};
  }
  std::size_t seen(Disk&) {
    for (std::size_t i = 0; i < 2 * kSteps; ++i) {
      const Bytes bytes = update(i);
      const auto file = staging->open_complete(key(i), bytes.size());
      if (!file) return i / 2;
      Bytes back(bytes.size());
      file->read_at(0, back).value();
      if (back != bytes) return i / 2;
    }
    return kSteps;
  }
};

struct OutboxKeeper {
  static constexpr std::size_t kSteps = 3;
  static constexpr Found kFound = Found::kept;
  std::optional<session::Outbox> outbox;

  Status open(Disk& disk) {
    FED_ASSIGN(opened, session::Outbox::open(disk, kState / "outbox", test::storage_key()));
    outbox.emplace(std::move(opened));
    return {};
  }
  Status step(std::size_t i) {
    wire::Offer offer;
    offer.job = "fashion";
    offer.task = static_cast<std::int64_t>(i);
    FED_TRY(outbox->put(offer, StagingKeeper::update(i)));
    return {};
  }
  std::size_t seen(Disk& disk) {
    const auto again = session::Outbox::open(disk, kState / "outbox", test::storage_key());
    const auto& offers = again->offers();
    for (std::size_t i = 0; i < offers.size(); ++i) {
      REQUIRE(offers[i].task == static_cast<std::int64_t>(i));
      REQUIRE(offers[i].checksum == checksum(StagingKeeper::update(i)));
    }
    return offers.size();
  }
};

struct CheckpointsKeeper {
  static constexpr std::size_t kSteps = 3;
  static constexpr Found kFound = Found::redone;
  tensor::Layout layout;
  std::optional<store::Checkpoints> checkpoints;

  Status open(Disk& disk) {
    if (layout.size() == 0) layout.add("weight", {50, 40}).value();
    checkpoints.emplace(disk, kState / "checkpoints", Durability::power);
    return make_folder(disk, kState / "checkpoints", Durability::power);
  }
  Status step(std::size_t i) {
    const tensor::Floats weights(layout.size(), static_cast<float>(i) + 0.5f);
    return checkpoints->save({.job = "fashion",
                              .version = static_cast<std::int64_t>(i),
                              .layout = &layout,
                              .weights = weights,
                              .m = {},
                              .v = {},
                              .metadata = {}});
  }
  std::size_t seen(Disk&) {
    const auto versions = checkpoints->versions("fashion").value();
    for (const std::int64_t version : versions) {
      const auto loaded = checkpoints->load("fashion", version, layout).value();
      REQUIRE(loaded.weights == tensor::Floats(layout.size(), static_cast<float>(version) + 0.5f));
    }
    return versions.size();
  }
};

// Two models of two chunks.
struct ModelsKeeper {
  static constexpr std::size_t kSteps = 2;
  static constexpr Found kFound = Found::cached;
  std::optional<session::ModelCache> cache;

  static const test::Version& version(std::size_t i) {
    static const test::Version versions[] = {test::Version(test::kChunk + 400, 1),
                                             test::Version(test::kChunk + 800, 2)};
    return versions[i];
  }
  Status open(Disk& disk) {
    FED_ASSIGN(opened, session::ModelCache::open(disk, kState / "models"));
    cache.emplace(std::move(opened));
    return {};
  }
  Status step(std::size_t i) {
    FED_ASSIGN(there, cache->begin(version(i).ref));
    if (there == version(i).ref.bytes) return {};
    FED_ASSIGN(whole, cache->add(version(i).from(there)));
    return whole ? Status() : Error{ErrorCode::invalid, "incomplete"};
  }
  std::size_t seen(Disk& disk) {
    std::size_t i = 0;
    for (; i < kSteps; ++i) {
      const auto& ref = version(i).ref;
      Bytes into(ref.bytes);
      const Status read = session::read_weights(disk, cache->path(ref.hash), ref.hash, into);
      if (!read) break;
      REQUIRE(into == version(i).plain);
    }
    return i;
  }
};

struct KeyKeeper {
  static constexpr std::size_t kSteps = 1;
  static constexpr Found kFound = Found::kept;
  static inline const crypto::SecretKey key = crypto::SecretKey::random();
  Disk* disk = nullptr;

  Status open(Disk& on) {
    disk = &on;
    return {};
  }
  Status step(std::size_t) {
    const Status made = crypto::create_key_file(*disk, kState / "server.key", key);
    if (made || made.error().code != ErrorCode::already_exists) return made;
    FED_TRY(crypto::load_or_create_key_file(*disk, kState / "server.key"));
    return {};
  }
  std::size_t seen(Disk&) {
    if (!disk->inspect(kState / "server.key")) return 0;
    const auto loaded = crypto::load_or_create_key_file(*disk, kState / "server.key");
    REQUIRE(loaded.has_value());
    REQUIRE(crypto::constant_time_equal(loaded->view(), key.view()));
    return 1;
  }
};

template <class Keeper>
std::size_t live(Keeper& keeper, Disk& disk, std::size_t from = 0) {
  if (!keeper.open(disk)) return from;
  while (from < Keeper::kSteps && keeper.step(from)) ++from;
  return from;
}

std::unique_ptr<SimDisk> new_disk(std::uint64_t seed) {
  auto disk = std::make_unique<SimDisk>(SimDiskOptions{.seed = seed});
  make_folder(*disk, kState, Durability::power).value();
  return disk;
}

// Opens what a crash has left, after `done` acknowledged steps, and lives on to the end, when the
// machine stops.
template <class Keeper>
void check_after(SimDisk& disk, std::size_t done) {
  Keeper keeper;
  keeper.open(disk).value();
  const std::size_t seen = keeper.seen(disk);
  REQUIRE(seen >= done);
  for (std::size_t i = Keeper::kFound == Found::kept ? seen : done; i < Keeper::kSteps; ++i) {
    // A part with holes is noticed at its end, and then there is none.
    if (!keeper.step(i)) keeper.step(i).value();
  }
  REQUIRE(keeper.seen(disk) == Keeper::kSteps);
  disk.stop();
}

// The machine stops in operation 1, 2, 3, ... How many there were.
template <class Keeper>
std::uint64_t stop_everywhere(Crash crash, std::uint64_t seed) {
  for (std::uint64_t n = 1;; ++n) {
    const auto disk = new_disk(mix_seed({seed, n}));
    disk->set_faults({.crash_at = disk->operations() + n});
    std::size_t done = 0;
    bool stopped = false;
    {
      Keeper keeper;
      done = live(keeper, *disk);
      stopped = disk->stopped();
      if (!stopped) REQUIRE(done == Keeper::kSteps);
      disk->stop();
    }
    INFO("operation " << n << " of seed " << seed);
    disk->restart(crash);
    check_after<Keeper>(*disk, done);
    disk->restart(Crash::power);
    check_after<Keeper>(*disk, Keeper::kFound == Found::cached ? 0 : Keeper::kSteps);
    if (!stopped) return n - 1;
  }
}

// Operation n is an error: the process tries the step once more, lives on, and then the power goes.
template <class Keeper>
void fail_everywhere(std::uint64_t seed, std::uint64_t operations) {
  for (std::uint64_t n = 1; n <= operations; ++n) {
    INFO("operation " << n << " of seed " << seed);
    const auto disk = new_disk(mix_seed({seed, n}));
    disk->set_faults({.fail_at = {disk->operations() + n}});
    {
      Keeper keeper;
      if (!keeper.open(*disk)) keeper.open(*disk).value();
      for (std::size_t i = 0; i < Keeper::kSteps; ++i) {
        if (!keeper.step(i)) keeper.step(i).value();
      }
      disk->stop();
    }
    disk->restart(Crash::power);
    check_after<Keeper>(*disk, Keeper::kFound == Found::cached ? 0 : Keeper::kSteps);
  }
}

// Whether the keeper loses something on a disk that only says that it has done sync `n`, if the
// power goes after some step.
template <class Keeper>
bool needs_sync(std::uint64_t n) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    const std::size_t steps = 1 + seed % Keeper::kSteps;
    const auto disk = new_disk(seed);
    disk->set_faults({.ignore_syncs = {disk->syncs() + n}});
    {
      Keeper keeper;
      keeper.open(*disk).value();
      for (std::size_t i = 0; i < steps; ++i) keeper.step(i).value();
      disk->stop();
    }
    disk->restart(Crash::power);
    Keeper again;
    if (!again.open(*disk) || again.seen(*disk) < steps) return true;
  }
  return false;
}

template <class Keeper>
std::uint64_t syncs_of_life() {
  const auto disk = new_disk(1);
  const std::uint64_t before = disk->syncs();
  Keeper keeper;
  REQUIRE(live(keeper, *disk) == Keeper::kSteps);
  return disk->syncs() - before;
}

}  // namespace

TEMPLATE_TEST_CASE("what is acknowledged survives a stop at every operation", "", JournalKeeper,
                   StagingKeeper, OutboxKeeper, CheckpointsKeeper, ModelsKeeper, KeyKeeper) {
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    const std::uint64_t operations = stop_everywhere<TestType>(Crash::process, seed);
    CHECK(stop_everywhere<TestType>(Crash::power, seed) == operations);
    CHECK(operations >= 6);
  }
}

TEMPLATE_TEST_CASE("what is acknowledged after an error at any operation survives a power cut", "",
                   JournalKeeper, StagingKeeper, OutboxKeeper, CheckpointsKeeper, ModelsKeeper,
                   KeyKeeper) {
  const std::uint64_t operations = stop_everywhere<TestType>(Crash::process, 1);
  for (std::uint64_t seed = 0; seed < 5; ++seed) fail_everywhere<TestType>(seed, operations);
}

// The mutation that leaves one of them out is caught, for each.
TEST_CASE("without any one of its syncs, staging loses what it has acknowledged") {
  const std::uint64_t syncs = syncs_of_life<StagingKeeper>();
  CHECK(syncs == 3 + 3 * StagingKeeper::kSteps);  // two files and their folder
  for (std::uint64_t n = 1; n <= syncs; ++n) {
    INFO("sync " << n << " of " << syncs);
    CHECK(needs_sync<StagingKeeper>(n));
  }
}

TEST_CASE("a registry whose log is not synced loses what it has acknowledged") {
  std::size_t needed = 0;
  const std::uint64_t syncs = syncs_of_life<JournalKeeper>();
  for (std::uint64_t n = 1; n <= syncs; ++n) needed += needs_sync<JournalKeeper>(n) ? 1 : 0;
  CHECK(needed >= 2);
  CHECK(syncs >= JournalKeeper::kSteps);
}

}  // namespace fed::sim
