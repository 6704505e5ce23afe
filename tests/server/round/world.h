// A simulated server around the engine, and a referee that keeps its own books and knows the
// engine's promises only from the headers. Used by the random tests.
#pragma once

#include <catch2/catch.hpp>
#include <deque>
#include <map>
#include <set>
#include <vector>

#include "base/random.h"
#include "harness.h"

namespace fed::round {

// One commit, as the world saw it.
struct Version {
  std::int64_t round = 0;
  TaskKind kind = TaskKind::training;
  std::vector<Contribution> contributions;
  double total_weight = 0;

  bool operator==(const Version&) const = default;
};

// Everything an app would have durable or in flight, and the checks.
class World {
 public:
  World(const Numbers& n, std::int64_t clients_)
      : numbers(n), config(engine_config(n)), engine(config, now), clients(clients_) {}

  void tell(const Event& event) {
    const std::int64_t version = engine.version();
    const Effects effects = engine.handle(event, now);
    engine.check_invariants();
    check_answers(event, effects);
    for (const Effect& effect : effects) {
      std::visit([&](const auto& e) { see(e); }, effect);
    }
    const bool grew = std::holds_alternative<Committed>(event) && engine.version() == version + 1;
    REQUIRE((engine.version() == version || grew));
    if (const auto wakeup = engine.next_wakeup()) REQUIRE(*wakeup > now);
  }

  // The process dies: connections, records and commits in flight are gone, the journal is not.
  void crash() {
    engine = Engine(config, engine.snapshot(), now);
    connected.clear();
    tasks.clear();
    recording.clear();
    closing.reset();
    aggregating = committing = false;
    drained = false;
  }

  // --- what the app holds
  // -------------------------------------------------------------------------------------
  Numbers numbers;
  EngineConfig config;
  Instant now = at(1);
  Engine engine;
  std::int64_t clients;
  std::set<ClientId> connected;
  std::map<ClientId, AssignTask> tasks;  // what each client believes that it is asked
  std::map<ClientId, Record> recording;  // rows being written
  std::optional<CloseRound> closing;     // the last one, until its commit
  bool aggregating = false;              // it is being aggregated
  bool committing = false;               // being committed
  bool drained = false;
  std::vector<Version> versions;

  // --- the referee's books
  // ------------------------------------------------------------------------------------
  std::map<ClientId, Record> promised;      // receipts given for the round at work
  std::map<ClientId, std::int64_t> cohort;  // declared examples, of the last BeginRound
  BeginRound begun;
  std::map<std::string, int>
      seen;  // kinds of effects, so that a test can tell that it reached them

 private:
  static std::int64_t answers_to(ClientId client, const Effects& effects, bool admit, bool record) {
    std::int64_t count = 0;
    for (const auto& e : only<Receipt>(effects)) count += e.client == client;
    for (const auto& e : only<Retry>(effects)) count += e.client == client;
    if (admit) {
      for (const auto& e : only<Admit>(effects)) count += e.client == client;
    }
    if (record) {
      for (const auto& e : only<Record>(effects)) count += e.client == client;
    }
    return count;
  }

  // Every offer, upload and record is answered exactly once, and nobody is answered unasked.
  void check_answers(const Event& event, const Effects& effects) {
    std::int64_t expected = 0;
    ClientId client = 0;
    bool admit = false, record = false;
    if (const auto* offered = std::get_if<Offered>(&event)) {
      client = offered->client, expected = 1, admit = true;
    } else if (const auto* uploaded = std::get_if<UploadCompleted>(&event)) {
      client = uploaded->client, expected = 1, record = true;
    } else if (const auto* recorded = std::get_if<Recorded>(&event)) {
      client = recorded->client;
      expected = last_written.contains(client);
    } else if (const auto* failed = std::get_if<RecordFailed>(&event)) {
      client = failed->client;
      expected = last_written.contains(client);
    }
    last_written.clear();
    REQUIRE(answers_to(client, effects, admit, record) == expected);
    const auto all = std::ssize(only<Receipt>(effects)) + std::ssize(only<Retry>(effects)) +
                     std::ssize(only<Admit>(effects)) + std::ssize(only<Record>(effects));
    REQUIRE(all == expected);
  }

  void see(const BeginRound& e) {
    ++seen["begin"];
    REQUIRE(engine.job() == JobState::running);
    REQUIRE(e.round == engine.round());
    REQUIRE(e.base_version == engine.version());
    REQUIRE(!closing);
    REQUIRE(recording.empty());
    if (e.round != begun.round || e.kind != begun.kind) promised.clear();
    begun = e;
    const auto before = std::exchange(cohort, {});
    double total = 0;
    std::set<ClientId> kept;
    for (const CohortMember& member : e.cohort) {
      REQUIRE(cohort.emplace(member.client, member.examples).second);
      total += numbers.uniform ? 1.0 : static_cast<double>(member.examples);
      if (member.accepted) {
        kept.insert(member.client);
      } else {
        // A member that is at work keeps its place when others are asked beside it.
        REQUIRE((connected.contains(member.client) || before.contains(member.client)));
      }
    }
    REQUIRE(total == e.total_weight);
    REQUIRE(std::ssize(cohort) >= numbers.min);
    if (e.kind == TaskKind::training) REQUIRE(std::ssize(cohort) <= numbers.cohort);
    REQUIRE(e.goal <= std::ssize(cohort));
    std::set<ClientId> owed;
    for (const auto& [client, record] : promised) owed.insert(client);
    REQUIRE(kept == owed);  // no accepted contribution is ever thrown away
  }
  void see(const OpenTasks&) { FAIL("a synchronous job opens no tasks"); }
  void see(const EndTask&) { FAIL("a synchronous job ends no tasks"); }
  void see(const Discard& e) {
    ++seen["discard"];
    REQUIRE(engine.job() == JobState::cancelled);
    REQUIRE((promised.contains(e.client) || last_recorded == e.client));
  }
  void see(const Standby& e) {
    ++seen["standby"];
    REQUIRE(connected.contains(e.client));
    REQUIRE_FALSE(cohort.contains(e.client));
    REQUIRE(e.after >= Duration::zero());
  }
  void see(const AssignTask& e) {
    ++seen["assign"];
    REQUIRE((engine.job() == JobState::running || engine.job() == JobState::draining));
    REQUIRE(connected.contains(e.client));
    REQUIRE(cohort.contains(e.client));
    REQUIRE_FALSE(promised.contains(e.client));
    REQUIRE(e.task == begun.round);
    tasks[e.client] = e;
  }
  void see(const CancelTask& e) {
    ++seen["cancel"];
    REQUIRE(connected.contains(e.client));
    tasks.erase(e.client);
  }
  void see(const Admit& e) {
    ++seen["admit"];
    REQUIRE(cohort.contains(e.client));
    REQUIRE_FALSE(promised.contains(e.client));
  }
  void see(const Await&) { FAIL("without secure aggregation, nobody keeps its update"); }
  void see(const Secure&) { FAIL("without secure aggregation, nothing is masked"); }
  void see(const Record& e) {
    ++seen["record"];
    REQUIRE(cohort.contains(e.client));
    REQUIRE(e.examples >= 1);
    REQUIRE(e.examples <= cohort.at(e.client));
    REQUIRE(e.weight == (numbers.uniform ? 1.0 : static_cast<double>(e.examples)));
    REQUIRE_FALSE(promised.contains(e.client));
    REQUIRE(recording.emplace(e.client, e).second);
  }
  void see(const Receipt& e) {
    ++seen[name(e.outcome)];
    REQUIRE((e.outcome == Outcome::accepted) == (e.reason == Reason::none));
    REQUIRE(e.detail.empty() == (e.reason == Reason::none));
  }
  void see(const Retry& e) {
    ++seen["retry"];
    REQUIRE(e.after > Duration::zero());
    REQUIRE(may_retry(e.reason));
  }
  void see(const CloseRound& e) {
    ++seen["close"];
    REQUIRE(recording.empty());
    REQUIRE(e.round == begun.round);
    REQUIRE(e.total_weight == begun.total_weight);
    REQUIRE(e.contributions.size() == promised.size());
    double sum = 0;
    auto owed = promised.begin();
    for (const Contribution& each :
         e.contributions) {  // sorted, unique, and exactly what was promised
      REQUIRE(each.client == owed->first);
      REQUIRE(each.examples == owed->second.examples);
      REQUIRE(each.weight == owed->second.weight);
      sum += each.weight;
      ++owed;
    }
    REQUIRE(sum <= e.total_weight);
    REQUIRE(std::ssize(promised) >= numbers.min);
    closing = e;
    aggregating = true;
  }
  void see(const CommitRound& e) {
    ++seen["commit"];
    REQUIRE(closing);
    REQUIRE(e.version == (e.kind == TaskKind::statistics ? 0 : engine.version() + 1));
    committing = true;
  }
  void see(const AbandonRound& e) {
    ++seen["abandon"];
    REQUIRE(e.kept == std::ssize(promised));
    REQUIRE(e.kept < begun.goal);
    REQUIRE(e.pause >= std::chrono::seconds(1));
    REQUIRE(recording.empty());
  }
  void see(const JobChanged& e) { ++seen[std::string("job ") + name(e.state)]; }
  void see(const Drained&) {
    ++seen["drained"];
    REQUIRE(engine.job() == JobState::draining);
    REQUIRE(engine.phase() == Phase::idle);
    drained = true;
  }

 public:
  // --- the app's answers
  // --------------------------------------------------------------------------------------
  void written(ClientId client, bool ok) {
    const Record record = recording.at(client);
    recording.erase(client);
    last_written.insert(client);
    const bool alive = engine.job() != JobState::cancelled;
    if (!ok) return tell(RecordFailed{client, record.task, {ErrorCode::disk_full, "full"}});
    last_recorded = client;
    if (alive) promised[client] = record;
    tell(Recorded{client, record.task});
  }
  void aggregated() {
    aggregating = false;
    tell(Aggregated{closing->round});
  }
  void committed(std::optional<Evaluation> evaluation = {}) {
    const CloseRound done = *closing;
    closing.reset();
    committing = false;
    promised.clear();
    versions.push_back({done.round, done.kind, done.contributions, done.total_weight});
    tell(Committed{done.round, evaluation});
  }
  void commit_failed(bool retryable) {
    aggregating = committing = false;
    tell(CommitFailed{closing->round, {ErrorCode::disk_full, "full"}, retryable});
  }
  void come(ClientId client, std::int64_t examples = 10) {
    connected.insert(client);
    tell(ClientAvailable{client, examples});
  }
  void go(ClientId client) {
    connected.erase(client);
    tasks.erase(client);
    tell(ClientGone{client});
  }

  ClientId last_recorded = 0;
  std::set<ClientId> last_written;  // clients whose record is answered by the event at hand
};

}  // namespace fed::round
