// One seed from its beginning to its end: the world, its chaos and the checkers.
//
// A pure function of the options, but for keys, which are random and change nothing that is
// counted. Thread-safe.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "checker.h"
#include "tally.h"

namespace fed::sim {

struct SeedOptions {
  std::uint64_t seed = 0;
  std::function<void(const std::string&)> narrate;  // every line of the programs' logs, and faults
};

struct SeedResult {
  std::uint64_t seed = 0;
  std::vector<std::string> failures;  // empty: all is well
  Tally faults;
  Duration lived{};
  std::uint64_t steps = 0, versions = 0, accepted = 0, offers = 0;
  std::uint64_t sums = 0, sums_made = 0, sums_abandoned = 0;  // secure ones
  std::uint64_t sums_of_statistics = 0;                       // of those begun
  std::uint64_t sums_short = 0;  // of those made, without some of their clients
};

SeedResult run_seed(const SeedOptions& options);
// The same of a world that was drawn otherwise; `options.seed` is for the result only.
SeedResult run_scenario(Scenario scenario, const SeedOptions& options);

}  // namespace fed::sim
