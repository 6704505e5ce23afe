// One client of the world: a machine with a disk on which the real client core (client_core.h)
// runs, dies and runs again.
//
// Not thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "app/client_core.h"
#include "app/client_keys.h"
#include "fake_workshop.h"
#include "network.h"
#include "sim_loop.h"

namespace fed::sim {

// What every node of a world shares; outlives the nodes.
struct Surroundings {
  Queue& queue;
  Network& network;
  Ledger& ledger;
  Tally& tally;
};

class ClientNode {
 public:
  struct Traits {
    FakeWorkshop::Traits site;
    config::ClientSpec spec;
    SimExecutor::Pace loading_pace, training_pace;
    // What does the work, and where; the simulator's own if there is none.
    std::function<std::unique_ptr<app::Workshop>(Disk&)> workshop{};
    std::function<std::unique_ptr<Executor>()> loading{}, training{};
    std::size_t inline_bytes_max = wire::kInlineBytesMax;
    std::size_t chunk_bytes = net::kChunkDataMax;
  };

  ClientNode(const Surroundings& around, Disk& disk, Traits traits);
  ~ClientNode();

  const app::ClientKeys& keys() const { return keys_; }
  const crypto::PublicKey& key() const { return keys_.channel.public_key(); }
  const crypto::VerifyKey& identity() const { return keys_.identity.verify_key(); }

  // Starts the program. An error is one of its disk.
  Status boot();
  // As by kill -9 or a power cut.
  void crash();
  bool up() const { return life_ != nullptr; }

  std::size_t index() const { return traits_.site.client; }
  std::string name() const { return "site-" + std::to_string(index() + 1); }
  Traits& traits() { return traits_; }
  std::int64_t& unix_offset() { return unix_offset_; }
  // By its clock; only while it is up.
  std::int64_t unix_seconds() const;
  // Of the running program; null if there is none.
  const app::ClientCore* core() const;
  // The bytes that wait on its link, and how many may.
  std::pair<std::size_t, std::size_t> waiting() const;

 private:
  struct Life;
  class Dialer;

  const Surroundings& around_;
  Disk& disk_;
  Traits traits_;
  app::ClientKeys keys_;
  std::int64_t unix_offset_ = 0;
  std::uint64_t boots_ = 0;
  std::unique_ptr<Life> life_;
};

}  // namespace fed::sim
