#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include "harness.h"

namespace fed::round {
namespace {

using std::chrono::seconds;

TEST_CASE("a cohort depends on the draw and the set of candidates, not on their order") {
  const std::vector<ClientId> forward{3, 11, 12, 40, 41, 99, 100};
  const std::vector<ClientId> backward(forward.rbegin(), forward.rend());
  for (std::int64_t attempt = 1; attempt < 50; ++attempt) {
    const Draw draw{.seed = 1, .round = 2, .attempt = attempt};
    const auto chosen = choose(candidates(forward), 3, draw);
    CHECK(chosen == choose(candidates(backward), 3, draw));
    CHECK(chosen.size() == 3);
    CHECK(std::is_sorted(chosen.begin(), chosen.end()));
    CHECK(std::includes(forward.begin(), forward.end(), chosen.begin(), chosen.end()));
    CHECK(std::set<ClientId>(chosen.begin(), chosen.end()).size() == 3);
  }
  CHECK(choose(candidates(forward), 7, {}) == forward);
  CHECK(choose(candidates(forward), 99, {}) == forward);
  CHECK(choose(candidates(forward), 0, {}).empty());
  CHECK(choose(candidates(forward), -1, {}).empty());
  CHECK(choose({}, 3, {}).empty());
}

TEST_CASE("every subset is equally likely, over rounds, attempts and seeds") {
  std::vector<ClientId> clients(6);
  std::iota(clients.begin(), clients.end(), 1);
  for (int varied = 0; varied < 3; ++varied) {
    std::map<std::vector<ClientId>, int> seen;
    constexpr int kDraws = 20000;
    for (int i = 0; i < kDraws; ++i) {
      Draw draw{.seed = 5, .round = 1, .attempt = 1};
      if (varied == 0) draw.seed = static_cast<std::uint64_t>(i);
      if (varied == 1) draw.round = i;
      if (varied == 2) draw.attempt = i;
      ++seen[choose(candidates(clients), 3, draw)];
    }
    REQUIRE(seen.size() == 20);  // 6 choose 3
    double chi_square = 0;
    for (const auto& [subset, count] : seen)
      chi_square += std::pow(count - kDraws / 20.0, 2) / (kDraws / 20.0);
    CHECK(chi_square < 43.8);  // 19 degrees of freedom, p = 0.001
  }
}

TEST_CASE("the policy is the job's rounds section") {
  const Policy p =
      policy(job_spec({.cohort = 13, .min = 7, .goal = 10, .collect = 1.5, .select = 0.25}));
  CHECK(p.cohort == 13);
  CHECK(p.contributions_min == 7);
  CHECK(p.contributions_goal == 10);
  CHECK(p.collect_max == std::chrono::milliseconds(1500));
  CHECK(p.select_max == std::chrono::milliseconds(250));
  CHECK(p.seed == 7);
  CHECK(goal_of(p, TaskKind::training, 13) == 10);
  CHECK(goal_of(p, TaskKind::training, 8) == 8);
  CHECK(goal_of(p, TaskKind::statistics, 50) == 50);
  CHECK(weight_of(Weighting::examples, 17) == 17);
  CHECK(weight_of(Weighting::uniform, 17) == 1);
}

TEST_CASE("a pause doubles up to its limit, and is never nothing") {
  CHECK(back_off(seconds(3), seconds(20), 1) == seconds(3));
  CHECK(back_off(seconds(3), seconds(20), 2) == seconds(6));
  CHECK(back_off(seconds(3), seconds(20), 3) == seconds(12));
  CHECK(back_off(seconds(3), seconds(20), 4) == seconds(20));
  CHECK(back_off(seconds(3), seconds(20), 1'000'000'000) == seconds(20));
  CHECK(back_off(seconds(30), seconds(20), 1) == seconds(20));
  CHECK(back_off(seconds(0), seconds(0), 5) == seconds(1));
  CHECK(back_off(seconds(0), Duration::max(), 1'000'000) == Duration::max());
}

TEST_CASE("a job stops at its target, out of patience, or at its limit") {
  StoppingRule rule{.versions_max = 5, .higher_is_better = true, .target = 0.9, .patience = 2};
  StoppingState state;
  CHECK_FALSE(should_stop(rule, state, 4));
  CHECK(should_stop(rule, state, 5) == Reason::round_limit);
  state = observe(rule, state, {.version = 1, .value = 0.5});
  state = observe(rule, state, {.version = 2, .value = 0.5});
  CHECK(state.best == Evaluation{1, 0.5});  // the first of equals
  CHECK(state.without_better == 1);
  CHECK_FALSE(should_stop(rule, state, 2));
  CHECK(should_stop(rule, observe(rule, state, {3, 0.4}), 3) == Reason::patience_exhausted);
  state = observe(rule, state, {.version = 3, .value = 0.6});
  CHECK(state == StoppingState{.best = Evaluation{3, 0.6}, .without_better = 0});
  CHECK(should_stop(rule, observe(rule, state, {4, 0.9}), 4) == Reason::target_reached);
  CHECK(should_stop(rule, observe(rule, state, {5, 0.9}), 5) == Reason::target_reached);

  StoppingRule poor{.versions_max = 5, .versions_paid = 3};
  CHECK_FALSE(should_stop(poor, {}, 2));
  CHECK(should_stop(poor, {}, 3) == Reason::budget_spent);
  poor.versions_max = 3;
  CHECK(should_stop(poor, {}, 3) == Reason::round_limit);

  StoppingRule loss{.versions_max = 5, .higher_is_better = false, .target = 0.1, .patience = 0};
  StoppingState low = observe(loss, observe(loss, {}, {1, 0.3}), {2, 0.2});
  CHECK(low.best == Evaluation{2, 0.2});
  CHECK_FALSE(should_stop(loss, low, 2));
  for (int i = 3; i < 50; ++i) low = observe(loss, low, {i, 0.7});
  CHECK_FALSE(should_stop(loss, low, 4));  // no patience rule
  CHECK(should_stop(loss, observe(loss, low, {51, 0.1}), 4) == Reason::target_reached);
}

TEST_CASE("a value that is not a number is never the best") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  StoppingRule rule{.versions_max = 9, .higher_is_better = true, .target = 0.9, .patience = 3};
  StoppingState state;
  for (double value : {nan, infinity, -infinity}) state = observe(rule, state, {1, value});
  CHECK_FALSE(state.best);
  CHECK(should_stop(rule, state, 1) == Reason::patience_exhausted);
  state = observe(rule, state, {2, 0.2});
  CHECK(state.best == Evaluation{2, 0.2});
  CHECK(observe(rule, state, {3, nan}).best == Evaluation{2, 0.2});
  CHECK(observe(rule, state, {3, infinity}).best == Evaluation{2, 0.2});
}

TEST_CASE("which metrics are better when higher") {
  for (const char* metric : {"accuracy", "auc", "r2"}) CHECK(higher_is_better(metric));
  for (const char* metric : {"loss", "rmse", "mae"}) CHECK_FALSE(higher_is_better(metric));
}

TEST_CASE("every reason has a name of its own and one sentence that says what to do") {
  std::set<std::string> names;
  int reasons = 0;
  for (int value = 0; value < 55; ++value) {
    const bool known = value <= 11 || value == 20 || value == 21 || (value >= 30 && value <= 34) ||
                       value == 40 || value == 41 || value >= 50;
    if (!known) continue;
    const auto reason = static_cast<Reason>(value);
    ++reasons;
    names.insert(name(reason));
    const std::string text = sentence(reason);
    CHECK(text.size() > 20);
    CHECK(text.back() == '.');
    CHECK_FALSE((may_retry(reason) && too_late(reason)));
  }
  CHECK(names.size() == static_cast<std::size_t>(reasons));
  CHECK(may_retry(Reason::checksum_mismatch));
  CHECK_FALSE(may_retry(Reason::not_finite));
  CHECK(too_late(Reason::round_closed));
}

TEST_CASE("the report says what the round is waiting for") {
  Bench bench({.cohort = 3, .min = 2, .goal = 3});
  CHECK(waiting_for(bench.engine.report()) == "The job is about to begin.");
  bench.arrive(1, 1);
  CHECK(waiting_for(bench.engine.report()) ==
        "Round 1 waits for 1 more client(s) to connect; 1 of at least 2 are there.");
  bench.arrive(2, 2);
  CHECK(waiting_for(bench.engine.report()) ==
        "Round 1 waits a moment for a full cohort; 2 of 3 clients are there.");
  bench.arrive(3, 4);
  bench.deliver(1);
  bench.tell(ClientGone{2}, Progressed{3, 1, Work::training, 30, 90});
  const Report report = bench.engine.report();
  CHECK(waiting_for(report) ==
        "Round 1 has 1 of 3 updates and waits for 2 client(s), 1 of them disconnected; it needs 1 "
        "more to count.");
  CHECK(report.missing() == 1);
  CHECK(report.deadline == at(100));
  REQUIRE(report.clients.size() == 4);
  CHECK(std::string(report.clients[0].state()) == "accepted");
  CHECK(std::string(report.clients[1].state()) == "gone");
  CHECK(std::string(report.clients[2].state()) == "training");
  CHECK(report.clients[2].done == 30);
  CHECK(report.clients[2].total == 90);
  CHECK(std::string(report.clients[3].state()) == "available");
  CHECK_FALSE(report.clients[3].member);

  bench.deliver(3);
  CHECK(waiting_for(bench.engine.report()).ends_with("it has enough to count at its deadline."));
  bench.tell(Order{JobState::paused});
  CHECK(waiting_for(bench.engine.report()) == "The job is paused: The operator asked for it.");
  CHECK_FALSE(bench.engine.report().deadline);
  bench.tell(Order{JobState::running});
  bench.wait(1000);
  CHECK(waiting_for(bench.engine.report()) == "Round 1 is being aggregated.");
  bench.tell(CommitFailed{1, {ErrorCode::disk_full, "no space in /state"}, true});
  CHECK_THAT(waiting_for(bench.engine.report()),
             Catch::Contains("tries again") && Catch::Contains("no space in"));
  bench.tell(Order{JobState::cancelled});
  CHECK_THAT(waiting_for(bench.engine.report()), Catch::StartsWith("The job is cancelled"));
}

}  // namespace
}  // namespace fed::round
