// Workloads (a) and (b): every client fetches a model and uploads an update, for some rounds.
#include <fmt/format.h>

#include "exchange.h"
#include "workloads.h"

namespace fed::bench {
namespace {

constexpr std::uint64_t kMegabyte = 1'000'000;
constexpr double kPerGigabyte = 1e9;

struct Size {
  const char* letter;
  std::uint64_t coordinates;
  std::size_t clients;
  std::int64_t rounds;
};

// CPU seconds of the server per byte, told apart by phases.
struct Split {
  double up = 0, down = 0;
  double version = 0;  // seconds to make a version, whatever the number of clients
};

// The mean over the rounds of what the server used between two moments of a round.
double mean_cpu(const Exchange& exchange, Moment RoundTimes::*from, Moment RoundTimes::*to) {
  double sum = 0;
  for (const RoundTimes& round : exchange.rounds) sum += (round.*to - round.*from).cpu;
  return sum / static_cast<double>(exchange.rounds.size());
}

// What each further client costs: all of them against one. What does not depend on the number of
// clients (optimizer, checkpoint, hash, seal) is `version`.
Split split(const Exchange& all, const Exchange& one, const Size& size) {
  const double update = static_cast<double>(size.coordinates) * sizeof(float);
  const double more = update * static_cast<double>(size.clients - 1);
  const auto between = [](const Exchange& of) {
    return std::pair(mean_cpu(of, &RoundTimes::first_asked, &RoundTimes::all_obtained),
                     mean_cpu(of, &RoundTimes::all_obtained, &RoundTimes::over));
  };
  const auto [down_all, up_all] = between(all);
  const auto [down_one, up_one] = between(one);
  Split result;
  result.up = (up_all - up_one) / more;
  result.down = (down_all - down_one) / more;
  result.version = up_one - result.up * update;
  return result;
}

// Seconds in which the cores could do the cryptography and the copies of server and clients. Up:
// read from the client's file, sealed, through the socket, opened, written to the page cache, read
// to be folded. Down: through the socket, opened and hashed.
double ideal_wall(MachineLimits& limits, std::uint64_t bytes) {
  const double up =
      limits.seal_record() + limits.open_record() + limits.tcp_cpu() + 3 * limits.memcpy();
  const double down = limits.tcp_cpu() + limits.open_blob() + limits.hash();
  return (up + down) * static_cast<double>(bytes) / 2;
}

Json raw_rounds(const Exchange& exchange) {
  Json rounds = Json::array();
  for (const RoundTimes& round : exchange.rounds) {
    const auto step = [](const Moment& moment) {
      return Json{{"wall_s", moment.wall}, {"server_cpu_s", moment.cpu}};
    };
    rounds.push_back({{"asking", step(round.all_asked - round.first_asked)},
                      {"downloads", step(round.all_obtained - round.first_asked)},
                      {"uploads", step(round.all_answered - round.all_obtained)},
                      {"closing", step(round.over - round.all_answered)}});
  }
  return rounds;
}

Json raw(const Exchange& exchange) {
  return {{"wall_s", exchange.used.wall},
          {"server_cpu_s", exchange.used.cpu},
          {"clients_cpu_s", exchange.crowd_cpu},
          {"server_peak_bytes", exchange.memory.peak},
          {"bytes_each_way", exchange.bytes_each_way},
          {"rounds", raw_rounds(exchange)}};
}

void report_cpu(Bench& bench, const Size& size, const Split& split, const Exchange& whole) {
  const double cipher = bench.limits.open_record();
  const auto bytes = static_cast<double>(whole.bytes_each_way);
  const bool barred = size.letter[0] == 'a';
  const auto bar = [barred](double value) {
    return barred ? std::optional(Bar{Bar::Sense::at_most, value}) : std::nullopt;
  };
  const std::string of_cipher = "opening AES-GCM records";
  bench.report.add({size.letter, "server CPU, uploaded", split.up * kPerGigabyte, "s/GB", of_cipher,
                    cipher * kPerGigabyte, bar(2.2),
                    "what each further client's update costs: socket, cipher, checks, staging, "
                    "fold"});
  bench.report.add({size.letter, "server CPU, downloaded", split.down * kPerGigabyte, "s/GB",
                    of_cipher, cipher * kPerGigabyte, bar(0.5),
                    "what each further client's download costs"});
  bench.report.add({size.letter, "server CPU in all", whole.used.cpu, "s",
                    of_cipher + ", the bytes uploaded", cipher * bytes, bar(2.7),
                    fmt::format("from the submission to the end; making a version takes {:.3f} s "
                                "of each round, whatever the number of clients",
                                split.version)});
}

void report_wall(Bench& bench, const Size& size, const Exchange& whole, const char* durability) {
  const bool barred = size.letter[0] == 'a';
  const double disk = bench.limits.disk(bench.workspace.folder().string());
  bench.report.add(
      {size.letter, std::string("wall, durability ") + durability, whole.used.wall, "s",
       "two cores, cryptography and copies of both ends",
       ideal_wall(bench.limits, whole.bytes_each_way),
       barred ? std::optional(Bar{Bar::Sense::at_most, 1.5}) : std::nullopt,
       fmt::format("clients included, on the same cores: {:.2f} s of CPU; the disk alone would "
                   "take {:.2f} s to write and sync the updates",
                   whole.crowd_cpu, disk * static_cast<double>(whole.bytes_each_way))});
}

void report_memory(Bench& bench, const Size& size, const Exchange& whole) {
  const double vectors = static_cast<double>(size.coordinates) * 12;
  const double allowed = 64e6 + 256e3 * static_cast<double>(size.clients);
  const bool barred = size.letter[0] == 'a';
  bench.report.add(
      {size.letter, "peak memory beyond model and accumulator",
       (static_cast<double>(whole.memory.peak) - vectors) / kMegabyte, "MB",
       "64 MB + 256 KB a connection", allowed / kMegabyte,
       barred ? std::optional(Bar{Bar::Sense::at_most, 1}) : std::nullopt,
       fmt::format("peak {:.0f} MB, of which 12 bytes a parameter are {:.0f} MB",
                   static_cast<double>(whole.memory.peak) / kMegabyte, vectors / kMegabyte)});
}

Result<Exchange> on_fresh_server(Bench& bench, const ExchangePlan& plan, Durability durability) {
  FED_ASSIGN(server, bench.start_server(plan.clients, {.durability = durability}));
  return exchange(*server, plan);
}

Status run(Bench& bench, const Size& size) {
  bench.limits.forget();
  ExchangePlan plan{.name = "whole",
                    .coordinates = size.coordinates,
                    .clients = size.clients,
                    .rounds = size.rounds};
  FED_ASSIGN(whole, on_fresh_server(bench, plan, Durability::power));
  FED_ASSIGN(unsynced, on_fresh_server(bench, plan, Durability::process));
  FED_ASSIGN(server, bench.start_server(size.clients));
  plan.phases = true;
  plan.name = "phases-all";
  FED_ASSIGN(all, exchange(*server, plan));
  plan.name = "phases-one";
  plan.clients = 1;
  FED_ASSIGN(one, exchange(*server, plan));
  const Split parts = split(all, one, size);
  report_cpu(bench, size, parts, whole);
  report_wall(bench, size, whole, "power");
  report_wall(bench, size, unsynced, "process");
  report_memory(bench, size, whole);
  Json& json = bench.report.raw(size.letter);
  json = {{"coordinates", size.coordinates},
          {"clients", size.clients},
          {"rounds", size.rounds},
          {"power", raw(whole)},
          {"process", raw(unsynced)},
          {"phases", raw(all)},
          {"phases_one_client", raw(one)},
          {"server_cpu_s_per_byte_up", parts.up},
          {"server_cpu_s_per_byte_down", parts.down},
          {"server_cpu_s_per_version", parts.version}};
  json["limits"] = bench.limits.to_json();
  return {};
}

}  // namespace

Status run_large_rounds(Bench& bench) {
  return run(bench, {"a", bench.sized<std::uint64_t>(10'000'000, 100'000), 8,
                     bench.sized<std::int64_t>(3, 1)});
}

Status run_medium_rounds(Bench& bench) {
  return run(bench, {"b", bench.sized<std::uint64_t>(1'000'000, 50'000), 8,
                     bench.sized<std::int64_t>(10, 1)});
}

}  // namespace fed::bench
