// Every event in every state. The expectations name only what happens; an event that is not named
// for a state must have no effect, and leave the phase and the job's state as they are.
#include <catch2/catch.hpp>
#include <functional>
#include <map>

#include "harness.h"

namespace fed::round {
namespace {

const Error kFull{ErrorCode::disk_full, "full"};

// Cohort 3, at least 2, of clients 1, 2 and 3; deadline 100 s, patience 10 s. Client 1 is the one
// that events are about.
struct State {
  std::string name;
  std::function<void(Bench&)> reach;
};

const std::vector<State>& states() {
  static const std::vector<State> all = [] {
    const auto collecting = [](Bench& b) { b.arrive(1, 3); };
    const auto closing = [=](Bench& b) {
      collecting(b);
      for (ClientId c : {1, 2, 3}) b.deliver(c);
    };
    const auto abandoned = [=](Bench& b) {
      collecting(b);
      b.deliver(1);
      b.wait(100);
    };
    const auto then = [](auto first, auto... events) {
      return [=](Bench& b) {
        first(b);
        b.tell(events...);
      };
    };
    return std::vector<State>{
        {"new", [](Bench&) {}},
        {"selecting", [](Bench& b) { b.arrive(1, 1); }},
        {"selecting patiently", [](Bench& b) { b.arrive(1, 2); }},
        {"selecting paused", then([](Bench& b) { b.arrive(1, 2); }, Order{JobState::paused})},
        {"collecting", collecting},
        {"collecting, 1 gone", then(collecting, ClientGone{1})},
        {"collecting, 1 uploads", then(collecting, offer(1, 1))},
        {"collecting, 1 stored", then(collecting, offer(1, 1), upload(1, 1))},
        {"collecting, 1 accepted", then(collecting, offer(1, 1), upload(1, 1), Recorded{1, 1})},
        {"collecting, 1 failed", then(collecting, TaskFailed{1, 1, "no"})},
        {"collecting paused", then(collecting, Order{JobState::paused})},
        {"collecting draining", then(collecting, Order{JobState::draining})},
        {"collecting late",
         [=](Bench& b) {
           collecting(b);
           b.tell(offer(1, 1), upload(1, 1));
           b.wait(200);
         }},
        {"closing", closing},
        {"closing, to retry", then(closing, CommitFailed{1, kFull, true})},
        {"closing, stuck", then(closing, CommitFailed{1, kFull, false})},
        {"committing", then(closing, Aggregated{1})},
        {"committing, to retry", then(closing, Aggregated{1}, CommitFailed{1, kFull, true})},
        {"committing paused", then(closing, Aggregated{1}, Order{JobState::paused})},
        {"abandoned", abandoned},
        {"abandoned paused", then(abandoned, Order{JobState::paused})},
        {"selecting again",
         [=](Bench& b) {
           abandoned(b);
           b.tell(ClientGone{2}, ClientGone{3});
           b.wait(10);
         }},
        {"drained", then([](Bench&) {}, Order{JobState::draining})},
        {"finished",
         [=](Bench& b) {
           for (int r = 1; r <= 3; ++r) {
             if (r == 1) b.arrive(1, 3);
             for (ClientId c : {1, 2, 3}) b.deliver(c);
             b.commit();
           }
         }},
        {"cancelled", then(collecting, Order{JobState::cancelled})},
        {"cancelled, 1 stored",
         then(collecting, offer(1, 1), upload(1, 1), Order{JobState::cancelled})},
        {"cancelled while committing", then(closing, Aggregated{1}, Order{JobState::cancelled})},
    };
  }();
  return all;
}

struct Fired {
  std::string name;
  Event event;
  double after = 0.5;  // seconds
};

std::vector<Fired> events(std::int64_t round) {
  Offered other = offer(1, round);
  other.checksum = sum_of(99);
  UploadCompleted bad = upload(1, round);
  bad.facts.finite = false;
  return {{"1 comes", ClientAvailable{1, 10}},
          {"4 comes", ClientAvailable{4, 10}},
          {"1 goes", ClientGone{1}},
          {"1 removed", ClientRemoved{1}},
          {"1 fails", TaskFailed{1, round, "no"}},
          {"1 works", Progressed{1, round, Work::training, 1, 2}},
          {"1 offers", offer(1, round)},
          {"1 offers other", other},
          {"4 offers", offer(4, round)},
          {"1 offers next", offer(1, round + 1)},
          {"1 uploaded", upload(1, round)},
          {"1 uploaded bad", bad},
          {"1 recorded", Recorded{1, round}},
          {"1 not recorded", RecordFailed{1, round, kFull}},
          {"begin failed", BeginFailed{round, 1, kFull}},
          {"aggregated", Aggregated{round}},
          {"committed", Committed{round, {}}},
          {"commit failed", CommitFailed{round, kFull, true}},
          {"commit broken", CommitFailed{round, kFull, false}},
          {"tick", Tick{}},
          {"tick at 10 s", Tick{}, 10},
          {"tick at 1000 s", Tick{}, 1000},
          {"pause", Order{JobState::paused}},
          {"resume", Order{JobState::running}},
          {"drain", Order{JobState::draining}},
          {"cancel", Order{JobState::cancelled}}};
}

// Effects, and "-> phase" when that changed.
using Row = std::map<std::string, std::string>;
using Table = std::map<std::string, Row>;

const std::string kBegin = "begin 1.1 [1 2 3]; assign 1; assign 2; assign 3";
const std::string kBegin2 = "begin 2.1 [1 2 3]; assign 1; assign 2; assign 3";
const std::string kAgain = "begin 1.2 [1 2 3]; assign 2; assign 3";
const std::string kCancelAll = "cancel 1 job_ended; cancel 2 job_ended; cancel 3 job_ended";
const std::string kLate =
    "abandon 1.1 deadline_passed; cancel 1 attempt_abandoned; cancel 2 attempt_abandoned; cancel 3 "
    "attempt_abandoned";

const std::string kUntold =
    "abandon 1.1 storage_failed; cancel 1 attempt_abandoned; cancel 2 attempt_abandoned; cancel 3 "
    "attempt_abandoned";
const std::string kDiscardAll = "discard 1; discard 2; discard 3";

Row with(Row row, const Row& more) {
  for (const auto& [event, expected] : more) row[event] = expected;
  return row;
}

// What clients hear when the server has not begun any round, has a round that is closed, or has
// none any more.
const Row kUnknown{
    {"1 offers", "refused 1 unknown_round"},   {"1 offers other", "refused 1 unknown_round"},
    {"4 offers", "refused 4 unknown_round"},   {"1 offers next", "refused 1 unknown_round"},
    {"1 uploaded", "refused 1 unknown_round"}, {"1 uploaded bad", "refused 1 unknown_round"}};
const Row kCounted{{"1 offers", "accepted 1"},
                   {"1 offers other", "refused 1 duplicate"},
                   {"1 offers next", "refused 1 unknown_round"},
                   {"1 uploaded", "accepted 1"},
                   {"1 uploaded bad", "accepted 1"}};
const Row kEnded{
    {"1 offers", "discarded 1 job_ended"},   {"1 offers other", "discarded 1 job_ended"},
    {"4 offers", "discarded 4 job_ended"},   {"1 offers next", "discarded 1 job_ended"},
    {"1 uploaded", "discarded 1 job_ended"}, {"1 uploaded bad", "discarded 1 job_ended"}};
const Row kOrders{{"pause", "job paused by_operator"}, {"drain", "job draining by_operator"}};

const Row kCollecting =
    with(kOrders, {{"1 comes", "assign 1"},
                   {"1 offers", "admit 1"},
                   {"1 offers other", "admit 1"},
                   {"4 offers", "refused 4 not_in_cohort"},
                   {"1 offers next", "refused 1 unknown_round"},
                   {"1 uploaded", "retry 1 not_offered"},
                   {"1 uploaded bad", "retry 1 not_offered"},
                   {"begin failed", kUntold + " -> abandoned"},
                   {"tick at 1000 s", kLate + " -> abandoned"},
                   {"cancel", "job cancelled by_operator; " + kCancelAll + " -> idle"}});

const Row kClosing = with(with(kCounted, kOrders), {{"4 offers", "discarded 4 round_closed"},
                                                    {"committed", kBegin2 + " -> collecting"},
                                                    {"cancel", "job cancelled by_operator"},
                                                    {"commit broken", "job paused commit_failed"}});

// Client 1's contribution is kept; 2 and 3 were cancelled.
const Row kAbandoned = with(kCounted, {{"4 offers", "refused 4 not_in_cohort"},
                                       {"tick at 10 s", kAgain + " -> collecting"},
                                       {"tick at 1000 s", kAgain + " -> collecting"},
                                       {"pause", "job paused by_operator"},
                                       {"drain", "job draining by_operator; drained -> idle"},
                                       {"cancel", "job cancelled by_operator; discard 1 -> idle"}});

void expect_before_a_round(Table& table) {
  for (const Fired& fired : events(1)) table["new"][fired.name] = "-> selecting";
  for (const auto& [event, answer] : kUnknown) table["new"][event] = answer + " -> selecting";
  table["new"]["pause"] = "job paused by_operator";
  table["new"]["drain"] = "job draining by_operator; drained";
  table["new"]["cancel"] = "job cancelled by_operator";

  table["selecting"] = with(kUnknown, {{"pause", "job paused by_operator"},
                                       {"drain", "job draining by_operator; drained -> idle"},
                                       {"cancel", "job cancelled by_operator -> idle"}});
  table["selecting patiently"] =
      with(table["selecting"],
           {{"4 comes", "begin 1.1 [1 2 4]; assign 1; assign 2; assign 4 -> collecting"},
            {"tick at 10 s", "begin 1.1 [1 2]; assign 1; assign 2 -> collecting"},
            {"tick at 1000 s", "begin 1.1 [1 2]; assign 1; assign 2 -> collecting"}});
  table["selecting paused"] =
      with(table["selecting"], {{"pause", ""}, {"resume", "job running by_operator"}});
}

void expect_while_collecting(Table& table) {
  table["collecting"] = kCollecting;
  const std::string late23 =
      "abandon 1.1 deadline_passed; cancel 2 attempt_abandoned; cancel 3 attempt_abandoned";
  const std::string cancel23 =
      "job cancelled by_operator; cancel 2 job_ended; cancel 3 job_ended -> idle";
  const std::string untold23 =
      "abandon 1.1 storage_failed; cancel 2 attempt_abandoned; cancel 3 attempt_abandoned";
  table["collecting, 1 gone"] = with(kCollecting, {{"tick at 1000 s", late23 + " -> abandoned"},
                                                   {"begin failed", untold23 + " -> abandoned"},
                                                   {"cancel", cancel23}});
  table["collecting, 1 uploads"] =
      with(kCollecting, {{"1 uploaded", "record 1"}, {"1 uploaded bad", "refused 1 not_finite"}});
  const Row not_working =
      with(kCollecting,
           {{"1 comes", ""}, {"begin failed", untold23 + " -> abandoned"}, {"cancel", cancel23}});
  table["collecting, 1 stored"] = with(not_working, {{"1 offers", "retry 1 being_stored"},
                                                     {"1 offers other", "refused 1 duplicate"},
                                                     {"1 uploaded", "retry 1 being_stored"},
                                                     {"1 uploaded bad", "retry 1 being_stored"},
                                                     {"1 recorded", "accepted 1"},
                                                     {"1 not recorded", "retry 1 storage_failed"},
                                                     {"begin failed", ""},
                                                     {"tick at 1000 s", ""}});
  table["collecting, 1 accepted"] =
      with(with(not_working, kCounted),
           {{"tick at 1000 s", late23 + " -> abandoned"},
            {"cancel",
             "job cancelled by_operator; cancel 2 job_ended; cancel 3 job_ended; discard 1 -> "
             "idle"}});
  table["collecting, 1 failed"] = with(not_working, {{"1 offers", "refused 1 task_failed"},
                                                     {"1 offers other", "refused 1 task_failed"},
                                                     {"1 uploaded", "refused 1 task_failed"},
                                                     {"1 uploaded bad", "refused 1 task_failed"},
                                                     {"tick at 1000 s", late23 + " -> abandoned"}});
  table["collecting paused"] = with(kCollecting, {{"1 comes", ""},
                                                  {"tick at 1000 s", ""},
                                                  {"pause", ""},
                                                  {"resume", "job running by_operator"}});
  table["collecting draining"] = with(kCollecting, {{"tick at 1000 s", kLate + "; drained -> idle"},
                                                    {"begin failed", kUntold + "; drained -> idle"},
                                                    {"drain", ""},
                                                    {"resume", "job running by_operator"}});
  table["collecting late"] =
      with(table["collecting, 1 stored"],
           {{"1 recorded", "accepted 1; " + late23 + " -> abandoned"},
            {"1 not recorded", "retry 1 storage_failed; " + kLate + " -> abandoned"}});
}

void expect_at_the_commit(Table& table) {
  table["closing"] = with(kClosing, {{"aggregated", "commit 1 -> committing"}});
  const Row retry{{"tick at 10 s", "close 1 [1 2 3]"},
                  {"tick at 1000 s", "close 1 [1 2 3]"},
                  {"cancel", "job cancelled by_operator; " + kDiscardAll + " -> idle"}};
  table["closing, to retry"] = with(table["closing"], retry);
  table["closing, stuck"] = with(
      table["closing"], {{"committed", "-> idle"},
                         {"pause", ""},
                         {"resume", "job running by_operator; close 1 [1 2 3]"},
                         {"drain", "job draining by_operator; close 1 [1 2 3]"},
                         {"cancel", "job cancelled by_operator; " + kDiscardAll + " -> idle"}});
  table["committing"] = kClosing;
  table["committing, to retry"] =
      with(with(kClosing, retry), {{"tick at 10 s", "commit 1"}, {"tick at 1000 s", "commit 1"}});
  table["committing paused"] = with(
      kClosing, {{"committed", "-> idle"}, {"pause", ""}, {"resume", "job running by_operator"}});
}

void expect_between_and_after(Table& table) {
  table["abandoned"] = kAbandoned;
  table["abandoned paused"] = with(kAbandoned, {{"tick at 10 s", ""},
                                                {"tick at 1000 s", ""},
                                                {"pause", ""},
                                                {"resume", "job running by_operator"}});
  table["selecting again"] = with(kAbandoned, {{"tick at 10 s", ""}, {"tick at 1000 s", ""}});

  table["drained"] = with(kUnknown, {{"pause", "job paused by_operator"},
                                     {"resume", "job running by_operator -> selecting"},
                                     {"cancel", "job cancelled by_operator"}});
  table["finished"] =
      with(kEnded, {{"1 offers", "accepted 1"},  // the events are about round 3, the last one
                    {"1 offers other", "refused 1 duplicate"},
                    {"1 uploaded", "accepted 1"},
                    {"1 uploaded bad", "accepted 1"}});
  table["cancelled"] = kEnded;
  table["cancelled, 1 stored"] = with(kEnded, {{"1 recorded", "discard 1; discarded 1 job_ended"},
                                               {"1 not recorded", "discarded 1 job_ended"}});
  table["cancelled while committing"] = with(kEnded, {{"committed", "-> idle"},
                                                      {"commit failed", kDiscardAll + " -> idle"},
                                                      {"commit broken", kDiscardAll + " -> idle"}});
}

Table expectations() {
  Table table;
  expect_before_a_round(table);
  expect_while_collecting(table);
  expect_at_the_commit(table);
  expect_between_and_after(table);
  return table;
}

TEST_CASE("every event in every state does what the table says, and nothing else") {
  const Table table = expectations();
  CHECK(table.size() == states().size());
  for (const State& state : states()) {
    REQUIRE(table.contains(state.name));
    for (const Fired& fired : events(state.name == "finished" ? 3 : 1)) {
      Bench bench;
      state.reach(bench);
      const Phase phase = bench.engine.phase();
      const JobState job = bench.engine.job();
      const std::int64_t version = bench.engine.version();
      bench.now += from_seconds(fired.after);
      std::string happened = bench.tell(fired.event);
      if (bench.engine.phase() != phase) {
        happened += (happened.empty() ? "-> " : " -> ") + std::string(name(bench.engine.phase()));
      }
      const auto expected = table.at(state.name).find(fired.name);
      INFO("state: " << state.name << ", event: " << fired.name);
      CHECK(happened == (expected == table.at(state.name).end() ? "" : expected->second));
      if (bench.engine.job() != job) CHECK(happened.starts_with("job "));
      CHECK(bench.engine.version() - version ==
            (fired.name == "committed" && (phase == Phase::closing || phase == Phase::committing)));
      // Whatever was hit, asking for the state works, and nothing is left to be done at a time that
      // has passed.
      CHECK_FALSE(waiting_for(bench.engine.report()).empty());
      if (const auto wakeup = bench.engine.next_wakeup()) CHECK(*wakeup > bench.now);
    }
  }
}

TEST_CASE("events about another round or an unknown client change nothing") {
  for (const State& state : states()) {
    for (const Fired& fired : events(55)) {
      const bool about_clients = fired.name.find(" offers") != std::string::npos ||
                                 fired.name.find(" uploaded") != std::string::npos;
      const bool about_round = std::visit(
          [](const auto& event) {
            return requires { event.round; }
            || requires { event.task; };
          },
          fired.event);
      if (!about_round || about_clients) continue;
      Bench bench;
      state.reach(bench);
      bench.tell(Tick{});
      const Snapshot before = bench.engine.snapshot();
      INFO("state: " << state.name << ", event: " << fired.name);
      CHECK(bench.tell(fired.event) == "");
      CHECK(bench.engine.snapshot() == before);
    }
    Bench bench;
    state.reach(bench);
    bench.tell(Tick{});
    const Snapshot before = bench.engine.snapshot();
    CHECK(bench.tell(ClientGone{55}, ClientRemoved{55}, TaskFailed{55, 1, ""}, Recorded{55, 1},
                     RecordFailed{55, 1, kFull}, Progressed{55, 1, Work::uploading, 1, 1}) == "");
    CHECK(bench.engine.snapshot() == before);
  }
}

}  // namespace
}  // namespace fed::round
