// Workload (e): a model of 3.2 GB, six clients, one round of exchange.
#include <fmt/format.h>

#include "exchange.h"
#include "machine.h"
#include "workloads.h"

namespace fed::bench {
namespace {

constexpr double kGigabyte = 1e9;
constexpr std::size_t kClients = 6;
// Versions on the disk at the same time: two checkpoints, two sealed copies; and some room.
constexpr double kVersionsOnDisk = 4.5;
// In memory: two versions of the weights, and as much again for what the round needs besides.
constexpr double kVersionsInMemory = 4;

// Why it cannot be done here, if it cannot.
std::optional<std::string> obstacle(const Bench& bench, double model_bytes) {
  const double disk = model_bytes * (kClients + kVersionsOnDisk);
  const double memory = model_bytes * kVersionsInMemory;
  const Machine machine = describe_machine(bench.workspace.folder());
  if (static_cast<double>(machine.disk_bytes_free) < disk) {
    return fmt::format(
        "it needs {:.0f} GB on the disk, and {} has {:.0f} GB free; name another "
        "folder with --state",
        disk / kGigabyte, bench.workspace.folder().parent_path().string(),
        static_cast<double>(machine.disk_bytes_free) / kGigabyte);
  }
  if (static_cast<double>(machine.memory_available_bytes) < memory) {
    return fmt::format("it needs {:.0f} GB of memory, and {:.0f} GB are available",
                       memory / kGigabyte,
                       static_cast<double>(machine.memory_available_bytes) / kGigabyte);
  }
  return std::nullopt;
}

}  // namespace

Status run_huge_model(Bench& bench) {
  const auto coordinates = bench.sized<std::uint64_t>(800'000'000, 1'000'000);
  const double model_bytes = static_cast<double>(coordinates) * sizeof(float);
  if (const auto why = obstacle(bench, model_bytes)) {
    bench.report.skip("e", *why);
    return {};
  }
  bench.limits.forget();
  FED_ASSIGN(server, bench.start_server(kClients));
  FED_ASSIGN(
      done,
      exchange(*server,
               {.name = "huge", .coordinates = coordinates, .clients = kClients, .rounds = 1}));
  const RoundTimes& round = done.rounds.front();
  const Moment took = round.over - round.first_asked;
  const auto bytes = static_cast<double>(done.bytes_each_way);
  const double disk = bench.limits.disk(bench.workspace.folder().string());
  bench.report.add({"e", "a round of six clients and 3.2 GB, wall", took.wall, "s",
                    "the disk alone, updates and model", disk * (bytes + 2 * model_bytes),
                    std::nullopt,
                    fmt::format("clients included; making the first version took {:.1f} s more",
                                done.used.wall - took.wall)});
  bench.report.add({"e", "server CPU of the round", took.cpu, "s",
                    "opening AES-GCM records, the bytes uploaded",
                    bench.limits.open_record() * bytes, std::nullopt, ""});
  bench.report.add({"e", "peak memory of the server",
                    static_cast<double>(done.memory.peak) / kGigabyte, "GB",
                    "model and accumulator, 12 bytes a parameter", 3 * model_bytes / kGigabyte,
                    std::nullopt, ""});
  bench.report.raw("e") = {{"coordinates", coordinates},
                           {"clients", kClients},
                           {"round_wall_s", took.wall},
                           {"round_server_cpu_s", took.cpu},
                           {"download_wall_s", (round.all_obtained - round.first_asked).wall},
                           {"wall_s", done.used.wall},
                           {"server_cpu_s", done.used.cpu},
                           {"clients_cpu_s", done.crowd_cpu},
                           {"server_peak_bytes", done.memory.peak},
                           {"limits", bench.limits.to_json()}};
  return {};
}

}  // namespace fed::bench
