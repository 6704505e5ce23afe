// A link over a simulated cable: the same protocol (net/protocol.h) as a TCP connection's.
//
// Lives on its loop. Held by whoever uses it and by nobody else; `drop` breaks the circle of link
// and handler when a machine dies.
#pragma once

#include <functional>
#include <memory>

#include "cable.h"
#include "net/link.h"
#include "net/protocol.h"
#include "sim_loop.h"

namespace fed::sim {

class SimLink final : public net::Link,
                      public CableEnd,
                      public std::enable_shared_from_this<SimLink> {
 public:
  // Hears every message before it is handed over, and as it is sent.
  using Listener = std::function<void(const wire::Message&, bool incoming)>;

  // `early`: bytes that came with the end of the handshake. `loop` outlives it.
  SimLink(SimLoop& loop, std::shared_ptr<Cable> cable, Side side, channel::Transport transport,
          const net::Limits& limits, Bytes early);

  void listen(Listener listener) { listener_ = std::move(listener); }
  // May change what is about to be said, before anybody hears it; false: nothing is said.
  using Tamper = std::function<bool(wire::Message&)>;
  void tamper(Tamper tamper) { tamper_ = std::move(tamper); }

  void start(std::shared_ptr<net::Handler> handler) override;
  void hold(std::shared_ptr<void> token) override { token_ = std::move(token); }
  void set_idle(Duration idle) override;
  void send(const wire::Message& message) override;
  void send_bulk(net::Bulk bulk) override;
  void finish() override;
  void abort(Error reason) override;
  Loop& loop() override { return loop_; }

  void arrived(ByteView bytes) override;
  void writable() override { wake(); }
  void lost(const Error& why) override {
    loop_.speak();
    abort(why);
  }

  // For a peer that does not keep to the protocol: these bytes as they are.
  void send_raw(ByteView bytes) { cable_->write(side_, bytes); }

  // The machine is gone: nobody is called any more.
  void drop();

  std::size_t bytes_waiting() const { return protocol_.bytes_waiting() + unwritten(); }
  std::size_t bytes_waiting_max() const;

 private:
  class Ear;
  void say(const wire::Message& message);
  std::size_t unwritten() const;
  void watch();
  void read();
  void wake();
  void write();
  bool write_output();
  bool write_stretch();
  void follow();
  void close_if_over();

  SimLoop& loop_;
  std::shared_ptr<Cable> cable_;
  const Side side_;
  net::Protocol protocol_;
  Bytes inbox_;  // arrived, not yet read: before the start, or beyond the rate
  Listener listener_;
  Tamper tamper_;
  std::shared_ptr<net::Handler> handler_;
  std::shared_ptr<void> token_;
  net::Output output_;  // being written
  bool writing_ = false;
  std::size_t written_ = 0;  // of its records
  bool awake_ = false;
  bool closed_ = false;
  Timer watchdog_, read_later_, write_later_;
};

}  // namespace fed::sim
