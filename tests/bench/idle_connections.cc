// Workload (g): ten thousand connections that do nothing, and then a task for them all.
#include <fmt/format.h>
#include <sys/resource.h>

#include <fstream>
#include <string>

#include "channel/record_reader.h"
#include "clocks.h"
#include "exchange.h"
#include "workloads.h"

namespace fed::bench {
namespace {

constexpr double kKilobyte = 1e3;
constexpr std::size_t kBatch = 100;  // that shake hands at the same time
constexpr double kSecondsMax = 120;

// Descriptors besides those of the connections.
constexpr std::size_t kOtherDescriptors = 200;

std::size_t raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

// Kernel objects, sockets among them, of the whole machine.
std::uint64_t slab_bytes() {
  std::ifstream file("/proc/meminfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("Slab:")) return std::stoull(line.substr(5)) * 1024;
  }
  return 0;
}

struct Memory {
  double server = 0, kernel = 0, buffers = 0;
};

Memory memory_now(const ServerProcess& server) {
  return {static_cast<double>(server.memory().resident), static_cast<double>(slab_bytes()),
          static_cast<double>(socket_memory())};
}

Status connect_all(Crowd& crowd, RoundWatch& watch) {
  for (std::size_t begun = 0; begun < crowd.size();) {
    const std::size_t until = std::min(begun + kBatch, crowd.size());
    for (; begun < until; ++begun) crowd.start(begun);
    if (!watch.await_welcomes(until, kSecondsMax)) {
      return Error{ErrorCode::closed, "not all clients could connect"};
    }
  }
  return {};
}

void report(Bench& bench, std::size_t count, const Memory& before, const Memory& after,
            double connecting, const Moment& reach, double asking) {
  const auto each = static_cast<double>(count);
  const double server = (after.server - before.server) / each;
  const double kernel = (after.kernel - before.kernel) / each;
  const double buffers = (after.buffers - before.buffers) / each;
  bench.report.add({"g", fmt::format("{} idle connections, server memory each", count),
                    server / kKilobyte, "KB", "", 0, std::nullopt,
                    fmt::format("kernel, both ends: {:.1f} KB of objects and {:.1f} KB of socket "
                                "buffers each; connected in {:.1f} s",
                                kernel / kKilobyte, buffers / kKilobyte, connecting)});
  bench.report.add({"g", "a task reaches them all, from its submission", reach.wall, "s",
                    "a loopback round trip each, one after the other",
                    each * bench.limits.tcp_round_trip(), std::nullopt,
                    fmt::format("the job is offered and answered first; from the first task to "
                                "the last: {:.2f} s; server CPU {:.2f} s",
                                asking, reach.cpu)});
  bench.report.raw("g") = {{"connections", count},
                           {"server_bytes_each", server},
                           {"kernel_objects_bytes_each", kernel},
                           {"socket_buffers_bytes_each", buffers},
                           {"connecting_s", connecting},
                           {"submission_to_last_task_s", reach.wall},
                           {"first_to_last_task_s", asking},
                           {"server_cpu_s", reach.cpu},
                           {"limits", bench.limits.to_json()}};
}

}  // namespace

Status run_idle_connections(Bench& bench) {
  const std::size_t count = bench.sized<std::size_t>(10'000, 200);
  const std::size_t allowed = raise_descriptor_limit();
  if (allowed < count + kOtherDescriptors) {
    bench.report.skip("g", fmt::format("it needs {} open descriptors in each process, and the "
                                       "limit is {}; raise it (ulimit -Hn)",
                                       count + kOtherDescriptors, allowed));
    return {};
  }
  constexpr std::uint64_t kCoordinates = 256;
  FED_ASSIGN(server, bench.start_server(count, {.idle_s = 600}));
  const Update update = make_update(kCoordinates);
  RoundWatch watch(*server, count);
  Crowd crowd(server->members(), update, watch.observer(),
              {.gated = true, .receive_bytes = channel::RecordReader::kCapacityMin}, 1);
  const Memory before = memory_now(*server);
  const Stopwatch connecting;
  FED_TRY(connect_all(crowd, watch));
  const double connected = connecting.seconds();
  const Memory after = memory_now(*server);
  const Moment begin = watch.moment();
  FED_TRY(server->submit(job_text("everybody", kCoordinates, count, 1)));
  if (!watch.await_asked(1, kSecondsMax)) {
    return Error{ErrorCode::closed, "the task did not reach all clients"};
  }
  const RoundTimes round = watch.rounds().at(1);
  report(bench, count, before, after, connected, round.all_asked - begin,
         (round.all_asked - round.first_asked).wall);
  return {};
}

}  // namespace fed::bench
