// Workload (c): rounds whose bytes cost nothing, so that what is left is latency.
#include <fmt/format.h>

#include <numeric>

#include "exchange.h"
#include "numbers.h"
#include "workloads.h"

namespace fed::bench {
namespace {

constexpr std::uint64_t kCoordinates = 256;  // 1 KB
constexpr double kMilliseconds = 1e3;
// A round's messages one after the other: task and fetch, model and offer.
constexpr double kRoundTrips = 2;

struct Case {
  std::size_t clients;
  Durability durability;
  std::int64_t rounds;
  std::optional<double> rounds_per_s_min;
};

const char* name(Durability durability) {
  return durability == Durability::power ? "power" : "process";
}

void report(Bench& bench, const Case& each, const Exchange& done) {
  const std::vector<double>& rounds = done.round_seconds;
  const double all = std::accumulate(rounds.begin(), rounds.end(), 0.0);
  const double rate = all > 0 ? static_cast<double>(rounds.size()) / all : 0;
  const double middle = median(rounds), slow = percentile(rounds, 0.99);
  const auto bar =
      each.rounds_per_s_min
          ? std::optional(Bar{Bar::Sense::at_least, *each.rounds_per_s_min, Bar::Of::value})
          : std::nullopt;
  const double per_round = done.used.cpu / static_cast<double>(each.rounds) * kMilliseconds;
  bench.report.add(
      {"c", fmt::format("rounds per second, {} clients, {}", each.clients, name(each.durability)),
       rate, "/s", "two loopback round trips each",
       1 / (kRoundTrips * bench.limits.tcp_round_trip()), bar,
       fmt::format("a round takes {:.2f} ms in the median, {:.2f} ms at the 99th percentile; "
                   "server CPU {:.2f} ms a round, clients {:.2f} ms",
                   middle * kMilliseconds, slow * kMilliseconds, per_round,
                   done.crowd_cpu / static_cast<double>(each.rounds) * kMilliseconds)});
  bench.report.raw("c")[fmt::format("{}_clients_{}", each.clients, name(each.durability))] = {
      {"rounds", each.rounds},
      {"rounds_per_s", rate},
      {"median_s", middle},
      {"p99_s", slow},
      {"server_cpu_s", done.used.cpu},
      {"clients_cpu_s", done.crowd_cpu},
      {"wall_s", done.used.wall},
      {"server_peak_bytes", done.memory.peak}};
}

Status run(Bench& bench, const Case& each) {
  FED_ASSIGN(server, bench.start_server(each.clients, {.durability = each.durability}));
  FED_ASSIGN(done, exchange(*server, {.name = "small",
                                      .coordinates = kCoordinates,
                                      .clients = each.clients,
                                      .rounds = each.rounds,
                                      .threads = 1}));
  report(bench, each, done);
  return {};
}

}  // namespace

Status run_small_rounds(Bench& bench) {
  const auto rounds = [&bench](std::int64_t full) { return bench.sized<std::int64_t>(full, 3); };
  const Case cases[] = {{2, Durability::process, rounds(1500), 500},
                        {50, Durability::process, rounds(250), 60},
                        {bench.sized<std::size_t>(500, 60), Durability::process, rounds(30), {}},
                        {2, Durability::power, rounds(300), {}},
                        {50, Durability::power, rounds(60), {}},
                        {bench.sized<std::size_t>(500, 60), Durability::power, rounds(10), {}}};
  for (const Case& each : cases) FED_TRY(run(bench, each));
  bench.report.raw("c")["limits"] = bench.limits.to_json();
  return {};
}

}  // namespace fed::bench
