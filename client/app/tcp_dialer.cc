#include "app/tcp_dialer.h"

#include <boost/asio/awaitable.hpp>

#include "net/connect.h"
#include "net/connection.h"
#include "net/spawn.h"

namespace fed::app {
namespace {

namespace asio = boost::asio;

asio::awaitable<void> connect(net::Target target, channel::ClientHandshake handshake,
                              net::Limits limits, Duration deadline, Dialer::Dialled done) {
  auto connecting = net::connect(std::move(target), std::move(handshake), deadline);
  auto connected = co_await std::move(connecting);
  if (!connected) {
    done(connected.error());
    co_return;
  }
  auto link = std::make_shared<net::Connection>(
      std::move(connected->socket), std::move(connected->established.transport), limits);
  done(std::shared_ptr<net::Link>(std::move(link)));
}

}  // namespace

void TcpDialer::dial(const net::Limits& limits, Duration deadline, Dialled done) {
  auto target = net::parse_target(spec_.server);
  auto handshake = make_handshake(spec_, keys_);
  if (!target || !handshake) {
    const Error error = target ? handshake.error() : target.error();
    return loop_.post([done = std::move(done), error] { done(error); });
  }
  net::spawn(loop_.executor(),
             connect(std::move(*target), std::move(*handshake), limits, deadline, std::move(done)),
             "way to the server");
}

}  // namespace fed::app
