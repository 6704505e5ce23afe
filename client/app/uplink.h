// The client's link to its server, made again for ever.
//
// Dial, hand the link over, wait until it is closed, pause (backoff.h), and again. What fails is
// logged when it changes, not at every try. Not thread-safe: lives on its loop, which must end
// before it does.
#pragma once

#include <memory>
#include <string>

#include "app/backoff.h"
#include "app/dialer.h"
#include "config/client.h"

namespace fed::app {

// Whom an Uplink serves.
class UplinkUser {
 public:
  virtual ~UplinkUser() = default;
  // A link is there; it begins to read once this returns.
  virtual void connected() = 0;
  virtual void disconnected() = 0;
  // What the uplink is doing, for people; said when it changes.
  virtual void link_changed(const std::string& state) = 0;

  virtual Status received(const wire::Message& message) = 0;
  virtual Status sealed(ByteView bytes) = 0;
};

class Uplink {
 public:
  // All outlive the uplink. `seed` is of the jitter.
  Uplink(Loop& loop, Dialer& dialer, const config::ClientSpec& spec, UplinkUser& user,
         std::uint64_t seed);

  void start() { attempt(); }

  // The server has welcomed this client: it is connected. (The next pause is short again if this
  // connection lasts.)
  void welcomed();
  // The server expects a byte within `idle`: from now on, nothing is silent longer.
  void hear_idle(Duration idle);

  void send(const wire::Message& message);
  void send_bulk(net::Bulk bulk);

  // Closes the link, which is then made again.
  void reconnect(const std::string& why);
  // Ends the session in good order; no link follows. Then disconnected() is called, if there was
  // one.
  void stop();
  bool is_open() const { return link_ != nullptr; }

 private:
  class Ear;
  void attempt();
  void pause();
  void opened(std::shared_ptr<net::Link> link);
  void closed(const Error& reason);
  void failed(const Error& error);
  void say(const std::string& state);

  Loop& loop_;
  Dialer& dialer_;
  const config::ClientSpec& spec_;
  UplinkUser& user_;
  Backoff backoff_;
  Duration idle_;
  std::shared_ptr<net::Link> link_;
  Timer next_attempt_;
  std::string state_;
  bool welcomed_ = false;
  Instant opened_at_{};
  bool stopping_ = false;
};

}  // namespace fed::app
