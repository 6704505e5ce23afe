// Workload (f): the peak memory of the same job with 2 clients and with 200.
#include <fmt/format.h>

#include <cmath>

#include "exchange.h"
#include "workloads.h"

namespace fed::bench {
namespace {

constexpr double kMegabyte = 1e6;

Result<Exchange> run_with(Bench& bench, std::size_t clients) {
  FED_ASSIGN(server, bench.start_server(clients));
  return exchange(*server, {.name = "peak",
                            .coordinates = bench.sized(10'000'000U, 100'000U),
                            .clients = clients,
                            .rounds = 1,
                            .verify = false});
}

}  // namespace

Status run_peak_memory(Bench& bench) {
  const auto few = std::size_t{2}, many = bench.sized<std::size_t>(200, 20);
  FED_ASSIGN(small, run_with(bench, few));
  FED_ASSIGN(large, run_with(bench, many));
  const auto few_peak = static_cast<double>(small.memory.peak);
  const auto many_peak = static_cast<double>(large.memory.peak);
  bench.report.add({"f", fmt::format("peak memory with {} clients", many), many_peak / kMegabyte,
                    "MB", fmt::format("with {} clients", few), few_peak / kMegabyte,
                    Bar{Bar::Sense::at_most, 1.05},
                    fmt::format("{:.0f} KB for each further client",
                                (many_peak - few_peak) / 1e3 / static_cast<double>(many - few))});
  const auto numbers = [](std::size_t clients, const Exchange& done) {
    return Json{{"clients", clients},
                {"peak_bytes", done.memory.peak},
                {"wall_s", done.used.wall},
                {"server_cpu_s", done.used.cpu}};
  };
  bench.report.raw("f") = {{"few", numbers(few, small)}, {"many", numbers(many, large)}};
  return {};
}

}  // namespace fed::bench
