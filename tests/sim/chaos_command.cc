#include "chaos_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "seed_run.h"

namespace fed::sim {
namespace {

using Json = nlohmann::json;
using Range = std::pair<std::uint64_t, std::uint64_t>;

constexpr unsigned kJobsMost = 256;
constexpr int kBarWidth = 40;

std::optional<std::uint64_t> parse_number(const std::string& text) {
  if (text.empty() || text.size() > 18) return std::nullopt;
  if (text.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
  return std::stoull(text);
}

// "17" or "1..5000".
std::optional<Range> parse_range(const std::string& text) {
  const auto dots = text.find("..");
  const auto first = parse_number(text.substr(0, dots));
  const auto last = dots == std::string::npos ? first : parse_number(text.substr(dots + 2));
  if (!first || !last || *last < *first) return std::nullopt;
  return Range{*first, *last};
}

// What all seeds came to.
struct Total {
  std::uint64_t seeds = 0, steps = 0, versions = 0, offers = 0, accepted = 0;
  std::uint64_t sums = 0, sums_made = 0, sums_short = 0, sums_abandoned = 0;
  std::uint64_t sums_of_statistics = 0;
  double hours = 0;
  Tally faults;
  std::map<std::uint64_t, std::vector<std::string>> failed;

  void add(const SeedResult& result) {
    ++seeds;
    steps += result.steps;
    versions += result.versions;
    offers += result.offers;
    accepted += result.accepted;
    sums += result.sums;
    sums_of_statistics += result.sums_of_statistics;
    sums_made += result.sums_made;
    sums_short += result.sums_short;
    sums_abandoned += result.sums_abandoned;
    hours += seconds(result.lived) / 3600;
    for (const auto& [kind, count] : result.faults) faults[kind] += count;
    if (!result.failures.empty()) failed[result.seed] = result.failures;
  }
};

std::string repeat(std::uint64_t seed) {
  return fmt::format("fedsim chaos --seed {} --verbose", seed);
}

// Seeds are dealt to the threads one by one; what they come to does not depend on which took which.
class Campaign {
 public:
  struct How {
    bool bar = false;
    bool first = false;  // no more seeds are begun once one has failed
  };
  Campaign(Range range, How how) : next_(range.first), range_(range), how_(how) {}

  Total run(unsigned threads) {
    std::vector<std::thread> workers;
    for (unsigned i = 0; i < threads; ++i) workers.emplace_back([this] { work(); });
    for (std::thread& worker : workers) worker.join();
    if (how_.bar) fmt::print(stderr, "\r\x1b[K");
    return std::move(total_);
  }

 private:
  void work() {
    for (std::uint64_t seed = next_++; seed <= range_.second; seed = next_++) {
      const SeedResult result = run_seed({.seed = seed, .narrate = {}});
      const std::lock_guard lock(mutex_);
      total_.add(result);
      if (how_.bar) show();
      if (how_.first && !total_.failed.empty()) return;
    }
  }

  void show() const {
    const std::uint64_t all = range_.second - range_.first + 1;
    const auto filled = static_cast<int>(total_.seeds * kBarWidth / all);
    fmt::print(stderr, "\r[{:#<{}}{: <{}}] {}/{} seeds, {:.0f} simulated hours, {} failed", "",
               filled, "", kBarWidth - filled, total_.seeds, all, total_.hours,
               total_.failed.size());
  }

  std::atomic<std::uint64_t> next_;
  const Range range_;
  const How how_;
  std::mutex mutex_;
  Total total_;
};

void print_text(const Total& total, double wall_s) {
  std::uint64_t faults = 0;
  for (const auto& [kind, count] : total.faults) {
    fmt::print("{:>10}  {}\n", count, kind);
    faults += count;
  }
  for (const auto& [seed, failures] : total.failed) {
    fmt::print("seed {} failed\n", seed);
    for (const std::string& failure : failures) fmt::print("  {}\n", failure);
    fmt::print("  repeat: {}\n", repeat(seed));
  }
  fmt::print(
      "{} seeds, {} faults, {:.1f} simulated hours, {} events: {} versions of {} accepted "
      "updates ({} offered)\n",
      total.seeds, faults, total.hours, total.steps, total.versions, total.accepted, total.offers);
  fmt::print(
      "{} secure sums begun, {} of them of statistics; {} made, {} of them without some of their "
      "clients, {} abandoned\n",
      total.sums, total.sums_of_statistics, total.sums_made, total.sums_short,
      total.sums_abandoned);
  fmt::print("{} failed, {:.1f} s\n", total.failed.size(), wall_s);
}

void print_json(const Total& total, double wall_s) {
  Json json = {{"seeds", total.seeds},
               {"hours", total.hours},
               {"events", total.steps},
               {"versions", total.versions},
               {"accepted", total.accepted},
               {"offered", total.offers},
               {"faults", total.faults},
               {"wall_s", wall_s},
               {"sums", total.sums},
               {"sums_of_statistics", total.sums_of_statistics},
               {"sums_made", total.sums_made},
               {"sums_short", total.sums_short},
               {"sums_abandoned", total.sums_abandoned}};
  json["failed"] = Json::array();
  for (const auto& [seed, failures] : total.failed) {
    json["failed"].push_back({{"seed", seed}, {"what", failures}, {"repeat", repeat(seed)}});
  }
  fmt::print("{}\n", json.dump(2));
}

Total run_verbose(Range range) {
  Total total;
  for (std::uint64_t seed = range.first; seed <= range.second; ++seed) {
    total.add(run_seed(
        {.seed = seed, .narrate = [](const std::string& line) { fmt::print("{}\n", line); }}));
  }
  return total;
}

int run(const cli::Arguments& arguments) {
  const auto range =
      parse_range(arguments.has("seed") ? arguments.text("seed") : arguments.text("seeds"));
  if (!range) {
    const Error bad{
        ErrorCode::invalid,
        "--seeds is A..B, two whole numbers, the first not above the second; --seed is one"};
    return cli::fail(arguments, bad, cli::bad_usage);
  }
  const int threads = arguments.get<int>("jobs");
  if (threads < 0 || threads > static_cast<int>(kJobsMost)) {
    return cli::fail(arguments,
                     Error{ErrorCode::invalid, "--jobs is from 0 (as many as cores) to 256"},
                     cli::bad_usage);
  }
  const auto begin = std::chrono::steady_clock::now();
  Total total;
  if (arguments.has("verbose")) {
    total = run_verbose(*range);
  } else {
    Campaign campaign(*range,
                      {.bar = ::isatty(STDERR_FILENO) == 1, .first = arguments.has("first")});
    total = campaign.run(threads > 0 ? static_cast<unsigned>(threads)
                                     : std::max(1u, std::thread::hardware_concurrency()));
  }
  const double wall_s = seconds(std::chrono::steady_clock::now() - begin);
  if (arguments.json()) {
    print_json(total, wall_s);
  } else {
    print_text(total, wall_s);
  }
  return total.failed.empty() ? cli::done : cli::refused;
}

}  // namespace

cli::Command chaos_command() {
  return {
      "chaos",
      "--seeds A..B [--jobs N] [--first] [--verbose]",
      "lead a server and its clients through every kind of fault, and check that nothing breaks",
      [](cli::options::options_description& options) {
        namespace po = cli::options;
        auto add = options.add_options();
        add("seeds", po::value<std::string>()->default_value("1..100"), "which seeds");
        add("seed", po::value<std::string>(), "one seed");
        add("jobs", po::value<int>()->default_value(0), "seeds at a time; 0 = one a core");
        add("first", "stop at the first seed that fails");
        add("verbose", "what happens, line by line; one seed at a time");
      },
      {},
      run};
}

}  // namespace fed::sim
