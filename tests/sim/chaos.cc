#include "chaos.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace fed::sim {
namespace {

constexpr double kOutageMeanSeconds = 60;
constexpr double kRestartMeanSeconds = 20;
constexpr std::int64_t kJumpSecondsMost = 3 * 86400;
constexpr double kCloggedBytesPerSecond = 300;
constexpr std::uint64_t kOperationsAhead = 400;
constexpr double kLookSeconds = 0.02;
constexpr int kLooksForAnUpload = 3000;

}  // namespace

Chaos::Chaos(World& world)
    : world_(world), random_(mix_seed({world.scenario().seed, seed_of("chaos")})) {
  const Scenario& scenario = world_.scenario();
  if (scenario.chaos == Duration(0)) {
    calm();
    return;
  }
  strike(&Chaos::partition, scenario.rates.partition);
  strike(&Chaos::clog, scenario.rates.clog);
  strike(&Chaos::crash_client, scenario.rates.client_crash);
  strike(&Chaos::crash_server, scenario.rates.server_crash);
  strike(&Chaos::cut_all, scenario.rates.cut_all);
  strike(&Chaos::jump_clock, scenario.rates.clock_jump);
  strike(&Chaos::order, scenario.rates.order);
  strike(&Chaos::fail_disk, scenario.rates.disk_error);
  strike(&Chaos::revoke, scenario.rates.revocation);
  strike(&Chaos::drain_server, scenario.rates.drain);
  if (scenario.disk_crashes) strike(&Chaos::arm_crash, 120);
  world_.ledger().on_message = [this](std::size_t client, const wire::Message& message,
                                      bool incoming) { heard_in_sum(client, message, incoming); };
  later(seconds(scenario.chaos), [this] { calm(); });
}

Chaos::~Chaos() {
  world_.queue().drop(this);
  world_.ledger().on_message = nullptr;
}

double Chaos::exponential(double mean) { return -mean * std::log(1 - random_.uniform()); }

void Chaos::later(double seconds_from_now, Work work) {
  Queue& queue = world_.queue();
  queue.add(queue.now() + from_seconds(seconds_from_now), this, std::move(work));
}

void Chaos::strike(Fault fault, double mean_s) {
  if (mean_s > 0) next(fault, mean_s);
}

void Chaos::next(Fault fault, double mean_s) {
  later(exponential(mean_s), [this, fault, mean_s] {
    (this->*fault)();
    next(fault, mean_s);
  });
}

void Chaos::partition() {
  const std::size_t client = some_client();
  const bool all = random_.below(4) == 0;
  ++world_.tally()["partition"];
  world_.say(all ? "the network is down" : fmt::format("site-{} is cut off", client + 1));
  const auto set = [this, client, all](bool partitioned) {
    for (std::size_t i = 0; i < world_.clients(); ++i) {
      if (all || i == client) world_.network().weather(i).partitioned = partitioned;
    }
    world_.network().look_up();
  };
  set(true);
  later(exponential(2 * kOutageMeanSeconds), [set] { set(false); });
}

void Chaos::clog() {
  const std::size_t client = some_client();
  ++world_.tally()["clogged link"];
  world_.say(fmt::format("site-{}'s link is clogged", client + 1));
  Weather& weather = world_.network().weather(client);
  weather.bytes_per_s = kCloggedBytesPerSecond;
  weather.delay = std::chrono::milliseconds(random_.below(5000));
  later(exponential(kOutageMeanSeconds), [&weather] {
    weather.bytes_per_s = Weather().bytes_per_s;
    weather.delay = Weather().delay;
  });
}

void Chaos::crash_client() {
  const Crash how = random_.below(2) == 0 ? Crash::power : Crash::process;
  world_.crash_client(some_client(), how, from_seconds(exponential(kRestartMeanSeconds)));
}

void Chaos::crash_server() {
  const Crash how = random_.below(2) == 0 ? Crash::power : Crash::process;
  world_.crash_server(how, from_seconds(exponential(kRestartMeanSeconds)));
}

void Chaos::cut_all() {
  ++world_.tally()["all connections lost"];
  world_.say("all connections break");
  world_.network().cut_all(random_.below(2) == 0);
}

void Chaos::jump_clock() {
  ++world_.tally()["clock jumped"];
  const auto jump =
      static_cast<std::int64_t>(random_.below(2 * kJumpSecondsMost)) - kJumpSecondsMost;
  const bool server = random_.below(2) == 0;
  (server ? world_.server().unix_offset() : world_.client(some_client()).unix_offset()) += jump;
}

void Chaos::order() {
  if (!world_.server().up()) return;
  app::Coordinator& coordinator = world_.server().coordinator();
  if (coordinator.jobs().empty()) return;
  const auto job = std::next(coordinator.jobs().begin(),
                             static_cast<std::ptrdiff_t>(random_.below(coordinator.jobs().size())));
  const std::uint64_t which = random_.below(10);
  const round::JobState to = which == 0  ? round::JobState::cancelled
                             : which < 5 ? round::JobState::running
                             : which < 7 ? round::JobState::draining
                                         : round::JobState::paused;
  ++world_.tally()[std::string("order: ") + round::name(to)];
  static_cast<void>(world_.order(job->first, to));  // refused if the job has ended
}

void Chaos::fail_disk() {
  const bool server = random_.below(3) > 0;
  SimDisk& disk = server ? world_.server_disk() : world_.client_disk(some_client());
  DiskFaults faults;
  if (random_.below(2) == 0) {
    ++world_.tally()["disk error"];
    for (int i = 0; i < 3; ++i) faults.fail_at.insert(disk.operations() + 1 + random_.below(100));
  } else {
    ++world_.tally()["disk full"];
    faults.bytes_max = disk.bytes_used() + random_.below(3000);
  }
  disk.set_faults(faults);
  later(exponential(kOutageMeanSeconds), [&disk] { disk.set_faults({}); });
}

void Chaos::arm_crash() {
  const bool server = random_.below(2) == 0;
  SimDisk& disk = server ? world_.server_disk() : world_.client_disk(some_client());
  DiskFaults faults;
  faults.crash_at = disk.operations() + 1 + random_.below(kOperationsAhead);
  disk.set_faults(faults);
}

void Chaos::revoke() {
  if (random_.below(2) == 0) {
    world_.revoke(some_client());
  } else {
    revoke_in_an_upload(kLooksForAnUpload);
  }
}

// Whoever is first seen in the middle of one.
void Chaos::revoke_in_an_upload(int looks) {
  for (std::size_t i = 0; i < world_.clients(); ++i) {
    if (!world_.is_member(i) || !is_uploading(i)) continue;
    if (world_.revoke(i)) ++world_.tally()["client revoked in an upload"];
    return;
  }
  if (looks > 0) later(kLookSeconds, [this, looks] { revoke_in_an_upload(looks - 1); });
}

bool Chaos::is_uploading(std::size_t client) {
  const auto session = world_.session_of(client);
  if (!session) return false;
  const app::Traffic traffic = session->traffic(world_.queue().now());
  return traffic.upload && traffic.done < traffic.total;
}

void Chaos::drain_server() { world_.drain_server(from_seconds(exponential(kRestartMeanSeconds))); }

// ---- In the middle of secure sums ----

// Of the server's questions there, from 1; 0: it is none.
static int question(const wire::Message& message) {
  if (std::holds_alternative<wire::SecureTerms>(message)) return 1;
  if (std::holds_alternative<wire::SecureRoster>(message)) return 2;
  if (std::holds_alternative<wire::SecureDelivery>(message)) return 3;
  if (std::holds_alternative<wire::SecureSurvivors>(message)) return 4;
  return std::holds_alternative<wire::SecureSignatures>(message) ? 5 : 0;
}

static bool is_part_of_sum(const wire::Message& message) {
  if (const auto* offer = std::get_if<wire::Offer>(&message)) return offer->attempt > 0;
  return sum_name_of(message) != nullptr;
}

void Chaos::heard_in_sum(std::size_t client, const wire::Message& message, bool incoming) {
  if (world_.is_hostile(client) || !is_part_of_sum(message)) return;
  const SumFaults& faults = world_.scenario().sums;
  const int asked = incoming ? question(message) : 0;
  if (asked > 0 && (faults.step == 0 || faults.step == asked) &&
      random_.uniform() < faults.dropouts) {
    // Before it answers, while it does, or after that.
    later(random_.below(2) == 0 ? 0 : random_.uniform(), [this, client] { drop_out(client); });
  }
  if (!incoming && random_.uniform() < faults.server_crashes) {
    ++world_.tally()["server died in a sum"];
    later(random_.uniform() * 0.1, [this] { crash_server(); });
  }
  const bool reveals = !incoming && std::holds_alternative<wire::SecureReveal>(message);
  if (reveals && random_.uniform() < faults.disk_errors) {
    later(random_.uniform() * 0.1, [this] { fail_at_the_end_of_a_sum(); });
  }
}

// While its masked inputs are read, or what it is made of is written.
void Chaos::fail_at_the_end_of_a_sum() {
  ++world_.tally()["disk error in a sum"];
  SimDisk& disk = world_.server_disk();
  DiskFaults faults;
  const std::uint64_t first = disk.operations() + 1 + random_.below(40);
  for (std::uint64_t i = 0; i < 3; ++i) faults.fail_at.insert(first + i);
  disk.set_faults(faults);
  later(exponential(kOutageMeanSeconds), [&disk] { disk.set_faults({}); });
}

void Chaos::drop_out(std::size_t client) {
  ++world_.tally()["client dropped out of a sum"];
  const std::uint64_t how = random_.below(8);
  if (how == 0) {
    world_.revoke(client);
  } else if (how <= 2) {
    world_.say(fmt::format("site-{} is cut off in a sum", client + 1));
    world_.network().weather(client).partitioned = true;
    world_.network().look_up();
    later(exponential(kOutageMeanSeconds), [this, client] {
      world_.network().weather(client).partitioned = false;
      world_.network().look_up();
    });
  } else {
    world_.crash_client(client, how % 2 == 0 ? Crash::power : Crash::process,
                        from_seconds(exponential(kRestartMeanSeconds)));
  }
}

void Chaos::calm() {
  world_.queue().drop(this);
  world_.ledger().on_message = nullptr;
  world_.calm();
}

}  // namespace fed::sim
