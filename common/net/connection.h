// A link over a TCP socket: the session's protocol (protocol.h) fed by Asio.
//
// Three coroutines (reader, writer, watchdog) on the socket's event loop; closing the socket is the
// only way any of them is cancelled. Not thread-safe: use it on its loop only; other threads post.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>

#include "net/asio_loop.h"
#include "net/link.h"
#include "net/protocol.h"

namespace fed::net {

namespace asio = boost::asio;
using Socket = asio::ip::tcp::socket;

class Connection final : public Link, public std::enable_shared_from_this<Connection> {
 public:
  using Limits = net::Limits;

  Connection(Socket socket, channel::Transport transport, Limits limits);

  void start(std::shared_ptr<Handler> handler) override;
  void hold(std::shared_ptr<void> token) override { token_ = std::move(token); }
  void set_idle(Duration idle) override;
  void send(const wire::Message& message) override;
  void send_bulk(Bulk bulk) override;
  void finish() override;
  void abort(Error reason) override;
  Loop& loop() override { return loop_; }

  bool is_open() const { return !protocol_.closed(); }

 private:
  using Self = std::shared_ptr<Connection>;
  static asio::awaitable<void> read_loop(Self self);
  static asio::awaitable<void> write_loop(Self self);
  static asio::awaitable<void> watch_loop(Self self);
  static asio::awaitable<void> write(Self self);
  void read(std::size_t most, boost::system::error_code& error);
  void follow();  // whatever the protocol has come to

  Socket socket_;
  AsioLoop loop_;
  Protocol protocol_;
  std::shared_ptr<Handler> handler_;
  int receive_buffer_;  // bytes; 0: as the system has it
  asio::steady_timer reader_pause_;
  asio::steady_timer writer_wakeup_;
  asio::steady_timer watchdog_;
  Output output_;  // being written
  std::shared_ptr<void> token_;
  bool closed_ = false;
};

}  // namespace fed::net
