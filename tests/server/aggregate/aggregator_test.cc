// The conformance test of the registry: what aggregator.h promises, for every rule there is.
#include "aggregate/aggregator.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <set>
#include <string>

#include "base/random.h"
#include "tensor/vector.h"

namespace {

using fed::Random;
using fed::aggregate::Aggregator;
using fed::aggregate::Grid;
using fed::aggregate::Rule;
using fed::aggregate::Term;
using fed::tensor::Doubles;
using fed::tensor::Floats;

constexpr std::size_t kCoordinates = 130;
constexpr std::size_t kClients = 23;

struct Round {
  std::vector<Floats> updates;
  std::vector<Term> terms;
  double total = 0;
};

Round make_round(std::uint64_t seed) {
  Random random(seed);
  Round round;
  for (std::size_t c = 0; c < kClients; ++c) {
    Floats& update = round.updates.emplace_back(kCoordinates);
    for (float& x : update) x = static_cast<float>(random.normal());
    const double weight = static_cast<double>(1 + random.below(100));
    round.terms.push_back({update, weight});
    round.total += weight;
  }
  return round;
}

Doubles report(Aggregator& aggregator) {
  Doubles aggregated(kCoordinates);
  aggregator.report(aggregated);
  return aggregated;
}

}  // namespace

TEST_CASE("every rule: order, cutting and merging do not matter") {
  const Round round = make_round(5);
  const Grid grid = Grid::make(round.total, 64).value();
  for (const Rule& rule : fed::aggregate::rules()) {
    INFO(rule.name);
    const auto whole = rule.make(grid, kCoordinates);
    whole->accumulate(round.terms);
    const Doubles expected = report(*whole);

    Random random(6);
    for (int trial = 0; trial < 20; ++trial) {
      std::vector<Term> terms = round.terms;
      random.shuffle(std::span(terms));
      const std::size_t cut = 1 + random.below(kClients - 1);
      const auto one = rule.make(grid, kCoordinates), other = rule.make(grid, kCoordinates);
      one->accumulate(std::span(terms).first(cut));
      for (const Term& term : std::span(terms).subspan(cut)) other->accumulate({&term, 1});
      one->merge(std::move(*other));
      REQUIRE(report(*one) == expected);
    }
  }
}

TEST_CASE("every rule: clients that agree are followed, and the result stays between the updates") {
  const Round round = make_round(7);
  const Grid grid = Grid::make(round.total, 64).value();
  for (const Rule& rule : fed::aggregate::rules()) {
    INFO(rule.name);
    const auto agreeing = rule.make(grid, kCoordinates);
    for (const Term& term : round.terms) {
      const Term same{round.updates[0], term.weight};
      agreeing->accumulate({&same, 1});
    }
    const Doubles agreed = report(*agreeing);
    const auto mixed = rule.make(grid, kCoordinates);
    mixed->accumulate(round.terms);
    const Doubles between = report(*mixed);
    for (std::size_t i = 0; i < kCoordinates; ++i) {
      CHECK(agreed[i] == Approx(round.updates[0][i]).epsilon(1e-9));
      const auto [low, high] =
          std::ranges::minmax(round.updates, {}, [i](const Floats& update) { return update[i]; });
      CHECK(between[i] >= static_cast<double>(low[i]));
      CHECK(between[i] <= static_cast<double>(high[i]));
    }
  }
}

TEST_CASE(
    "every rule: reset makes it new, also for another size and grid and its bytes grow at most "
    "with updates "
    "x "
    "tile") {
  const Round round = make_round(8);
  const Grid grid = Grid::make(round.total, 64).value();
  for (const Rule& rule : fed::aggregate::rules()) {
    INFO(rule.name);
    const auto fresh = rule.make(grid, kCoordinates);
    fresh->accumulate(round.terms);
    const Grid coarse = Grid::make(round.total * 1024, 64).value();
    const auto used = rule.make(coarse, 40);
    const Term part{std::span(round.updates[3]).first(40), 9};
    used->accumulate({&part, 1});
    used->reset(grid, kCoordinates);
    used->accumulate(round.terms);
    CHECK(report(*used) == report(*fresh));
    CHECK(rule.bytes(1000, 10) >= 1000 * sizeof(double));
    CHECK(rule.bytes(1000, 10) <= 1000 * sizeof(double) * 11);
  }
}

TEST_CASE("rules are found by name, and an unknown one is answered with those there are") {
  std::set<std::string> names;
  for (const Rule& rule : fed::aggregate::rules()) {
    CHECK(fed::aggregate::find_rule(rule.name).value() == &rule);
    CHECK(names.insert(std::string(rule.name)).second);
  }
  const auto unknown = fed::aggregate::find_rule("meen");
  CHECK(unknown.error().code == fed::ErrorCode::unsupported);
  CHECK(unknown.error().detail.find("mean") != std::string::npos);
}

TEST_CASE("mean is the weighted mean") {
  const Floats a = {1, 2, -4}, b = {5, 2, 8};
  const Grid grid = Grid::make(4, 64).value();
  const auto mean = fed::aggregate::find_rule("mean").value()->make(grid, 3);
  const Term terms[] = {{a, 3}, {b, 1}};
  mean->accumulate(terms);
  Doubles result(3);
  mean->report(result);
  CHECK(result == Doubles{2, 2, -1});
}
