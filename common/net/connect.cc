#include "net/connect.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <memory>

namespace fed::net {
namespace {

namespace asio = boost::asio;
using Socket = asio::ip::tcp::socket;
using Code = boost::system::error_code;

Error cannot_connect(const Target& target, const Code& error) {
  return {ErrorCode::io,
          "cannot connect to " + target.host + ":" + target.port + ": " + error.message()};
}

Error hung_up() {
  return {
      ErrorCode::closed,
      "the server closed the connection during the handshake: it does not know this client (was it "
      "revoked, or its join code used or expired?), or server_key is not this server's key"};
}

// Exactly the bytes that the handshake lacks, then what it answers.
asio::awaitable<Status> shake(Socket& socket, channel::ClientHandshake& handshake) {
  Code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  Bytes incoming;
  while (true) {
    const Bytes output = handshake.take_output();
    const auto sending = asio::buffer(output);
    co_await asio::async_write(socket, sending, token);
    if (error) co_return hung_up();
    if (handshake.finished()) co_return Status();
    incoming.resize(handshake.wanted());
    const auto receiving = asio::buffer(incoming);
    co_await asio::async_read(socket, receiving, token);
    if (error) co_return hung_up();
    const auto used = handshake.feed(incoming);
    if (!used) co_return used.error();
  }
}

}  // namespace

Result<Target> parse_target(const std::string& address) {
  const auto colon = address.rfind(':');
  const Error bad{ErrorCode::invalid, "\"" + address + "\" is not host:port or [ipv6]:port"};
  if (colon == std::string::npos || colon == 0 || colon + 1 == address.size()) return bad;
  Target target{address.substr(0, colon), address.substr(colon + 1)};
  if (target.port.find_first_not_of("0123456789") != std::string::npos) return bad;
  if (target.host.front() == '[' && target.host.back() == ']') {
    target.host = target.host.substr(1, target.host.size() - 2);
  } else if (target.host.find(':') != std::string::npos) {
    return bad;
  }
  return target;
}

asio::awaitable<Result<Connected>> connect(Target target, channel::ClientHandshake handshake,
                                           Duration deadline) {
  const auto executor = co_await asio::this_coro::executor;
  Code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  asio::ip::tcp::resolver resolver(executor);
  const auto socket = std::make_shared<Socket>(executor);
  asio::steady_timer watchdog(executor, deadline);
  watchdog.async_wait([socket](const Code& cancelled) {
    Code ignored;
    if (!cancelled) socket->close(ignored);
  });
  const auto addresses = co_await resolver.async_resolve(target.host, target.port, token);
  if (error) co_return cannot_connect(target, error);
  co_await asio::async_connect(*socket, addresses, token);
  if (error) co_return cannot_connect(target, error);
  const Status shaken = co_await shake(*socket, handshake);
  if (!shaken) co_return shaken.error();
  watchdog.cancel();
  co_return Connected{std::move(*socket), std::move(handshake).finish()};
}

}  // namespace fed::net
