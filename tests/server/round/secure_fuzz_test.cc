// Thousands of random lives of a job with secure aggregation. SecureWorld checks every effect; here
// is what happens, and that it always ends.
#include "secure_world.h"

namespace fed::round {
namespace {

constexpr std::int64_t kClients = 8;

Numbers some_numbers(std::uint64_t seed) {
  Random random(mix_seed({seed, 3}));
  Numbers n;
  n.cohort = 3 + static_cast<std::int64_t>(random.below(4));
  n.goal = 3 + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(n.cohort - 2)));
  n.min = 3 + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(n.goal - 2)));
  n.rounds = 3;
  n.collect = random.below(4) == 0 ? 0.5 : 20;
  n.select = random.below(4) == 0 ? 0 : 5;
  n.uniform = true;  // the weights are inside of the masks
  return n;
}

class Life {
 public:
  explicit Life(std::uint64_t seed) : world(some_numbers(seed)), random(mix_seed({seed, 4})) {
    world.tell(Tick{});
  }

  void step() {
    world.now += from_seconds(chance(20) ? 40.0 * random.uniform() : random.uniform());
    switch (random.below(20)) {
      case 0:
      case 1:
        return world.come(client(), 1 + static_cast<std::int64_t>(random.below(20)));
      case 2:
        return chance(3) ? world.go(client()) : void();
      case 3:
        return chance(12) ? remove(client()) : void();
      case 4:
        return chance(4) ? world.tell(TaskFailed{client(), round(), "no", chance(10)}) : void();
      case 5:
        return world.tell(Progressed{client(), round(), Work::training, 1, 2});
      case 6:
      case 7:
      case 8:
        return world.tell(any_offer(false));
      case 9:
      case 10:
      case 11:
        return world.tell(any_offer(true));
      case 12:
      case 13:
        return world.tell(any_upload());
      case 14:
        return write_one();
      case 15:
      case 16:
        return answer_the_engine();
      case 17:
        return nonsense();
      case 18:
        return order();
      case 19:
        return chance(12) ? world.crash(chance(2)), world.tell(Tick{}) : world.tell(Tick{});
    }
  }

  // From now on everybody does what it should. False if the job does not get on.
  bool behave() {
    for (ClientId c = 1; c <= kClients; ++c) world.come(c);
    for (int i = 0; i < 4000 && world.engine.job() != JobState::finished; ++i) {
      if (world.engine.job() != JobState::running) world.tell(Order{JobState::running});
      if (!move()) return false;
    }
    return world.engine.job() == JobState::finished;
  }

  SecureWorld world;

 private:
  bool chance(std::uint64_t one_in) { return random.below(one_in) == 0; }
  ClientId client() { return 1 + static_cast<ClientId>(random.below(kClients)); }
  std::int64_t round() {
    const std::int64_t now = world.engine.round();
    return chance(8) ? now + static_cast<std::int64_t>(random.below(3)) - 1 : now;
  }

  bool move() {
    if (!world.recording.empty()) return world.written(world.recording.begin()->first, true), true;
    if (world.committing) return world.committed(), true;
    if (world.aggregating) return world.aggregated(), true;
    if (!world.tasks.empty()) {
      const AssignTask task = world.tasks.begin()->second;
      world.tasks.erase(task.client);
      return world.tell(good_offer(task.client, task.task, false)), true;
    }
    if (world.securing) return sum_up(), true;
    const auto wakeup = world.engine.next_wakeup();
    if (!wakeup) return false;
    world.now = std::max(world.now, *wakeup);
    world.tell(Tick{});
    return true;
  }

  // The next masked input, or the end of the sum.
  void sum_up() {
    const std::int64_t now = world.engine.round();
    for (const ClientId each : world.invited) {
      if (world.in_sum.contains(each) || tried_.contains({each, now})) continue;
      tried_.insert({each, now});
      world.tell(good_offer(each, now, true));
      return world.tell(upload(each, now));
    }
    tried_.clear();
    end_sum();
  }

  void end_sum() {
    if (std::ssize(world.in_sum) >= world.numbers.min) return world.secured();
    std::vector<NotSecured::Lost> lost;
    for (const ClientId each : world.invited) {
      if (!world.in_sum.contains(each)) lost.push_back({each, "is silent", true});
    }
    world.not_secured(lost);
  }

  void remove(ClientId who) {
    world.connected.erase(who), world.tasks.erase(who);
    world.tell(ClientRemoved{who});
  }

  static Offered good_offer(ClientId who, std::int64_t round, bool masked) {
    Offered event = offer(who, round, 1);
    event.masked = masked;
    if (!masked) event.checksum = {};
    return event;
  }
  Event any_offer(bool masked) {
    Offered event = good_offer(client(), round(), masked);
    if (chance(15)) event.examples = 1000;
    if (chance(15)) event.bytes += 1;
    if (chance(15)) event.base_version += 1;
    if (chance(15)) event.checksum = sum_of(static_cast<int>(100 + random.below(3)));
    return event;
  }
  Event any_upload() {
    UploadCompleted event = upload(client(), round());
    if (chance(10)) event.facts.checksum_ok = false;
    if (chance(15)) event.facts.finite = false;
    if (chance(15)) event.facts.count += 1;
    return event;
  }

  void write_one() {
    if (!world.recording.empty()) world.written(world.recording.begin()->first, !chance(6));
  }

  void answer_the_engine() {
    if (world.securing && world.recording.empty() && chance(3)) {
      return chance(2) ? end_sum() : world.not_secured(somebody());
    }
    // Rows may still be under way when a sum comes to nothing.
    if (world.securing && chance(12)) return world.not_secured(somebody());
    if (!world.aggregating && !world.committing) return;
    if (chance(4)) return world.commit_failed(!chance(5));
    if (world.committing) return world.committed();
    world.aggregated();
  }

  std::vector<NotSecured::Lost> somebody() {
    std::vector<NotSecured::Lost> lost;
    for (std::uint64_t i = random.below(3); i > 0; --i)
      lost.push_back({client(), "lied", chance(2)});
    return lost;
  }

  // Answers that nobody asked for.
  void nonsense() {
    const Error error{ErrorCode::io, "?"};
    const ClientId who = client();
    switch (random.below(5)) {
      case 0:
        return world.recording.contains(who) ? void()
                                             : world.tell(RecordFailed{who, round(), error});
      case 1:
        return world.tell(Secured{world.engine.round() + 1});
      case 2:
        return world.tell(NotSecured{world.engine.round() - 1, "?", {}});
      case 3:
        return world.securing ? void() : world.tell(Secured{world.engine.round()});
      case 4:
        return world.securing ? void() : world.tell(NotSecured{world.engine.round(), "?", {}});
    }
  }

  void order() {
    if (chance(6)) return world.tell(Order{JobState::paused});
    if (chance(6)) return world.tell(Order{JobState::draining});
    world.tell(Order{JobState::running});
  }

  Random random;
  std::set<std::pair<ClientId, std::int64_t>> tried_;
};

TEST_CASE("no life of a secured job breaks a promise, and every job ends once all behave") {
  std::map<std::string, int> seen;
  for (std::uint64_t seed = 0; seed < 5000; ++seed) {
    INFO("seed " << seed);
    Life life(seed);
    const int steps = static_cast<int>(seed % 600);
    for (int i = 0; i < steps; ++i) life.step();
    const bool ended = life.behave();
    INFO(waiting_for(life.world.engine.report()));
    REQUIRE(ended);
    REQUIRE(life.world.engine.version() == 3);
    for (const auto& [what, count] : life.world.seen) seen[what] += count;
  }
  for (const char* what : {"begin", "assign", "cancel", "admit", "await", "secure", "record",
                           "accepted", "refused", "discarded", "retry", "close", "commit",
                           "abandon", "discard", "job paused", "job draining", "drained"}) {
    INFO(what << " " << seen[what]);
    CHECK(seen[what] > 50);  // the random events do get everywhere
  }
}

}  // namespace
}  // namespace fed::round
