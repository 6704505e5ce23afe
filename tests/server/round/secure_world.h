// A simulated server around the engine of a job with secure aggregation, and a referee that knows
// the engine's promises only from the headers. World (world.h) has the same for plain jobs.
#pragma once

#include <catch2/catch.hpp>
#include <map>
#include <set>
#include <vector>

#include "base/random.h"
#include "harness.h"

namespace fed::round {

class SecureWorld {
 public:
  explicit SecureWorld(const Numbers& n) : numbers(n), config(secure(n)), engine(config, now) {}

  static EngineConfig secure(const Numbers& n) {
    EngineConfig config = engine_config(n);
    config.secure = true;
    return config;
  }

  void tell(const Event& event) {
    const std::int64_t version = engine.version();
    const Effects effects = engine.handle(event, now);
    engine.check_invariants();
    committed_now = std::holds_alternative<Committed>(event) && engine.version() == version + 1;
    REQUIRE((engine.version() == version || committed_now));
    check_answers(event, effects);
    for (const Effect& effect : effects) {
      std::visit([&](const auto& e) { see(e); }, effect);
    }
    REQUIRE(receipts_owed.empty());
    if (const auto wakeup = engine.next_wakeup()) REQUIRE(*wakeup > now);
  }

  // The process dies. `goes_on`: the app can go on with the sum that was being made.
  void crash(bool goes_on) {
    Snapshot snapshot = engine.snapshot();
    if (!goes_on) {
      snapshot.invited.clear();
      in_sum.clear();
      invited.clear();
      securing = false;
    }
    engine = Engine(config, snapshot, now);
    connected.clear(), tasks.clear(), recording.clear();
    // What was being made is made anew.
    if (aggregating || committing) securing = goes_on;
    aggregating = committing = false;
  }

  // --- the app's answers
  void written(ClientId client, bool ok) {
    const Record record = recording.at(client);
    recording.erase(client);
    answered_record = client;
    if (!ok) return tell(RecordFailed{client, record.task, {ErrorCode::disk_full, "full"}});
    if (securing) in_sum.insert(client);
    tell(Recorded{client, record.task});
  }
  void secured() {
    securing = false;
    tell(Secured{engine.round()});
  }
  void not_secured(std::vector<NotSecured::Lost> lost) {
    securing = false;
    taken_back = std::move(in_sum);
    in_sum.clear(), invited.clear();
    tell(NotSecured{engine.round(), "?", std::move(lost)});
  }
  void aggregated() {
    aggregating = false;
    tell(Aggregated{engine.round()});
  }
  void committed() {
    committing = false;
    receipts_owed = closing;
    for (const ClientId client : closing) last_counted[client] = engine.round();
    tell(Committed{engine.round(), {}});
    in_sum.clear(), invited.clear(), closing.clear();
  }
  void commit_failed(bool retryable) {
    aggregating = committing = false;
    tell(CommitFailed{engine.round(), {ErrorCode::disk_full, "full"}, retryable});
  }
  void come(ClientId client, std::int64_t examples = 10) {
    connected.insert(client);
    tell(ClientAvailable{client, examples});
  }
  void go(ClientId client) {
    connected.erase(client), tasks.erase(client);
    tell(ClientGone{client});
  }

  Numbers numbers;
  EngineConfig config;
  Instant now = at(1);
  Engine engine;
  std::set<ClientId> connected;
  std::map<ClientId, AssignTask> tasks;  // what each client believes that it is asked
  std::map<ClientId, Record> recording;
  bool securing = false, aggregating = false, committing = false;
  std::set<ClientId> invited, in_sum;  // of the sum that is being made, and recorded for it
  std::set<ClientId> closing;          // in the version that is being made
  std::map<ClientId, std::int64_t> last_counted;  // the round of a client's last receipt
  std::map<std::string, int> seen;

 private:
  template <class T>
  static std::int64_t told(ClientId client, const Effects& effects) {
    const auto all = only<T>(effects);
    return std::count_if(all.begin(), all.end(),
                         [&](const T& each) { return each.client == client; });
  }

  // Offers, uploads and records get one answer each; nobody else gets any but for a commit.
  void check_answers(const Event& event, const Effects& effects) {
    ClientId client = 0;
    std::int64_t expected = 1, answers = 0;
    const auto words = [&] {
      return told<Receipt>(client, effects) + told<Retry>(client, effects);
    };
    if (const auto* offered = std::get_if<Offered>(&event)) {
      client = offered->client;
      answers = words() + told<Admit>(client, effects) + told<Await>(client, effects);
    } else if (const auto* uploaded = std::get_if<UploadCompleted>(&event)) {
      client = uploaded->client;
      answers = words() + told<Record>(client, effects) + told<Await>(client, effects);
    } else if (answered_record) {
      client = *answered_record;
      answers = words() + told<Await>(client, effects) + late_discard(client, effects);
    } else {
      expected = 0;
    }
    const std::int64_t all = std::ssize(only<Retry>(effects)) + std::ssize(only<Admit>(effects)) +
                             std::ssize(only<Await>(effects)) + std::ssize(only<Record>(effects)) +
                             (committed_now ? 0 : std::ssize(only<Receipt>(effects)));
    INFO("event " << event.index() << ": " << text(effects));
    REQUIRE(answers == expected);
    REQUIRE(all == expected - (answered_record ? late_discard(client, effects) : 0));
    answered_record.reset();
  }
  // Recorded, but the sum that it was for is no more: the row goes, and the client keeps its update
  // for the next one.
  static std::int64_t late_discard(ClientId client, const Effects& effects) {
    for (const Discard& each : only<Discard>(effects)) {
      if (each.client == client && each.reason == Reason::attempt_abandoned) return 1;
    }
    return 0;
  }

  void see(const BeginRound& e) {
    ++seen["begin"];
    REQUIRE(engine.job() == JobState::running);
    REQUIRE(!securing);
    REQUIRE(recording.empty());
    cohort.clear();
    for (const CohortMember& member : e.cohort) {
      REQUIRE(cohort.insert(member.client).second);
      REQUIRE_FALSE(member.accepted);  // nothing is kept from one sum to the next
    }
    REQUIRE(std::ssize(cohort) >= numbers.min);
    REQUIRE(std::ssize(cohort) <= numbers.cohort);
  }
  void see(const OpenTasks&) { FAIL("a synchronous job opens no tasks"); }
  void see(const EndTask&) { FAIL("a synchronous job ends no tasks"); }
  void see(const Discard& e) {
    ++seen["discard"];
    REQUIRE_FALSE(closing.contains(e.client));
    REQUIRE((engine.job() == JobState::cancelled || !securing));
    taken_back.erase(e.client);
  }
  void see(const Standby& e) { REQUIRE_FALSE(cohort.contains(e.client)); }
  void see(const AssignTask& e) {
    ++seen["assign"];
    REQUIRE(connected.contains(e.client));
    REQUIRE(cohort.contains(e.client));
    tasks[e.client] = e;
  }
  void see(const CancelTask& e) {
    ++seen["cancel"];
    REQUIRE(connected.contains(e.client));
    tasks.erase(e.client);
  }
  void see(const Admit& e) {
    ++seen["admit"];
    REQUIRE(securing);
    REQUIRE(invited.contains(e.client));
    REQUIRE_FALSE(in_sum.contains(e.client));
  }
  void see(const Await& e) {
    ++seen["await"];
    REQUIRE(cohort.contains(e.client));
  }
  void see(const Secure& e) {
    ++seen["secure"];
    REQUIRE_FALSE(securing);
    REQUIRE_FALSE(aggregating);
    REQUIRE(recording.empty());
    REQUIRE(std::ssize(e.updates) >= numbers.min);
    REQUIRE(taken_back.empty());  // rows of another sum are gone before this one begins
    REQUIRE(e.base_version == engine.version());
    invited.clear();
    for (const Secure::Update& each : e.updates) {
      REQUIRE((invited.empty() || *invited.rbegin() < each.client));
      REQUIRE(cohort.contains(each.client));
      REQUIRE(each.task == engine.round());
      invited.insert(each.client);
    }
    in_sum.clear();
    securing = true;
  }
  void see(const Record& e) {
    ++seen["record"];
    REQUIRE(securing);
    REQUIRE(invited.contains(e.client));
    REQUIRE_FALSE(in_sum.contains(e.client));
    REQUIRE(recording.emplace(e.client, e).second);
  }
  void see(const Receipt& e) {
    ++seen[name(e.outcome)];
    if (e.outcome != Outcome::accepted) return;
    // It is in a version that is committed, and no other.
    REQUIRE(last_counted.contains(e.client));
    REQUIRE(last_counted.at(e.client) == e.task);
    REQUIRE(e.task <= engine.version());
    receipts_owed.erase(e.client);
  }
  void see(const Retry& e) {
    ++seen["retry"];
    REQUIRE(e.after > Duration::zero());
  }
  void see(const CloseRound& e) {
    ++seen["close"];
    REQUIRE(recording.empty());
    REQUIRE_FALSE(securing);
    std::set<ClientId> in;
    for (const Contribution& each : e.contributions) REQUIRE(in.insert(each.client).second);
    REQUIRE(in == in_sum);
    for (const ClientId client : in) REQUIRE(invited.contains(client));
    closing = in;
    aggregating = true;
  }
  void see(const CommitRound& e) {
    ++seen["commit"];
    REQUIRE(e.version == engine.version() + 1);
    committing = true;
  }
  void see(const AbandonRound& e) {
    ++seen["abandon"];
    REQUIRE(e.kept == 0);
    REQUIRE_FALSE(securing);
  }
  void see(const JobChanged& e) { ++seen[std::string("job ") + name(e.state)]; }
  void see(const Drained&) { ++seen["drained"]; }

  std::set<ClientId> cohort;
  std::set<ClientId> receipts_owed;  // by the commit at hand
  std::set<ClientId> taken_back;     // rows of a sum that is no more, until their Discard
  std::optional<ClientId> answered_record;
  bool committed_now = false;
};

}  // namespace fed::round
