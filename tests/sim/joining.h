// A machine on its way in: by a join code, over the simulated network, with the real handshake and
// the real conversation (client/app/joiner.h), until it has worked.
//
// Not thread-safe.
#pragma once

#include <functional>
#include <memory>

#include "app/joiner.h"
#include "client_node.h"
#include "greeting.h"
#include "sim_link.h"

namespace fed::sim {

class Joining {
 public:
  using Done = std::function<void(Result<std::string> name)>;

  // All outlive it; `unix_offset` is the machine's. `index`: its place in the network.
  Joining(const Surroundings& around, std::size_t index, const app::ClientKeys& keys,
          const std::int64_t& unix_offset, std::uint64_t seed);
  ~Joining();

  // Once with the code; if the server hangs up, once more as one that it may know already. One at a
  // time.
  void attempt(channel::JoinCode code, Done done);

 private:
  void dial(bool known);
  void shake(std::shared_ptr<Cable> cable, bool known);
  void talk(const std::shared_ptr<Cable>& cable, bool known, Greeted greeted);
  void ended(bool known, Result<std::string> name);

  const Surroundings& around_;
  const std::size_t index_;
  const app::ClientKeys& keys_;
  SimLoop loop_;
  std::optional<channel::JoinCode> code_;
  Done done_;
  std::shared_ptr<Greeting<channel::ClientHandshake>> greeting_;
  std::shared_ptr<app::Joiner> joiner_;
  std::shared_ptr<SimLink> link_;
};

}  // namespace fed::sim
