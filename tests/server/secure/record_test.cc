// The record of an attempt: after a crash behind any of its entries, what clients were told stays
// true, and the sum is there in the end.
#include <catch2/catch.hpp>

#include "base/random.h"
#include "drill.h"

namespace fed::secure {
namespace {

// The schedule of one life, from a seed.
struct Chances {
  std::size_t clients = 5;
  std::set<std::pair<Step, std::size_t>> silent;  // from that step on
};

Chances some_chances(Random& random) {
  Chances chances;
  chances.clients = 3 + random.below(5);
  const std::uint64_t gone = random.below(3);
  for (std::uint64_t i = 0; i < gone; ++i) {
    chances.silent.insert({static_cast<Step>(random.below(5)), random.below(chances.clients)});
  }
  return chances;
}

void apply(const Chances& chances, Drill& drill) {
  drill.silent = [chances](Step step, std::size_t client) {
    return std::any_of(chances.silent.begin(), chances.silent.end(), [&](const auto& each) {
      return step >= each.first && client == each.second;
    });
  };
}

TEST_CASE("record: an attempt goes on behind every entry, to the same sum") {
  for (const std::size_t absent : {5, 2}) {  // nobody, and one of the five in the step of inputs
    const Chances chances{5, {{Step::inputs, absent}}};
    Drill whole({.clients = 5});
    apply(chances, whole);
    whole.run();
    REQUIRE(whole.complete);
    for (std::size_t entry = 1; entry <= whole.notes.size(); ++entry) {
      INFO("dies behind entry " << entry << " of " << whole.notes.size());
      Drill drill({.clients = 5});
      apply(chances, drill);
      drill.crash_at = entry;
      const Instant began = drill.now;
      drill.run();
      REQUIRE(drill.complete);
      CHECK(drill.restarts == 1);
      CHECK(drill.sum() == whole.sum());
      CHECK(drill.survivors() == whole.survivors());
      // Nobody waits for a deadline because of the crash.
      if (absent == 5) CHECK(drill.now == began);
    }
  }
}

TEST_CASE("record: two attempts from one record are the same attempt") {
  Drill drill({.clients = 4});
  drill.run();
  for (std::size_t entries = 0; entries <= drill.notes.size(); ++entries) {
    const auto end = drill.notes.begin() + static_cast<std::ptrdiff_t>(entries);
    Attempt restored(setup_of(drill.world));
    restored.restore({drill.notes.begin(), end}, drill.now).value();
    for (const std::int64_t number : restored.waiting()) {
      const Actions actions = restored.connected(number);
      REQUIRE(actions.size() == 1);
      const auto& message = std::get<Tell>(actions[0]).message;
      CHECK(drill.heard_once(client_of(number), wire::encode(message)));
    }
  }
}

TEST_CASE("record: a step that had all its answers ends with the first tick") {
  for (const Step step : {Step::keys, Step::shares, Step::inputs, Step::signatures}) {
    Drill drill({.clients = 4});
    drill.run();
    // Up to the step's end, without it.
    std::size_t closes = 0, entries = 0;
    while (closes <= static_cast<std::size_t>(step)) {
      closes += drill.notes[entries++].kind == Note::Kind::close;
    }
    Attempt restored(setup_of(drill.world));
    restored
        .restore(
            {drill.notes.begin(), drill.notes.begin() + static_cast<std::ptrdiff_t>(entries - 1)},
            drill.now)
        .value();
    REQUIRE(restored.step() == step);
    CHECK(restored.waiting().empty());
    REQUIRE(restored.next_wakeup());
    CHECK(*restored.next_wakeup() == drill.now);
    const Actions actions = restored.tick(drill.now);
    REQUIRE_FALSE(actions.empty());
    CHECK(std::get<Note>(actions[0]).kind == Note::Kind::close);
  }
}

TEST_CASE("record: a step that began anew has its whole time, and clients can come back in it") {
  for (const auto& [step, most] :
       {std::pair(Step::inputs, kInputsMax), {Step::reveal, kReturnMax}}) {
    Drill drill({.clients = 4});
    drill.begin();
    drill.run_to(step);
    Attempt restored(setup_of(drill.world));
    const Instant later = drill.now + std::chrono::hours(5);
    restored.restore(drill.notes, later).value();
    REQUIRE(restored.next_wakeup());
    CHECK(*restored.next_wakeup() == later + most);
  }
}

TEST_CASE("record: the end is restored as well") {
  Drill drill({.clients = 4});
  drill.run();
  drill.restart();
  CHECK(drill.attempt.step() == Step::complete);
  CHECK(drill.sum() == drill.expected());
  CHECK_FALSE(drill.attempt.next_wakeup());
  Drill failed({.clients = 3});
  failed.silent = [](Step, std::size_t client) { return client == 0; };
  failed.run();
  REQUIRE(failed.failed);
  Attempt restored(setup_of(failed.world));
  restored.restore(failed.notes, failed.now).value();
  CHECK(restored.step() == Step::failed);
}

TEST_CASE("record: random lives with crashes anywhere") {
  std::size_t sums = 0, failures = 0, crashes = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    INFO("seed " << seed);
    Random random(mix_seed({seed, 77}));
    const Chances chances = some_chances(random);
    Drill drill({.clients = chances.clients, .seed = seed});
    apply(chances, drill);
    drill.pick = [&](std::size_t waiting) { return random.below(waiting); };
    drill.begin();
    for (int i = 0; !drill.over(); ++i) {
      REQUIRE(i < 100);
      if (!drill.crash_at && random.below(3) == 0) {
        drill.crash_at = drill.notes.size() + 1 + random.below(9);
      }
      const std::size_t who = random.below(chances.clients);
      if (drill.away.contains(who)) {
        drill.come_back(who);
      } else if (random.below(4) == 0) {
        drill.go_away(who);
      }
      drill.run_for(1 + random.below(6));
    }
    if (drill.complete) REQUIRE(drill.sum() == drill.expected());
    sums += drill.complete;
    failures += drill.failed.has_value();
    crashes += drill.restarts;
  }
  CHECK(sums > 100);
  CHECK(failures > 20);
  CHECK(crashes > 200);
}

bool refused(const Drill& drill, const std::vector<Note>& notes) {
  Attempt attempt(setup_of(drill.world));
  const Status restored = attempt.restore(notes, drill.now);
  if (!restored) CHECK(restored.error().code == ErrorCode::malformed);
  return !restored;
}

TEST_CASE("record: what is no record of this attempt is an error") {
  Drill drill({.clients = 4});
  drill.run();
  const std::vector<Note>& notes = drill.notes;
  REQUIRE_FALSE(refused(drill, notes));
  for (std::size_t i = 0; i < notes.size(); ++i) {
    INFO("entry " << i);
    std::vector<Note> other = notes;
    other[i].client = 5;
    CHECK(refused(drill, other) == (notes[i].kind != Note::Kind::close));
    other = notes;
    other.insert(other.begin() + static_cast<std::ptrdiff_t>(i), notes[i]);
    CHECK(refused(drill, other));  // twice
    if (notes[i].kind != Note::Kind::message) continue;
    other = notes;
    other[i].message.resize(notes[i].message.size() / 2);
    CHECK(refused(drill, other));
    other[i].message = Bytes(40, 0x5a);
    CHECK(refused(drill, other));
    other[i].message = wire::encode(wire::SecureRefused{drill.name_for(0), "other_job", "?"});
    CHECK(refused(drill, other));
    other = notes;
    other[i].kind = Note::Kind::input;
    CHECK(refused(drill, other));
  }
  std::vector<Note> longer = notes;
  longer.push_back({Note::Kind::close, 0, {}});
  CHECK(refused(drill, longer));
  // Of another attempt.
  secagg::World world({.clients = 4});
  world.terms.attempt += 1;
  Attempt other(setup_of(world));
  CHECK_FALSE(other.restore(notes, drill.now));
}

TEST_CASE("record: flipped bits are never more than an error") {
  Drill drill({.clients = 3});
  drill.run();
  Random random(8);
  int errors = 0;
  for (int i = 0; i < 400; ++i) {
    std::vector<Note> notes = drill.notes;
    Note& note = notes[random.below(notes.size())];
    if (note.message.empty()) continue;
    note.message[random.below(note.message.size())] ^=
        static_cast<std::uint8_t>(1 << random.below(8));
    Attempt attempt(setup_of(drill.world));
    errors += !attempt.restore(notes, drill.now);
  }
  CHECK(errors > 50);
}

}  // namespace
}  // namespace fed::secure
