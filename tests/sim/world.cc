#include "world.h"

#include <fmt/format.h>

namespace fed::sim {
namespace {

constexpr auto kBootRetry = std::chrono::seconds(10);

}  // namespace

World::World(Scenario scenario)
    : scenario_(std::move(scenario)),
      mourning_(mix_seed({scenario_.seed, seed_of("mourning")})),
      network_(std::make_unique<Network>(queue_, mix_seed({scenario_.seed, seed_of("network")}),
                                         scenario_.climate, scenario_.clients.size(), tally_)),
      around_{queue_, *network_, ledger_, tally_},
      server_disk_(make_disk(0)),
      server_(std::make_unique<ServerNode>(around_, *server_disk_, scenario_.server)) {}

std::unique_ptr<SimDisk> World::make_disk(std::uint64_t which) {
  SimDiskOptions options = scenario_.disk;
  options.seed = mix_seed({scenario_.seed, seed_of("disk"), which});
  auto disk = std::make_unique<SimDisk>(options);
  disk->on_stop = [this] { disk_stopped_ = true; };
  return disk;
}

World::~World() {
  clients_.clear();
  server_.reset();
}

Status World::begin() {
  begun_ = queue_.now();
  FED_TRY(server_->boot());
  for (std::size_t i = 0; i < scenario_.clients.size(); ++i) {
    client_disks_.push_back(make_disk(i + 1));
    ClientNode::Traits traits = scenario_.clients[i];
    traits.spec.server_key = to_base64url(server_->key());
    clients_.push_back(std::make_unique<ClientNode>(around_, *client_disks_[i], std::move(traits)));
    FED_TRY(enrol(i));
    FED_TRY(clients_[i]->boot());
  }
  for (const auto& job : scenario_.jobs) {
    queue_.add(begun_ + job.at, this, [this, &job] { submit(job); });
  }
  return {};
}

Status World::enrol(std::size_t index) {
  const std::string name = "site-" + std::to_string(index + 1);
  FED_ASSIGN(invited, server_->coordinator().invite(name, 86400));
  FED_TRY(
      server_->coordinator().join(invited.id, clients_[index]->key(), clients_[index]->identity()));
  FED_ASSIGN(client, server_->journal().find_client(name));
  ids_.push_back(client.id);
  return {};
}

std::size_t World::client_of(std::int64_t id) const {
  for (std::size_t i = 0; i < ids_.size(); ++i) {
    if (ids_[i] == id) return i;
  }
  return ids_.size();
}

void World::submit(const Scenario::Submission& job) {
  const auto again = [this, &job] {
    queue_.add(queue_.now() + kBootRetry, this, [this, &job] { submit(job); });
  };
  if (submitted_.contains(job.name)) return;
  if (!server_->up()) return again();
  if (server_->coordinator().job(job.name)) {
    submitted_.insert(job.name);
    return;
  }
  auto spec = config::parse_job(job.text);
  FED_CHECK(spec.has_value());
  server_->coordinator().submit(std::move(*spec), [this, &job](Status taken) {
    say(fmt::format("{} is {}", job.name, taken ? "taken on" : "refused: " + taken.error().detail));
    if (taken) submitted_.insert(job.name);
  });
  again();  // the answer may die with the server
}

bool World::step(Instant until) {
  if (!queue_.step(until)) return false;
  ++steps_;
  if (std::exchange(disk_stopped_, false)) mourn();
  if (calm_) resume();
  return true;
}

// The operator has every job go on.
void World::resume() {
  if (!server_->up()) return;
  for (const auto& [name, job] : server_->coordinator().jobs()) {
    const round::JobState state = job->state();
    if (state != round::JobState::paused && state != round::JobState::draining) continue;
    say(name + " is resumed");
    job->command(round::Resume{});
  }
}

// Machines whose disk has stopped in the middle of the event are not heard of any more.
void World::mourn() {
  const auto pause = [&] { return between(mourning_, Duration(0), std::chrono::seconds(30)); };
  const auto how = [&] { return mourning_.below(2) == 0 ? Crash::power : Crash::process; };
  if (server_disk_->stopped() && server_->up()) {
    ++tally_["server stopped in a disk operation"];
    crash_server(how(), pause());
  }
  for (std::size_t i = 0; i < clients_.size(); ++i) {
    if (!client_disks_[i]->stopped() || !clients_[i]->up()) continue;
    ++tally_["client stopped in a disk operation"];
    crash_client(i, how(), pause());
  }
}

void World::crash_server(Crash how, Duration pause) {
  if (!server_->up()) return;
  say(how == Crash::power ? "the server loses power" : "the server is killed");
  ++tally_[how == Crash::power ? "server lost power" : "server killed"];
  server_disk_->stop();
  server_->crash(how == Crash::power);
  server_disk_->restart(how);
  queue_.add(queue_.now() + pause, this, [this] { boot_server(); });
}

void World::boot_server() {
  if (server_->up()) return;
  const Status booted = server_->boot();
  say(booted ? "the server is up" : "the server cannot start: " + booted.error().detail);
  if (booted) return;
  server_->crash(false);
  if (server_disk_->stopped()) server_disk_->restart(Crash::process);
  queue_.add(queue_.now() + kBootRetry, this, [this] { boot_server(); });
}

void World::crash_client(std::size_t index, Crash how, Duration pause) {
  if (!clients_[index]->up()) return;
  say(fmt::format("site-{} {}", index + 1, how == Crash::power ? "loses power" : "is killed"));
  ++tally_[how == Crash::power ? "client lost power" : "client killed"];
  client_disks_[index]->stop();
  clients_[index]->crash();
  client_disks_[index]->restart(how);
  queue_.add(queue_.now() + pause, this, [this, index] { boot_client(index); });
}

void World::boot_client(std::size_t index) {
  if (clients_[index]->up()) return;
  const Status booted = clients_[index]->boot();
  say(fmt::format("site-{} {}", index + 1,
                  booted ? "is up" : "cannot start: " + booted.error().detail));
  if (booted) return;
  if (client_disks_[index]->stopped()) client_disks_[index]->restart(Crash::process);
  queue_.add(queue_.now() + kBootRetry, this, [this, index] { boot_client(index); });
}

void World::calm() {
  say("the faults stop");
  calm_ = true;
  network_->calm();
  server_disk_->set_faults({});
  for (const auto& disk : client_disks_) disk->set_faults({});
  for (const auto& client : clients_) {
    client->traits().site.lies = 0;
    client->traits().site.fails = 0;
  }
  server_->unix_offset() = 0;
}

bool World::finished() { return unfinished().empty(); }

std::string World::unfinished() {
  if (!server_->up()) return "the server is down";
  for (const auto& each : scenario_.jobs) {
    const auto job = server_->coordinator().job(each.name);
    if (!job) return each.name + " has not been taken on";
    if (!job->ended()) return each.name + " has not ended";
  }
  for (const auto& client : clients_) {
    const app::ClientCore* core = client->core();
    const std::string name = "site-" + std::to_string(client->index() + 1);
    if (core == nullptr) return name + " is down";
    if (!core->session().idle()) return name + " has something to do";
  }
  return {};
}

}  // namespace fed::sim
