// The client's way to a connection: resolve, connect, handshake, within one deadline.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <string>

#include "base/clock.h"
#include "channel/handshake.h"

namespace fed::net {

struct Target {
  std::string host, port;
};

// "host:port" or "[ipv6]:port". ErrorCode::invalid.
Result<Target> parse_target(const std::string& address);

struct Connected {
  boost::asio::ip::tcp::socket socket;
  channel::Established established;
};

// Runs on the calling coroutine's executor. `handshake` is used up. Errors: io (cannot resolve or
// connect), closed (the server ended the handshake: most likely it does not know this client), and
// what the handshake says.
boost::asio::awaitable<Result<Connected>> connect(Target target, channel::ClientHandshake handshake,
                                                  Duration deadline);

}  // namespace fed::net
