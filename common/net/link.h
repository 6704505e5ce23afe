// One authenticated peer, whatever carries the bytes: a TCP connection (net/connection.h), or the
// simulator's network.
//
// Lives on one event loop and is used there only; other threads post to `loop()`.
#pragma once

#include <memory>

#include "base/clock.h"
#include "base/loop.h"
#include "net/bulk.h"
#include "net/handler.h"

namespace fed::net {

class Link {
 public:
  virtual ~Link() = default;

  // Begins to read and write. The handler is kept until on_closed has been called.
  virtual void start(std::shared_ptr<Handler> handler) = 0;
  // Keeps `token` for as long as the link exists.
  virtual void hold(std::shared_ptr<void> token) = 0;
  // From now on, nothing may be silent for longer than `idle`.
  virtual void set_idle(Duration idle) = 0;

  virtual void send(const wire::Message& message) = 0;
  // Replaces what bulk is being sent; std::monostate stops it.
  virtual void send_bulk(Bulk bulk) = 0;

  // Sends what is queued, then the end of the session, then closes.
  virtual void finish() = 0;
  // Closes at once. on_closed follows later, not inside this call.
  virtual void abort(Error reason) = 0;

  virtual Loop& loop() = 0;
};

}  // namespace fed::net
