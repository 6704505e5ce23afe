// Thousands of random lives of asynchronous jobs with secure aggregation, with a referee that knows
// the engine's promises only from the headers: a sum is of updates that wait with their clients and
// began from one version, none is in two versions, and every task comes to one end.
#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "base/random.h"
#include "harness.h"

namespace fed::round {
namespace {

constexpr ClientId kClients = 9;
constexpr std::int64_t kVersions = 12;

EngineConfig any_config(Random& random) {
  const auto upto = [&](std::int64_t n) {
    return static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(n) + 1));
  };
  const std::int64_t cohort = 3 + upto(5);
  const std::int64_t goal = 3 + upto(cohort - 3);
  config::JobSpec job = job_spec({.rounds = kVersions,
                                  .cohort = cohort,
                                  .min = 3 + upto(goal - 3),
                                  .goal = goal,
                                  .collect = random.below(3) == 0 ? 2.0 : 60.0,
                                  .uniform = true});
  job.rounds.staleness.max = 1 + upto(3);
  EngineConfig config = engine_config(job, {.bytes = kBytes, .count = kCount}, {});
  config.secure = true;
  return config;
}

class GroupLife {
 public:
  explicit GroupLife(std::uint64_t seed) : random_(mix_seed({seed, 9})) {
    config_ = any_config(random_);
    patient_ = !chance(4);
    lags_ = chance(2);
    engine_.emplace(config_, now_);
    tell(Tick{});
  }

  void step() {
    now_ += from_seconds(chance(20) ? 70 * random_.uniform() : random_.uniform());
    switch (random_.below(14)) {
      case 0:
      case 1:
        return come(client());
      case 2:
        return chance(3) ? go(client()) : void();
      case 3:
        return chance(4) ? tell(TaskFailed{client(), task(), "no"}) : void();
      case 4:
      case 5:
      case 6:
        return be_ready(client());
      case 7:
      case 8:
        return hand_in(client());
      case 9:
        return write_one(!chance(6));
      case 10:
        return patient_ ? answer() : summing_ ? not_secured() : answer();
      case 11:
        return chance(10) ? crash(chance(2)) : chance(8) ? remove(client()) : void();
      case 12:
        return order();
      default:
        return chance(4) ? nonsense() : tell(Tick{});
    }
  }

  // Everybody does what it should. False if the job does not get on.
  bool behave() {
    for (ClientId c = 1; c <= kClients; ++c) come(c);
    for (int i = 0; i < 4000 && engine_->job() != JobState::finished; ++i) {
      if (engine_->job() != JobState::running) tell(Order{JobState::running});
      if (!move()) return false;
    }
    return engine_->job() == JobState::finished;
  }

  std::int64_t version() const { return engine_->version(); }
  std::string state() const { return waiting_for(engine_->report()); }
  std::map<std::string, int> seen;

 private:
  struct Open {
    ClientId client = 0;
    std::int64_t base_version = 0;
    bool ready = false;  // its client has said so on this connection
  };

  bool chance(std::uint64_t one_in) { return random_.below(one_in) == 0; }
  ClientId client() { return 1 + static_cast<ClientId>(random_.below(kClients)); }
  std::int64_t task() { return 1 + static_cast<std::int64_t>(random_.below(20)); }

  void tell(const Event& event) {
    const std::int64_t before = engine_->version();
    const Effects effects = engine_->handle(event, now_);
    engine_->check_invariants();
    const bool grew = std::holds_alternative<Committed>(event);
    REQUIRE((engine_->version() == before || (grew && engine_->version() == before + 1)));
    for (const Effect& effect : effects) {
      std::visit([&](const auto& e) { see(e); }, effect);
    }
    if (const auto wakeup = engine_->next_wakeup()) REQUIRE(*wakeup > now_);
  }

  template <class Other>
  void see(const Other&) {}
  void see(const OpenTasks& e) {
    REQUIRE_FALSE(summing_);  // who begins now begins from the next version
    REQUIRE_FALSE(closing_);
    for (const OpenTask& each : e.tasks) {
      REQUIRE(each.task == ++last_task_);
      REQUIRE(each.base_version == engine_->version());
      for (const auto& [number, open] : open_) REQUIRE(open.client != each.client);
      open_[each.task] = {each.client, each.base_version};
    }
    REQUIRE(std::ssize(open_) <= config_.policy.cohort);
  }
  void see(const EndTask& e) {
    ++seen[std::string("end ") + name(e.reason)];
    REQUIRE(open_.at(e.task).client == e.client);
    REQUIRE_FALSE(in_sum_.contains({e.task, e.client}));
    // Who waits with its update hears of the end.
    const auto given = given_.find(e.client);
    const bool waits = given != given_.end() && given->second == e.task && open_.at(e.task).ready;
    REQUIRE_FALSE((waits && (e.reason == Reason::left_over || e.reason == Reason::not_secured)));
    open_.erase(e.task);
    given_.erase(e.client);
  }
  void see(const AssignTask& e) {
    REQUIRE(open_.at(e.task).client == e.client);
    REQUIRE(e.base_version == open_.at(e.task).base_version);
    given_[e.client] = e.task;
    // It says so again, unless it is in the sum that is being made.
    const bool in = summing_ && invited_.contains({e.task, e.client});
    open_.at(e.task).ready = in;
  }
  void see(const CancelTask& e) { given_.erase(e.client); }
  void see(const Secure& e) {
    ++seen["secure"];
    REQUIRE_FALSE(summing_);
    REQUIRE_FALSE(closing_);
    REQUIRE(taken_back_.empty());
    REQUIRE(e.round == engine_->version() + 1);
    REQUIRE(engine_->version() - e.base_version <= config_.policy.staleness.max);
    REQUIRE(std::ssize(e.updates) >= config_.policy.contributions_min);
    invited_.clear(), in_sum_.clear();
    for (const Secure::Update& each : e.updates) {
      const Open& open = open_.at(each.task);
      REQUIRE((open.client == each.client && open.ready && open.base_version == e.base_version));
      REQUIRE(invited_.insert({each.task, each.client}).second);
    }
    if (e.base_version < engine_->version()) ++seen["stale sum"];
    summing_ = true;
  }
  void see(const Admit& e) { REQUIRE((summing_ && invited_.contains({e.task, e.client}))); }
  void see(const Record& e) {
    REQUIRE((summing_ && invited_.contains({e.task, e.client})));
    REQUIRE(recording_.emplace(TaskKey{e.task, e.client}, e).second);
  }
  void see(const Discard& e) {
    ++seen["discard"];
    taken_back_.erase({e.task, e.client});
  }
  void see(const CloseRound& e) {
    std::set<TaskKey> in;
    for (const Contribution& each : e.contributions) {
      in.insert({each.task, each.client});
      REQUIRE(each.base_version == e.contributions.front().base_version);
      REQUIRE(each.discount ==
              discount(config_.policy.staleness, engine_->version() - each.base_version));
    }
    REQUIRE(in == in_sum_);
    REQUIRE(e.total_weight == static_cast<double>(in.size()));
    closing_ = true, summing_ = false, answers_ = {};
  }
  void see(const CommitRound&) { answers_.failed = false; }
  void see(const Receipt& e) {
    ++seen[name(e.outcome)];
    const bool counted = committed_.contains({e.task, e.client});
    REQUIRE(counted == (e.outcome == Outcome::accepted));
  }

  void come(ClientId who) { tell(ClientAvailable{who, 10}); }
  void go(ClientId who) {
    given_.erase(who);
    for (auto& [number, open] : open_) open.ready = open.ready && open.client != who;
    for (const TaskKey& key : invited_) {  // who is in a sum may be gone and still be in it
      if (key.client == who && open_.contains(key.task)) open_.at(key.task).ready = summing_;
    }
    tell(ClientGone{who});
  }
  void remove(ClientId who) {
    given_.erase(who);
    tell(ClientRemoved{who});
  }

  Offered offer_of(std::int64_t number, bool masked) {
    const Open& open = open_.at(number);
    Offered event = offer(open.client, number, 1);
    event.base_version = open.base_version;
    event.masked = masked;
    event.checksum = masked ? sum_of(static_cast<int>(number)) : Checksum{};
    return event;
  }
  void be_ready(ClientId who) {
    const auto mine = given_.find(who);
    if (mine == given_.end() || !open_.contains(mine->second)) return;
    Offered event = offer_of(mine->second, false);
    if (chance(15)) {
      event.base_version += 1;
    } else if (chance(15)) {
      event.task += 1;
    } else {
      open_.at(mine->second).ready = true;
    }
    tell(event);
  }
  void hand_in(ClientId who) {
    for (const auto& [number, open] : open_) {
      if (open.client != who) continue;
      const std::int64_t mine = number;
      tell(offer_of(mine, true));
      UploadCompleted done = upload(who, mine);
      if (chance(15)) done.facts.count += 1;
      return tell(done);
    }
  }
  void write_one(bool ok) {
    if (recording_.empty()) return;
    const auto [key, record] = *recording_.begin();
    recording_.erase(recording_.begin());
    if (open_.contains(key.task)) open_.at(key.task).ready = true;  // it was, and has its update
    if (!ok) return tell(RecordFailed{key.client, key.task, {ErrorCode::disk_full, "full"}});
    (summing_ ? in_sum_ : taken_back_).insert(key);
    tell(Recorded{key.client, key.task});
  }
  void answer() {
    if (summing_) {
      const bool enough =
          recording_.empty() && std::ssize(in_sum_) >= config_.policy.contributions_min;
      return enough && !chance(3) ? secured() : chance(4) ? not_secured() : void();
    }
    if (closing_) commit(!chance(4));
  }
  void secured() {
    summing_ = false;
    tell(Secured{engine_->round()});
  }
  void not_secured() {
    NotSecured event{engine_->round(), "?", {}};
    for (const TaskKey& key : invited_) {
      if (!in_sum_.contains(key) && patient_) event.lost.push_back({key.client, "?", chance(2)});
    }
    summing_ = false;
    taken_back_ = std::exchange(in_sum_, {});
    invited_.clear();
    tell(event);
  }
  void commit(bool ok) {
    if (answers_.failed) return;
    const Event answer = answers_.next(engine_->round(), ok, ok || !chance(5));
    if (std::holds_alternative<Committed>(answer)) {
      for (const TaskKey& key : in_sum_) {
        REQUIRE(committed_.insert(key).second);
        open_.erase(key.task);
      }
      closing_ = false;
      in_sum_.clear(), invited_.clear();
    }
    tell(answer);
  }
  void order() {
    const Event orders[] = {Order{JobState::paused}, Order{JobState::running},
                            Order{JobState::draining}};
    tell(orders[chance(3) ? random_.below(3) : 1]);
  }
  void nonsense() {
    if (!summing_) tell(Secured{engine_->round()});
    tell(NotSecured{engine_->round() + 1, "?", {}});
    tell(Progressed{client(), task(), Work::training, 1, 2});
  }
  // `goes_on`: the app can go on with the sum that was being made.
  void crash(bool goes_on) {
    Snapshot snapshot = engine_->snapshot();
    for (auto& [number, open] : open_) open.ready = false;
    if (!goes_on) snapshot.invited.clear();
    summing_ = (summing_ || closing_) && goes_on;
    // The app's record of the sum names all of them, whatever became of their tasks.
    for (const TaskKey& key : invited_) {
      if (summing_) snapshot.invited.insert(key.client);
    }
    if (!goes_on) in_sum_.clear(), invited_.clear();
    for (const TaskKey& key : invited_) {
      if (open_.contains(key.task)) open_.at(key.task).ready = true;
    }
    closing_ = false, answers_ = {};
    given_.clear(), recording_.clear(), taken_back_.clear();
    engine_.emplace(config_, snapshot, now_);
    tell(Tick{});
  }

  bool move() {
    if (!recording_.empty()) return write_one(true), true;
    if (closing_) return commit(true), wait_if(answers_.failed);
    for (const auto& [who, number] : given_) {
      if (lags_ && who == kClients) continue;
      if (!open_.contains(number) || open_.at(number).ready) continue;
      open_.at(number).ready = true;
      return tell(offer_of(number, false)), true;
    }
    if (summing_) return sum_up(), true;
    return wait_if(true);
  }
  bool wait_if(bool waits) {
    if (!waits) return true;
    const auto wakeup = engine_->next_wakeup();
    if (!wakeup) return false;
    now_ = std::max(now_, *wakeup);
    tell(Tick{});
    return true;
  }
  void sum_up() {
    for (const TaskKey& key : invited_) {
      if (in_sum_.contains(key) || !open_.contains(key.task)) continue;
      tell(offer_of(key.task, true));
      return tell(upload(key.client, key.task));
    }
    const bool enough = std::ssize(in_sum_) >= config_.policy.contributions_min;
    enough ? secured() : not_secured();
  }

  Random random_;
  EngineConfig config_;
  Instant now_ = at(1);
  bool lags_ = false;    // one client begins, and never ends
  bool patient_ = true;  // else no sum comes to anything before behave()
  std::optional<Engine> engine_;
  std::map<ClientId, std::int64_t> given_;  // the task that each client has, as it believes
  std::map<TaskKey, Record> recording_;
  bool summing_ = false, closing_ = false;
  CommitAnswers answers_;

  // The books.
  std::int64_t last_task_ = 0;
  std::map<std::int64_t, Open> open_;
  std::set<TaskKey> invited_, in_sum_;  // of the sum that is being made, and recorded for it
  std::set<TaskKey> taken_back_;        // rows of a sum that is no more, until their Discard
  std::set<TaskKey> committed_;
};

TEST_CASE("no life of a buffered secured job breaks a promise, and every job ends") {
  std::map<std::string, int> seen;
  for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
    INFO("seed " << seed);
    GroupLife life(seed);
    for (std::uint64_t i = 0; i < seed % 400; ++i) life.step();
    const bool ends = life.behave();
    INFO(life.state());
    REQUIRE(ends);
    REQUIRE(life.version() == kVersions);
    for (const auto& [what, count] : life.seen) seen[what] += count;
  }
  for (const char* what : {"secure", "stale sum", "discard", "accepted", "discarded", "refused",
                           "end left_over", "end too_stale", "end deadline_passed",
                           "end task_failed", "end not_secured", "end removed"}) {
    INFO(what << " " << seen[what]);
    CHECK(seen[what] > 30);  // the random events do get everywhere
  }
}

}  // namespace
}  // namespace fed::round
