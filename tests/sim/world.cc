#include "world.h"

#include <fmt/format.h>

#include <algorithm>

namespace fed::sim {
namespace {

constexpr auto kBootRetry = std::chrono::seconds(10);
constexpr auto kOperatorRetry = std::chrono::seconds(10);
constexpr std::int64_t kInviteSeconds = 86'400;
constexpr int kTriesWithOneCode = 5;
constexpr std::int64_t kIdMost = 64;  // that the registry gives in a world

std::string site(std::size_t index) { return "site-" + std::to_string(index + 1); }
std::string rogue(std::size_t index) { return "rogue-" + std::to_string(index + 1); }

}  // namespace

World::World(Scenario scenario)
    : scenario_(std::move(scenario)),
      mourning_(mix_seed({scenario_.seed, seed_of("mourning")})),
      network_(std::make_unique<Network>(queue_, mix_seed({scenario_.seed, seed_of("network")}),
                                         scenario_.climate,
                                         scenario_.clients.size() + scenario_.hostile, tally_)),
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
  queue_.drop(this);
  joinings_.clear();
  hostiles_.clear();
  clients_.clear();
  server_.reset();
}

Status World::begin() {
  begun_ = queue_.now();
  FED_TRY(server_->boot());
  const std::size_t there = scenario_.clients.size() - scenario_.joins.size();
  membership_.resize(scenario_.clients.size(), Membership::stranger);
  for (std::size_t i = 0; i < scenario_.clients.size(); ++i) {
    FED_TRY(add_client(i));
    if (i >= there) continue;
    FED_TRY(enrol(site(i), clients_[i]->key(), clients_[i]->identity()));
    membership_[i] = Membership::member;
    FED_TRY(clients_[i]->boot());
  }
  for (std::size_t i = 0; i < scenario_.hostile; ++i) FED_TRY(add_hostile(i));
  for (std::size_t i = 0; i < scenario_.joins.size(); ++i) {
    queue_.add(begun_ + scenario_.joins[i], this,
               [this, index = there + i] { join(index, nullptr); });
  }
  for (const auto& job : scenario_.jobs) {
    queue_.add(begun_ + job.at, this, [this, &job] { submit(job); });
  }
  return {};
}

Status World::add_client(std::size_t index) {
  client_disks_.push_back(make_disk(index + 1));
  ClientNode::Traits traits = scenario_.clients[index];
  traits.spec.server_key = to_base64url(server_->key());
  clients_.push_back(
      std::make_unique<ClientNode>(around_, *client_disks_[index], std::move(traits)));
  return {};
}

Status World::add_hostile(std::size_t index) {
  const std::uint64_t seed = mix_seed({scenario_.seed, seed_of("hostile"), index});
  hostiles_.push_back(
      std::make_unique<HostileNode>(around_, rogue(index), scenario_.clients.size() + index, seed));
  HostileNode& node = *hostiles_.back();
  FED_TRY(enrol(rogue(index), node.key(), node.identity()));
  node.start(server_->key());
  return {};
}

Status World::enrol(const std::string& name, const crypto::PublicKey& key,
                    const crypto::VerifyKey& identity) {
  FED_ASSIGN(invited, server_->coordinator().invite(name, kInviteSeconds));
  const auto joined = server_->coordinator().join(invited.id, key, identity);
  return joined ? Status() : Status(joined.error());
}

std::size_t World::client_of(std::int64_t id) {
  const std::string name = server_->coordinator().name_of(id);
  for (std::size_t i = 0; i < clients(); ++i) {
    if (name == site(i)) return i;
  }
  for (std::size_t i = 0; i < hostiles_.size(); ++i) {
    if (name == rogue(i)) return clients() + i;
  }
  return clients() + hostiles_.size();
}

std::shared_ptr<app::Session> World::session_of(std::size_t client) {
  if (!server_->up()) return nullptr;
  const app::Coordinator& coordinator = server_->coordinator();
  for (std::int64_t id = 1; id <= kIdMost; ++id) {
    const auto session = coordinator.session_of(id);
    if (session && client_of(id) == client) return session;
  }
  return nullptr;
}

// ---- Coming and going ----

// The operator invites it. One that has joined and does not know it, since the answer was lost, is
// not invited again: it goes on with the code that it has.
void World::join(std::size_t index, Code code) {
  auto invited = Result<app::Coordinator::Invited>(Error{ErrorCode::closed, "the server is down"});
  if (server_->up()) invited = server_->coordinator().invite(site(index), kInviteSeconds);
  if (invited) {
    say(site(index) + " is invited");
    ++tally_["invitation"];
    code = std::make_shared<app::Coordinator::Invited>(std::move(*invited));
  }
  if (code) return try_code(index, code, 1);
  queue_.add(queue_.now() + kOperatorRetry, this, [this, index] { join(index, nullptr); });
}

void World::try_code(std::size_t index, const Code& code, int tries) {
  ClientNode& client = *clients_[index];
  joinings_.push_back(std::make_unique<Joining>(
      around_, index, client.keys(), client.unix_offset(),
      mix_seed({scenario_.seed, seed_of("joining"), index, joinings_.size()})));
  joinings_.back()->attempt(
      {channel::suites_supported(), server_->key(), code->id,
       code->psk.duplicate(crypto::Memory::plain), "server:7600"},
      [this, index, code, tries](const Result<std::string>& name) {
        say(site(index) + (name ? " has joined" : " cannot join: " + name.error().detail));
        if (name) {
          ++tally_["client joined"];
          membership_[index] = Membership::member;
          return boot_client(index);
        }
        queue_.add(queue_.now() + kOperatorRetry, this, [this, index, code, tries] {
          if (tries == kTriesWithOneCode) return join(index, code);
          try_code(index, code, tries + 1);
        });
      });
}

bool World::revoke(std::size_t index) {
  const auto& choosy = scenario_.choosy;
  const std::size_t needed = scenario_.clients.size() - scenario_.joins.size();
  std::size_t left = 0;  // that agree to every job
  for (std::size_t i = 0; i < clients(); ++i) {
    if (i != index && is_member(i) && !choosy.contains(i)) ++left;
  }
  if (!is_member(index) || left < needed) return false;
  say(site(index) + " is to be revoked");
  membership_[index] = Membership::revoked;
  revocations_.insert(index);
  carry_out_revocations();
  return true;
}

void World::note_revoked(std::size_t index) {
  for (std::int64_t id = 1; id <= kIdMost; ++id) {
    if (client_of(id) == index) revoked_ids_.insert(id);
  }
}

// The operator repeats the order until it is done: the server may be down, or its disk full.
void World::carry_out_revocations() {
  std::erase_if(revocations_, [this](std::size_t index) {
    if (!server_->up()) return false;
    const Status done = server_->coordinator().revoke(site(index));
    const bool over = done || done.error().code == ErrorCode::invalid;  // it was revoked already
    if (over) {
      say(site(index) + " is revoked");
      note_revoked(index);
      ++tally_["client revoked"];
    }
    return over;
  });
  if (revocations_.empty()) return;
  queue_.add(queue_.now() + kOperatorRetry, this, [this] { carry_out_revocations(); });
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

Status World::order(const std::string& job, round::JobState to) {
  const Status done = server_->coordinator().order(job, to);
  say(fmt::format("order to {}: {}: {}", job, round::name(to),
                  done ? "done" : done.error().detail));
  // One that could not be confirmed may be on the disk all the same.
  if (ordered_[job] != round::JobState::cancelled) ordered_.erase(job);
  const bool lasts = to == round::JobState::paused || to == round::JobState::cancelled;
  if (done && lasts) ordered_[job] = to;
  return done;
}

// The operator has every job go on, but one that has paused since its round cannot be made.
void World::resume() {
  if (!server_->up() || server_->draining()) return;
  for (const auto& [name, job] : server_->coordinator().jobs()) {
    const round::JobState state = job->state();
    if (state != round::JobState::paused && state != round::JobState::draining) continue;
    const auto report = job->report();
    const bool in_vain = report && report->job_reason.reason == round::Reason::revealed;
    const bool hopeless = in_vain && ledger_.sums().is_hopeless(name);
    if (hopeless) ++tally_["job without hope"];
    const round::JobState to = hopeless ? round::JobState::cancelled : round::JobState::running;
    static_cast<void>(order(name, to));  // else after the next step
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
  ledger_.sums().server_died(how == Crash::power, server_disk_->has_failed());
  server_disk_->restart(how);
  queue_.add(queue_.now() + pause, this, [this] { boot_server(); });
}

void World::drain_server(Duration pause) {
  if (!server_->up() || server_->draining()) return;
  say("the server is told to end");
  ++tally_["server told to end"];
  server_->drain([this, pause](bool rested) {
    say(rested ? "the server has finished its rounds and ended" : "the server has ended in time");
    if (rested) ++tally_["server ended at rest"];
    server_->crash(false);
    queue_.add(queue_.now() + pause, this, [this] { boot_server(); });
  });
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
    client->traits().site.sum_lies = 0;
    client->traits().site.fails = 0;
  }
  for (const auto& hostile : hostiles_) hostile->leave();
  server_->unix_offset() = 0;
  for (const auto& client : clients_) client->unix_offset() = 0;
}

bool World::finished() { return unfinished().empty(); }

std::string World::unfinished() {
  if (!server_->up()) return "the server is down";
  for (const auto& each : scenario_.jobs) {
    const auto job = server_->coordinator().job(each.name);
    if (!job) return each.name + " has not been taken on";
    if (!job->ended()) return each.name + " has not ended";
  }
  if (!revocations_.empty()) return "a client is still to be revoked";
  for (const auto& client : clients_) {
    const std::string name = site(client->index());
    if (is_revoked(client->index())) continue;
    if (!is_member(client->index())) return name + " has not joined";
    const app::ClientCore* core = client->core();
    if (core == nullptr) return name + " is down";
    if (!core->session().idle()) return name + " has something to do";
    if (!core->session().jobless()) return name + " has not heard of the end of a job";
  }
  return {};
}

}  // namespace fed::sim
