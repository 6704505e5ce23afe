// The client's connection to its server, made again for ever.
//
// One coroutine: connect, hand the connection over, wait until it is closed, pause (backoff.h), and
// again. What fails is logged when it changes, not at every try. Not thread-safe: lives on its
// io_context, which must end before it does.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <string>

#include "app/backoff.h"
#include "app/client_keys.h"
#include "net/connect.h"
#include "net/connection.h"

namespace fed::app {

// Whom a Link serves.
class LinkUser {
 public:
  virtual ~LinkUser() = default;
  // A connection is there; it begins to read once this returns.
  virtual void connected() = 0;
  virtual void disconnected() = 0;
  // What the link is doing, for people; said when it changes.
  virtual void link_changed(const std::string& state) = 0;

  virtual Status received(const wire::Message& message) = 0;
  virtual Status sealed(ByteView bytes) = 0;
};

class Link {
 public:
  // All outlive the link. `seed` is of the jitter.
  Link(boost::asio::io_context& io, const config::ClientSpec& spec, const ClientKeys& keys,
       LinkUser& user, std::uint64_t seed);

  void start();

  // The server has welcomed this client: it is connected. (The next pause is short again if this
  // connection lasts.)
  void welcomed();
  // The server expects a byte within `idle`: from now on, nothing is silent longer.
  void hear_idle(Duration idle);

  void send(const wire::Message& message);
  void send_bulk(net::Bulk bulk);

  // Closes the connection, which is then made again.
  void reconnect(const std::string& why);
  // Ends the session in good order; no connection follows. Then disconnected() is called, if there
  // was one.
  void stop();
  bool is_open() const { return connection_ != nullptr; }

 private:
  class Ear;
  using Awaitable = boost::asio::awaitable<void>;
  static Awaitable run(Link& self);
  static Awaitable attempt(Link& self);
  static Awaitable pause(Link& self);
  static Awaitable until_closed(Link& self);
  void opened(net::Connected connected);
  void closed(const Error& reason);
  void failed(const Error& error);
  void say(const std::string& state);

  boost::asio::io_context& io_;
  const config::ClientSpec& spec_;
  const ClientKeys& keys_;
  LinkUser& user_;
  Backoff backoff_;
  Duration idle_;
  std::shared_ptr<net::Connection> connection_;
  boost::asio::steady_timer wakeup_;  // of the coroutine, whatever it waits for
  std::string state_;
  bool welcomed_ = false;
  Instant opened_at_{};
  bool stopping_ = false;
};

}  // namespace fed::app
