#include "seed_run.h"

#include <fmt/format.h>

#include "base/log.h"
#include "chaos.h"

namespace fed::sim {
namespace {

// A world without faults that is at work for so long is not going to end.
constexpr auto kCalmMost = std::chrono::hours(24);
// In which the last answers arrive.
constexpr auto kQuiet = std::chrono::minutes(10);

// The log of every program in the world, for this thread and as long as this lives.
class Log {
 public:
  Log(World& world, const SeedOptions& options) {
    log::redirect([&world, narrate = options.narrate](log::Level, std::string_view line) {
      if (!narrate) return;
      const std::string who = world.queue().speaker();
      narrate(fmt::format("{:12.6f} {:8} {}", seconds(world.lived()), who, line));
    });
    if (!options.narrate) return;
    world.narrate = [&world, narrate = options.narrate](const std::string& line) {
      narrate(fmt::format("{:12.6f} ***      {}", seconds(world.lived()), line));
    };
  }
  ~Log() { log::redirect(nullptr); }
};

class Run {
 public:
  Run(Scenario scenario, const SeedOptions& options)
      : world_(std::move(scenario)), log_(world_, options), checkers_(all_checkers()) {
    result_.seed = options.seed;
  }

  SeedResult live() {
    const Status begun = world_.begin();
    if (!begun) {
      fail("the beginning", begun.error().detail);
      return result_;
    }
    const Chaos chaos(world_);
    turn();
    if (result_.failures.empty()) judge();
    result_.faults = world_.tally();
    result_.lived = world_.lived();
    result_.steps = world_.steps();
    result_.offers = world_.ledger().offered().size();
    result_.sums = world_.ledger().sums().begun();
    result_.sums_of_statistics = world_.ledger().sums().of_statistics();
    result_.sums_made = world_.ledger().sums().made();
    result_.sums_short = world_.ledger().sums().short_of_clients();
    result_.sums_abandoned = world_.ledger().sums().abandoned();
    for (const Told& told : world_.ledger().told()) {
      if (told.outcome == wire::Outcome::accepted) ++result_.accepted;
    }
    return result_;
  }

 private:
  void turn() {
    const Instant latest = world_.queue().now() + world_.scenario().chaos + kCalmMost;
    while (result_.failures.empty()) {
      if (world_.is_calm() && world_.finished()) break;
      if (!world_.step(latest)) return fail("the end", world_.unfinished());
      watch();
    }
    const Instant quiet = world_.queue().now() + kQuiet;
    while (result_.failures.empty() && world_.step(quiet)) watch();
  }

  void watch() {
    for (const auto& checker : checkers_) {
      const std::string wrong = checker->after_step(world_);
      if (!wrong.empty()) fail(checker->name(), wrong);
    }
  }

  void judge() {
    const std::string unfinished = world_.unfinished();
    if (!unfinished.empty()) return fail("the end", unfinished);
    for (const auto& checker : checkers_) {
      const std::string wrong = checker->at_end(world_);
      if (!wrong.empty()) fail(checker->name(), wrong);
    }
    for (const auto& [name, job] : world_.server().coordinator().jobs()) {
      result_.versions += static_cast<std::uint64_t>(job->version());
    }
  }

  void fail(const std::string& what, const std::string& why) {
    result_.failures.push_back(
        fmt::format("{} at {:.6f} s: {}", what, seconds(world_.lived()), why));
    world_.say("FAILED: " + result_.failures.back());
  }

  World world_;
  const Log log_;
  std::vector<std::unique_ptr<Checker>> checkers_;
  SeedResult result_;
};

}  // namespace

SeedResult run_seed(const SeedOptions& options) {
  return run_scenario(draw_scenario(options.seed), options);
}

SeedResult run_scenario(Scenario scenario, const SeedOptions& options) {
  return Run(std::move(scenario), options).live();
}

}  // namespace fed::sim
