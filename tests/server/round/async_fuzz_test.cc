// Thousands of random lives of asynchronous jobs, with a referee that knows the engine's promises
// only from the headers: an accepted update is in exactly one version, or its discard is on record.
#include <catch2/catch.hpp>
#include <deque>
#include <map>
#include <set>

#include "base/random.h"
#include "harness.h"

namespace fed::round {
namespace {

EngineConfig any_config(Random& random) {
  const auto upto = [&](std::uint64_t n) { return 1 + static_cast<std::int64_t>(random.below(n)); };
  const std::int64_t cohort = upto(5);
  const bool seeded = random.below(3) == 0;
  const std::int64_t goal = seeded ? upto(static_cast<std::uint64_t>(cohort)) : upto(6);
  config::JobSpec job = job_spec(
      {.rounds = 4, .cohort = cohort, .min = upto(static_cast<std::uint64_t>(goal)), .goal = goal});
  job.rounds.staleness.max = upto(4);
  if (seeded) job.rounds.order = config::RoundsSpec::Order::seeded;
  job.rounds.seconds_deviations = random.below(2) == 0 ? 0 : 3;
  return engine_config(job, {.bytes = kBytes, .count = kCount}, {});
}

class AsyncLife {
 public:
  explicit AsyncLife(std::uint64_t seed) : random_(seed), config_(any_config(random_)) {
    engine_.emplace(config_, now_);
    tell(Tick{});
  }

  void step() {
    now_ += from_seconds(random_.below(15) == 0 ? 60 * random_.uniform() : random_.uniform());
    switch (random_.below(12)) {
      case 0:
      case 1:
        return come(client());
      case 2:
        if (chance(3)) go(client());
        return;
      case 3:
        return tell(TaskFailed{client(), task(), "no"});
      case 4:
      case 5:
      case 6:
        return offer_something();
      case 7:
        return write_one(!chance(6));
      case 8:
        return commit_something(!chance(4));
      case 9:
        if (chance(12)) crash();
        return;
      case 10:
        if (chance(6)) order();
        return;
      default:
        return tell(Tick{});
    }
  }

  // Everybody does what it should. False if the job does not get on.
  bool behave() {
    for (ClientId c = 1; c <= kClients; ++c) come(c);
    for (int i = 0; i < 4000 && engine_->job() != JobState::finished; ++i) {
      now_ += from_seconds(0.1);
      tell(Tick{});
      if (engine_->job() != JobState::running) tell(Order{JobState::running});
      if (!recording_.empty()) {
        write_one(true);
      } else if (closing_) {
        commit_something(true);
      } else if (!given_.empty()) {
        const auto [who, what] = *given_.begin();
        given_.erase(given_.begin());
        deliver(who, what.task, what.base_version);
      } else if (const auto wakeup = engine_->next_wakeup()) {
        now_ = std::max(now_, *wakeup);
        tell(Tick{});
      } else {
        return false;
      }
    }
    return engine_->job() == JobState::finished;
  }

  void check_books() const {
    std::set<TaskKey> counted;
    for (const TaskKey& key : committed_) REQUIRE(counted.insert(key).second);
    for (const TaskKey& key : discarded_) REQUIRE(counted.insert(key).second);
    REQUIRE(counted == accepted_);
  }
  std::int64_t version() const { return engine_->version(); }
  std::string state() const {
    const Report report = engine_->report();
    return fmt::format("{} {}, {} accepted of {} to {}, {} open, {} given, {}, {}",
                       name(report.job), name(report.phase), report.accepted,
                       report.contributions_min, report.contributions_goal, report.outstanding,
                       given_.size(), config_.policy.seeded ? "seeded" : "by arrival",
                       waiting_for(report));
  }

 private:
  static constexpr ClientId kClients = 6;

  bool chance(std::uint64_t one_in) { return random_.below(one_in) == 0; }
  ClientId client() { return 1 + static_cast<ClientId>(random_.below(kClients)); }
  std::int64_t task() {
    const auto mine = given_.find(client());
    if (mine != given_.end()) return mine->second.task;
    return static_cast<std::int64_t>(random_.below(20));
  }

  void tell(const Event& event) {
    const std::int64_t before = engine_->version();
    const Effects effects = engine_->handle(event, now_);
    engine_->check_invariants();
    for (const Effect& effect : effects) {
      std::visit([&](const auto& e) { see(e); }, effect);
    }
    const bool grew = std::holds_alternative<Committed>(event);
    REQUIRE((engine_->version() == before || (grew && engine_->version() == before + 1)));
    if (const auto wakeup = engine_->next_wakeup()) REQUIRE(*wakeup > now_);
  }
  template <class Other>
  void see(const Other&) {}
  void see(const OpenTasks& e) {
    for (const OpenTask& open : e.tasks) {
      REQUIRE(open.task == ++last_task_);
      REQUIRE(open.base_version == engine_->version());
      REQUIRE(connected_.contains(open.client));
      REQUIRE(owners_.emplace(open.task, open.client).second);
    }
  }
  void see(const AssignTask& e) {
    REQUIRE(owners_.at(e.task) == e.client);
    REQUIRE_FALSE(accepted_.contains({e.task, e.client}));
    given_[e.client] = assigned_[{e.task, e.client}] = e;
  }
  void see(const Retry& e) {  // to be offered again
    const auto open = assigned_.find({e.task, e.client});
    if (open != assigned_.end()) given_[e.client] = open->second;
  }
  void see(const CancelTask& e) { given_.erase(e.client); }
  void see(const Record& e) {
    REQUIRE(owners_.at(e.task) == e.client);
    REQUIRE(recording_.emplace(TaskKey{e.task, e.client}, e).second);
  }
  void see(const Receipt& e) {
    if (e.outcome == Outcome::accepted) REQUIRE(accepted_.contains({e.task, e.client}));
  }
  void see(const CloseRound& e) {
    REQUIRE_FALSE(e.contributions.empty());
    REQUIRE(e.round == engine_->version() + 1);
    for (const Contribution& each : e.contributions) {
      REQUIRE(accepted_.contains({each.task, each.client}));
      REQUIRE(each.base_version <= engine_->version());
      REQUIRE((each.discount > 0 && each.discount <= 1));
    }
    closing_ = e;
    answers_ = {};
  }
  void see(const CommitRound&) { answers_.failed = false; }
  void see(const Discard& e) { discarded_.insert({e.task, e.client}); }

  void come(ClientId who) {
    connected_.insert(who);
    tell(ClientAvailable{who, 10});
  }
  void go(ClientId who) {
    connected_.erase(who);
    given_.erase(who);
    tell(ClientGone{who});
  }
  void deliver(ClientId who, std::int64_t number, std::int64_t base) {
    Offered offered = offer(who, number);
    offered.base_version = base;
    offered.checksum = sum_of(static_cast<int>(number));
    tell(offered);
    UploadCompleted done = upload(who, number);
    if (chance(20)) done.facts.finite = false;
    tell(done);
  }
  void offer_something() {
    const auto mine = given_.find(client());
    if (mine != given_.end() && !chance(8)) {
      return deliver(mine->first, mine->second.task, mine->second.base_version);
    }
    deliver(client(), task(), static_cast<std::int64_t>(random_.below(5)));
  }
  void write_one(bool ok) {
    if (recording_.empty()) return;
    const auto [key, record] = *recording_.begin();
    recording_.erase(recording_.begin());
    if (!ok) return tell(RecordFailed{key.client, key.task, {ErrorCode::disk_full, "full"}});
    accepted_.insert(key);
    given_.erase(key.client);
    tell(Recorded{key.client, key.task});
  }
  void commit_something(bool ok) {
    if (!closing_ || answers_.failed) return;
    const Event answer = answers_.next(closing_->round, ok, ok || !chance(5));
    if (std::holds_alternative<Committed>(answer)) {
      for (const Contribution& each : closing_->contributions) {
        committed_.push_back({each.task, each.client});
      }
      closing_.reset();
    }
    tell(answer);
  }
  void order() {
    const Event orders[] = {Order{JobState::paused}, Order{JobState::running},
                            Order{JobState::draining}};
    tell(orders[random_.below(3)]);
  }
  void crash() {
    engine_.emplace(config_, engine_->snapshot(), now_);
    connected_.clear();
    given_.clear();
    recording_.clear();
    closing_.reset();
    answers_ = {};
    tell(Tick{});
  }

  Random random_;
  EngineConfig config_;
  Instant now_ = at(1);
  std::optional<Engine> engine_;
  std::set<ClientId> connected_;
  std::map<ClientId, AssignTask> given_;  // what each client has to answer
  std::map<TaskKey, AssignTask> assigned_;
  std::map<TaskKey, Record> recording_;
  std::optional<CloseRound> closing_;
  CommitAnswers answers_;

  // The books.
  std::int64_t last_task_ = 0;
  std::map<std::int64_t, ClientId> owners_;
  std::set<TaskKey> accepted_, discarded_;
  std::vector<TaskKey> committed_;
};

TEST_CASE(
    "thousands of random lives of asynchronous jobs end well, and every update is accounted for") {
  for (std::uint64_t seed = 1; seed <= 2500; ++seed) {
    INFO("seed " << seed);
    AsyncLife life(seed);
    for (int i = 0; i < 150; ++i) life.step();
    const bool ends = life.behave();
    INFO(life.state());
    REQUIRE(ends);
    CHECK(life.version() == 4);
    life.check_books();
  }
}

}  // namespace
}  // namespace fed::round
