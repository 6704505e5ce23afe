// The server of the world: a machine with a disk on which the real coordinator, jobs, sessions and
// store run, die and run again.
//
// Not thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "app/coordinator.h"
#include "client_node.h"
#include "config/server.h"

namespace fed::sim {

class ServerNode {
 public:
  struct Traits {
    config::ServerSpec spec;
    std::uint64_t seed = 0;
    std::size_t io_loops = 2;
    aggregate::ParallelFor parallel_for = aggregate::run_in_order;
    SimExecutor::Pace compute{std::chrono::microseconds(100), std::chrono::milliseconds(50)};
  };

  ServerNode(const Surroundings& around, Disk& disk, Traits traits);
  ~ServerNode();

  // Opens what is on the disk and begins to listen.
  Status boot();
  // As by kill -9 or a power cut. `silently`: the clients are not told by their connections.
  void crash(bool silently);
  bool up() const { return life_ != nullptr; }
  // As by SIGTERM (server/app/daemon.cc): the rounds at work are finished, within spec.drain_s,
  // then everybody is told. `ended`, in an event of its own, when the program has nothing more to
  // do and is to be crashed; never if it is crashed before.
  void drain(std::function<void(bool rested)> ended);
  bool draining() const;

  // The running program; only while it is up.
  app::Coordinator& coordinator();
  store::Journal& journal();
  store::Staging& staging();
  const store::Checkpoints& checkpoints();

  const crypto::PublicKey& key() const { return key_; }
  const config::ServerSpec& spec() const { return traits_.spec; }
  std::int64_t& unix_offset() { return unix_offset_; }
  // Whether every link's waiting bytes are within this share of its limit.
  std::string check_links(double share) const;

 private:
  struct Life;
  void speak() const;  // the program's lines in the present event are its own

  const Surroundings& around_;
  Disk& disk_;
  Traits traits_;
  crypto::PublicKey key_{};
  std::int64_t unix_offset_ = 0;
  std::uint64_t boots_ = 0;
  std::unique_ptr<Life> life_;
};

}  // namespace fed::sim
