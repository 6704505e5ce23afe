// Workload (d): one client, one stream up and one stream down.
#include <fmt/format.h>

#include "exchange.h"
#include "numbers.h"
#include "workloads.h"

namespace fed::bench {
namespace {

constexpr double kMegabytes = 1e-6;
constexpr std::size_t kRounds = 3;

struct Rates {
  double up = 0, down = 0;  // bytes per second, the median of the rounds
};

Rates rates_of(const Exchange& done) {
  std::vector<double> up, down;
  for (const RoundTimes& round : done.rounds) {
    up.push_back((round.all_answered - round.all_obtained).wall);
    down.push_back((round.all_obtained - round.first_asked).wall);
  }
  const auto bytes = static_cast<double>(done.bytes_each_way) / kRounds;
  return {bytes / median(up), bytes / median(down)};
}

Result<Rates> stream(Bench& bench, Durability durability, bool verify) {
  FED_ASSIGN(server, bench.start_server(1, {.durability = durability}));
  FED_ASSIGN(done, exchange(*server, {.name = "stream",
                                      .coordinates = bench.sized(50'000'000U, 100'000U),
                                      .clients = 1,
                                      .rounds = kRounds,
                                      .phases = true,
                                      .verify = verify,
                                      .threads = 1}));
  return rates_of(done);
}

void report_up(Bench& bench, double rate, const char* durability, bool barred) {
  MachineLimits& limits = bench.limits;
  const double cipher = 1 / limits.open_record(), tcp = 1 / limits.tcp_wall();
  const char* lower = cipher < tcp ? "the cipher alone" : "raw loopback TCP";
  const double disk = 1 / limits.disk(bench.workspace.folder().string());
  bench.report.add({"d", fmt::format("one stream up, durability {}", durability), rate * kMegabytes,
                    "MB/s", lower, std::min(cipher, tcp) * kMegabytes,
                    barred ? std::optional(Bar{Bar::Sense::at_least, 0.8}) : std::nullopt,
                    fmt::format("from the offer to the receipt; cipher {:.0f}, TCP {:.0f}, disk "
                                "with sync {:.0f} MB/s",
                                cipher * kMegabytes, tcp * kMegabytes, disk * kMegabytes)});
}

void report_down(Bench& bench, double rate, const std::string& how, const char* note) {
  bench.report.add({"d", "one stream down, " + how, rate * kMegabytes, "MB/s", "raw loopback TCP",
                    1 / bench.limits.tcp_wall() * kMegabytes, std::nullopt, note});
}

}  // namespace

Status run_streams(Bench& bench) {
  bench.limits.forget();
  FED_ASSIGN(process, stream(bench, Durability::process, false));
  FED_ASSIGN(power, stream(bench, Durability::power, true));
  report_up(bench, process.up, "process", true);
  report_up(bench, power.up, "power", false);
  report_down(bench, process.down, "counted only", "from the task to the last byte");
  report_down(bench, power.down, "opened and hashed", "the client's cipher and SHA-256 included");
  Json& json = bench.report.raw("d");
  json = {{"up_process_bytes_per_s", process.up},
          {"up_power_bytes_per_s", power.up},
          {"down_counted_bytes_per_s", process.down},
          {"down_verified_bytes_per_s", power.down}};
  json["limits"] = bench.limits.to_json();
  return {};
}

}  // namespace fed::bench
