// A gentle world for tests of secure sums and of what their referee says. Four sites and one job;
// one owner, not thread-safe.
#pragma once

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <vector>

#include "checker.h"
#include "world.h"

namespace fed::sim {

inline constexpr const char* kSumJob = R"({
  "name": "job-1", "model": {"type": "linear", "inputs": 30},
  "rounds": {"max": 2, "cohort": 4, "contributions": {"min": 3, "goal": 4}, "seconds": {"max": 60, "select": 1}},
  "quantisation": {"rotation": true, "kept": 0.5, "weight_max": 100},
  "secure_aggregation": {"phase_s": 300}})";

struct Cohort {
  explicit Cohort(const std::string& text = kSumJob) : world(scenario(text)) {
    REQUIRE(world.begin());
    world.calm();
    checkers = all_checkers();
  }

  static Scenario scenario(const std::string& text) {
    Scenario scenario = draw_scenario(3, Mood::gentle);
    scenario.clients.resize(2, scenario.clients.front());
    scenario.clients.resize(4, scenario.clients.front());
    for (std::size_t i = 0; i < scenario.clients.size(); ++i) {
      scenario.clients[i].site.client = i;
      scenario.clients[i].training_pace = {std::chrono::seconds(1), std::chrono::seconds(2), true};
    }
    scenario.jobs = {{Duration(0), "job-1", text}};
    return scenario;
  }

  void live(Duration most = std::chrono::hours(2)) {
    const Instant until = world.queue().now() + most;
    while (!world.finished() && world.step(until)) {
      for (const auto& checker : checkers) REQUIRE(checker->after_step(world) == "");
    }
    INFO(world.unfinished());
    REQUIRE(world.finished());
  }
  std::string verdict(const std::string& name) {
    for (const auto& checker : checkers) {
      if (checker->name() == name) return checker->at_end(world);
    }
    return "there is no such checker";
  }
  void check_all() {
    for (const auto& checker : checkers) {
      INFO(checker->name());
      CHECK(checker->at_end(world) == "");
    }
  }

  World world;
  std::vector<std::unique_ptr<Checker>> checkers;
};

}  // namespace fed::sim
