// Who listens to a connection. Called on the connection's event loop, never after on_closed.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/clock.h"
#include "wire/messages.h"

namespace fed::net {

class Handler {
 public:
  virtual ~Handler() = default;

  // Bytes have come, of whatever kind; before anything that follows from them.
  virtual void on_heard(Instant) {}
  // An error ends the connection after telling the peer its detail.
  virtual Status on_message(wire::Message message) = 0;
  virtual Status on_chunk(std::uint64_t upload, std::uint64_t offset, ByteView data) = 0;
  virtual Status on_sealed(ByteView bytes) = 0;
  // The present bulk has been handed to the socket whole.
  virtual void on_bulk_sent() = 0;
  // Once, at the end: ErrorCode::closed after an orderly end.
  virtual void on_closed(const Error& reason) = 0;
};

}  // namespace fed::net
