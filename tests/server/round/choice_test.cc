// Selections by examples, speed and loss against the probabilities that their papers give, computed
// here by going through every order in which clients can be drawn.
#include <catch2/catch.hpp>
#include <cmath>
#include <functional>
#include <map>
#include <set>

#include "harness.h"

namespace fed::round {
namespace {

using By = config::SelectionSpec::By;
using Chances = std::map<std::set<std::size_t>, double>;  // of the sets of indices

// Drawing one after the other, each time in proportion to the weights of those who are left.
void draw_on(const std::vector<double>& weights, std::size_t count, std::set<std::size_t>& drawn,
             double chance, Chances& chances) {
  if (drawn.size() == count) {
    chances[drawn] += chance;
    return;
  }
  double left = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) left += drawn.contains(i) ? 0 : weights[i];
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (!drawn.insert(i).second) continue;
    draw_on(weights, count, drawn, chance * weights[i] / left, chances);
    drawn.erase(i);
  }
}

Chances chances_of(const std::vector<double>& weights, std::size_t count) {
  Chances chances;
  std::set<std::size_t> drawn;
  draw_on(weights, count, drawn, 1, chances);
  return chances;
}

// Pearson's chi-square over the sets, of so many draws with one seed each.
double chi_square(const std::vector<Candidate>& candidates, std::int64_t count,
                  const config::SelectionSpec& rule, const Chances& expected) {
  constexpr int kDraws = 20000;
  std::map<std::set<std::size_t>, int> seen;
  for (int i = 0; i < kDraws; ++i) {
    std::set<std::size_t> chosen;
    for (const ClientId client :
         choose(candidates, count, {.seed = static_cast<std::uint64_t>(i)}, rule))
      chosen.insert(static_cast<std::size_t>(client));
    ++seen[chosen];
  }
  for (const auto& [chosen, times] : seen) REQUIRE(expected.contains(chosen));
  double sum = 0;
  for (const auto& [chosen, chance] : expected)
    sum += std::pow(seen[chosen] - kDraws * chance, 2) / (kDraws * chance);
  return sum;
}

TEST_CASE("by examples: successive draws in proportion to them") {
  const std::vector<double> weights{1, 2, 3, 10};
  std::vector<Candidate> candidates;
  for (std::size_t i = 0; i < weights.size(); ++i)
    candidates.push_back({static_cast<ClientId>(i), static_cast<std::int64_t>(weights[i])});
  const Chances expected = chances_of(weights, 2);
  REQUIRE(expected.size() == 6);
  CHECK(chi_square(candidates, 2, {.by = By::examples}, expected) < 20.5);  // 5 degrees, p = 0.001
}

TEST_CASE("by speed: in proportion to 1 / seconds, and who is not known is the fastest") {
  const std::vector<std::optional<double>> seconds{8, 2, std::nullopt, 4};
  const std::vector<double> weights{0.125, 0.5, 0.5, 0.25};
  std::vector<Candidate> candidates;
  for (std::size_t i = 0; i < seconds.size(); ++i)
    candidates.push_back({.client = static_cast<ClientId>(i), .seconds = seconds[i]});
  CHECK(chi_square(candidates, 2, {.by = By::speed}, chances_of(weights, 2)) < 20.5);
  for (Candidate& each : candidates) each.seconds.reset();
  CHECK(chi_square(candidates, 2, {.by = By::speed}, chances_of({1, 1, 1, 1}, 2)) < 20.5);
}

TEST_CASE("by loss: the highest of those who were drawn by examples") {
  const std::vector<double> weights{4, 1, 2, 3, 5};
  const std::vector<std::optional<double>> losses{0.1, 0.9, std::nullopt, 0.5, 0.3};
  const std::vector<std::size_t> by_loss{2, 1, 3, 4, 0};  // the unknown first, then the highest
  std::vector<Candidate> candidates;
  for (std::size_t i = 0; i < weights.size(); ++i)
    candidates.push_back({.client = static_cast<ClientId>(i),
                          .examples = static_cast<std::int64_t>(weights[i]),
                          .loss = losses[i]});
  Chances expected;
  for (const auto& [drawn, chance] : chances_of(weights, 3)) {
    std::set<std::size_t> kept;
    for (const std::size_t i : by_loss)
      if (kept.size() < 2 && drawn.contains(i)) kept.insert(i);
    expected[kept] += chance;
  }
  REQUIRE(expected.size() == 6);  // of 10 pairs: nobody is chosen for whom two better were drawn
  CHECK(chi_square(candidates, 2, {.by = By::loss, .candidates = 3}, expected) < 20.5);
}

TEST_CASE("by loss: twice as many as wanted are drawn unless the job says how many") {
  std::vector<Candidate> candidates;
  for (ClientId client = 1; client <= 9; ++client)
    candidates.push_back({.client = client, .loss = static_cast<double>(client)});
  const auto best_of = [&](std::int64_t drawn) {
    std::map<ClientId, int> seen;
    for (std::uint64_t seed = 0; seed < 300; ++seed)
      ++seen[choose(candidates, 3, {.seed = seed}, {.by = By::loss, .candidates = drawn}).at(0)];
    return seen;
  };
  // The lowest of the three best of six of 1..9 is at least 4; of nine it is 7.
  CHECK(best_of(0).begin()->first == 4);
  CHECK(best_of(9) == std::map<ClientId, int>{{7, 300}});
  CHECK(best_of(1).begin()->first == 1);  // fewer than are wanted: as many as are wanted
  CHECK(best_of(0) == best_of(6));
}

TEST_CASE("no rule depends on the order of the candidates, or takes one twice") {
  std::vector<Candidate> forward;
  for (ClientId client = 1; client <= 7; ++client)
    forward.push_back({client, client % 3 + 1, 1.0 / static_cast<double>(client), 0.5});
  const std::vector<Candidate> backward(forward.rbegin(), forward.rend());
  for (const By by : {By::uniform, By::examples, By::speed, By::loss}) {
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
      const auto chosen = choose(forward, 3, {.seed = seed}, {.by = by});
      CHECK(chosen == choose(backward, 3, {.seed = seed}, {.by = by}));
      CHECK(std::set<ClientId>(chosen.begin(), chosen.end()).size() == 3);
    }
    CHECK(choose(forward, 99, {}, {.by = by}).size() == 7);
    CHECK(choose({}, 3, {}, {.by = by}).empty());
  }
}

// A job of cohorts of one that asks the client with the highest loss of all four.
struct ByLoss : Bench {
  ByLoss() : Bench({.rounds = 99, .cohort = 1, .min = 1, .goal = 1}) {
    config.policy.selection = {.by = By::loss, .candidates = 4};
    engine = Engine(config, now);
  }
  // One round; who was asked. `loss` is what the client reports.
  ClientId round_with(double loss) {
    const ClientId client = only<AssignTask>(effects).at(0).client;
    Offered with = offer(client, engine.round());
    with.loss = loss;
    tell(with, upload(client, engine.round()), Recorded{client, engine.round()});
    commit();
    return client;
  }
};

TEST_CASE("the engine asks by the losses of accepted updates, over a restart too") {
  ByLoss bench;
  bench.arrive(1, 4);
  std::set<ClientId> asked;
  for (const double loss : {0.1, 0.2, 0.3, 0.4}) asked.insert(bench.round_with(loss));
  CHECK(asked.size() == 4);  // who has said nothing yet comes first
  const ClientId last = only<AssignTask>(bench.effects).at(0).client;
  CHECK(bench.round_with(0.05) == last);  // the one of 0.4, who is now the lowest
  const ClientId third = only<AssignTask>(bench.effects).at(0).client;
  CHECK(third != last);

  // A loss that came with an update that does not count says nothing.
  Offered bad = offer(third, bench.engine.round());
  bad.loss = -7;
  bench.tell(bad, TaskFailed{third, bench.engine.round(), "no"}, Order{JobState::paused});
  CHECK(bench.engine.snapshot().losses.at(third) == 0.3);

  const auto losses = bench.engine.snapshot().losses;
  CHECK(losses.size() == 4);
  bench.restart();
  CHECK(bench.engine.snapshot().losses == losses);
}

TEST_CASE("the engine learns how long the tasks of a client take") {
  Bench bench({.rounds = 999, .cohort = 1, .min = 1, .goal = 1});
  bench.config.policy.selection.by = By::speed;
  bench.engine = Engine(bench.config, bench.now);
  bench.arrive(1, 2);
  std::map<ClientId, int> asked;
  for (int round = 0; round < 200; ++round) {
    const ClientId client = only<AssignTask>(bench.effects).at(0).client;
    ++asked[client];
    bench.now += from_seconds(client == 1 ? 1 : 99);
    bench.deliver(client);
    bench.commit();
  }
  // Two of a hundred, and at first as likely as the other.
  CHECK(asked[2] >= 1);
  CHECK(asked[2] <= 10);
}

}  // namespace
}  // namespace fed::round
