// How the client gets a link to its server: over TCP (tcp_dialer.h), or in the simulator.
//
// Used on the client's loop.
#pragma once

#include <functional>
#include <memory>

#include "net/link.h"
#include "net/protocol.h"

namespace fed::app {

class Dialer {
 public:
  using Dialled = std::function<void(Result<std::shared_ptr<net::Link>>)>;

  virtual ~Dialer() = default;

  // Connects and shakes hands within `deadline`. `done` is called once, later and on the loop, with
  // a link that has not been started, or why there is none.
  virtual void dial(const net::Limits& limits, Duration deadline, Dialled done) = 0;
};

}  // namespace fed::app
