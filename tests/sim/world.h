// One world: a server and its clients, each on a disk of its own, a network between them, and one
// queue of everything that happens.
//
// Nothing here is random but what the seed decides, nothing waits and nothing is parallel: the same
// scenario gives the same history. Not thread-safe; any number of worlds may run on threads of
// their own.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "hostile_node.h"
#include "joining.h"
#include "scenario.h"
#include "sim_disk.h"

namespace fed::sim {

class World {
 public:
  explicit World(Scenario scenario);
  ~World();

  // Boots the machines and makes the clients known to the server.
  Status begin();

  // Runs the next event that is due by `until`, and what follows from it at once; false if none is.
  bool step(Instant until);
  std::uint64_t steps() const { return steps_; }
  Duration lived() const { return queue_.now() - begun_; }

  const Scenario& scenario() const { return scenario_; }
  Queue& queue() { return queue_; }
  Network& network() { return *network_; }
  Ledger& ledger() { return ledger_; }
  Tally& tally() { return tally_; }
  ServerNode& server() { return *server_; }
  std::size_t clients() const { return clients_.size(); }
  ClientNode& client(std::size_t index) { return *clients_[index]; }
  SimDisk& server_disk() { return *server_disk_; }
  SimDisk& client_disk(std::size_t index) { return *client_disks_[index]; }
  // Whose id in the registry this is: below clients() a client, from there on a hostile one. Only
  // while the server is up.
  std::size_t client_of(std::int64_t id);
  // Its session at the server, or null.
  std::shared_ptr<app::Session> session_of(std::size_t client);
  bool is_hostile(std::size_t client) const { return client >= clients(); }
  // Whether it has joined and the operator has not decided to revoke it.
  bool is_member(std::size_t index) const { return membership_[index] == Membership::member; }
  bool is_revoked(std::size_t index) const { return membership_[index] == Membership::revoked; }
  // The registry's ids of those whose revocation the server has confirmed.
  std::set<std::int64_t>& revoked_ids() { return revoked_ids_; }

  // The machine stops, as by `how`; it starts again after `pause`.
  void crash_server(Crash how, Duration pause);
  void crash_client(std::size_t index, Crash how, Duration pause);
  // The server finishes its rounds and ends; it starts again after `pause`.
  void drain_server(Duration pause);
  // For ever. Members that the jobs need are not revoked: false.
  bool revoke(std::size_t index);
  // The operator's order to a job of the server, which is up; an error: it was not carried out.
  Status order(const std::string& job, round::JobState to);
  // What each job is in by the last order that was confirmed: paused or cancelled.
  std::map<std::string, round::JobState>& ordered() { return ordered_; }
  // Asks the server, which may be down, to do something now or when it is up again.
  void submit(const Scenario::Submission& job);

  // From now on nothing goes wrong.
  void calm();
  bool is_calm() const { return calm_; }
  // All jobs were taken on and have ended, and no client has anything to do.
  bool finished();
  // What keeps it from being so.
  std::string unfinished();

  // For `--verbose`.
  std::function<void(const std::string&)> narrate;
  void say(const std::string& line) {
    if (narrate) narrate(line);
  }

 private:
  enum class Membership { stranger, member, revoked };

  Status enrol(const std::string& name, const crypto::PublicKey& key,
               const crypto::VerifyKey& identity);
  Status add_client(std::size_t index);
  Status add_hostile(std::size_t index);
  using Code = std::shared_ptr<const app::Coordinator::Invited>;
  void join(std::size_t index, Code code);
  void try_code(std::size_t index, const Code& code, int tries);
  void carry_out_revocations();
  void note_revoked(std::size_t index);
  void boot_server();
  void boot_client(std::size_t index);
  void mourn();
  std::unique_ptr<SimDisk> make_disk(std::uint64_t which);
  void resume();

  const Scenario scenario_;
  Random mourning_;  // how a machine dies, and for how long
  Queue queue_;
  Tally tally_;
  Ledger ledger_;
  std::unique_ptr<Network> network_;
  Surroundings around_;
  std::unique_ptr<SimDisk> server_disk_;
  std::vector<std::unique_ptr<SimDisk>> client_disks_;
  std::unique_ptr<ServerNode> server_;
  std::vector<std::unique_ptr<ClientNode>> clients_;
  std::vector<Membership> membership_;
  std::vector<std::unique_ptr<Joining>> joinings_;  // of those that join, by their order
  std::vector<std::unique_ptr<HostileNode>> hostiles_;
  std::set<std::int64_t> revoked_ids_;
  std::set<std::size_t> revocations_;  // decided, and not known to be carried out
  std::set<std::string> submitted_;    // taken on by the server
  std::map<std::string, round::JobState> ordered_;
  bool calm_ = false;
  bool disk_stopped_ = false;
  std::uint64_t steps_ = 0;
  Instant begun_{};
};

}  // namespace fed::sim
