// Listener and connect() against each other and against strangers, over real sockets.
#include <boost/asio/read.hpp>
#include <catch2/catch.hpp>

#include "loopback.h"
#include "net/connect.h"
#include "net/listener.h"
#include "net/spawn.h"

namespace fed::net {
namespace {

crypto::X25519KeyPair new_key() { return crypto::X25519KeyPair::generate(crypto::Memory::plain); }

struct Door {
  explicit Door(ListenerOptions options = {}) {
    directory.allow = [this](const crypto::PublicKey& key) -> Status {
      if (key == client.public_key()) return {};
      return Error{ErrorCode::not_found, "unknown"};
    };
    listener.emplace(std::vector<asio::any_io_executor>{io.get_executor()}, server, directory,
                     options, [this](Socket, channel::Established peer, std::string) {
                       accepted.push_back(peer.peer);
                       if (on_accept) on_accept();
                     });
    REQUIRE(listener->listen("127.0.0.1:0").has_value());
  }

  // The outcome of one client's attempt; then the listener closes.
  Result<crypto::Hash> attempt(const crypto::X25519KeyPair& own,
                               const crypto::PublicKey& server_key) {
    Result<crypto::Hash> outcome = Error{ErrorCode::io, "not finished"};
    auto handshake =
        channel::ClientHandshake::start(channel::Suite::chachapoly, own, server_key, new_key());
    REQUIRE(handshake.has_value());
    const Target target{"127.0.0.1", std::to_string(listener->port())};
    spawn(io.get_executor(), connect_once(target, std::move(*handshake), outcome), "test client");
    io.run();
    return outcome;
  }

  asio::awaitable<void> connect_once(Target target, channel::ClientHandshake handshake,
                                     Result<crypto::Hash>& outcome) {
    auto connecting = connect(target, std::move(handshake), from_seconds(10));
    auto connected = co_await std::move(connecting);
    if (connected) {
      outcome = connected->established.handshake_hash;
      // The server decides on message 3: it either hands the connection over or closes it.
      if (!accepted.empty()) listener->close();
      on_accept = [this] { listener->close(); };
    } else {
      outcome = connected.error();
      listener->close();
    }
    still_open = std::make_shared<Socket>(io);
    if (connected) *still_open = std::move(connected->socket);
  }

  asio::io_context io{1};
  crypto::X25519KeyPair server = new_key(), client = new_key();
  channel::ServerDirectory directory;
  std::vector<crypto::PublicKey> accepted;
  std::function<void()> on_accept;
  std::shared_ptr<Socket> still_open;
  std::optional<Listener> listener;
};

TEST_CASE("a known client is accepted under its key") {
  Door door;
  CHECK(door.attempt(door.client, door.server.public_key()).has_value());
  REQUIRE(door.accepted.size() == 1);
  CHECK(door.accepted[0] == door.client.public_key());
}

TEST_CASE("with the wrong server key nothing is accepted") {
  Door door;
  const auto outcome = door.attempt(door.client, new_key().public_key());
  REQUIRE_FALSE(outcome.has_value());
  CHECK(outcome.error().code == ErrorCode::closed);
  CHECK(door.accepted.empty());
}

TEST_CASE("a port that is taken is named, with what to do") {
  Door door;
  Listener second({door.io.get_executor()}, door.server, door.directory, {},
                  [](Socket, channel::Established, std::string) {});
  const auto taken = second.listen("127.0.0.1:" + std::to_string(door.listener->port()));
  REQUIRE_FALSE(taken.has_value());
  CHECK_THAT(taken.error().detail, Catch::Contains("in use"));
  CHECK_FALSE(second.listen("nonsense").has_value());
  door.listener->close();
  door.io.run();
}

// Reads until the other side closes.
void run_until_closed(Door& door, Socket& stranger) {
  std::array<char, 64> buffer{};
  asio::async_read(stranger, asio::buffer(buffer),
                   [&](const boost::system::error_code&, std::size_t got) {
                     CHECK(got == 0);  // nothing was said to a stranger
                     door.listener->close();
                   });
  door.io.run();
}

TEST_CASE("a silent stranger is closed after the handshake's time, without a word") {
  Door door({.handshake = std::chrono::milliseconds(50)});
  Socket stranger(door.io);
  stranger.connect({asio::ip::address_v4::loopback(), door.listener->port()});
  run_until_closed(door, stranger);
  CHECK(door.accepted.empty());
}

TEST_CASE("garbage is closed at once, without a word") {
  Door door;
  Socket stranger(door.io);
  stranger.connect({asio::ip::address_v4::loopback(), door.listener->port()});
  stranger.send(asio::buffer(std::string(64, 'G')));
  run_until_closed(door, stranger);
  CHECK(door.accepted.empty());
}

TEST_CASE("when too many are half open, the oldest makes room") {
  Door door({.handshake = from_seconds(3600), .half_open_max = 2});
  std::vector<Socket> strangers;
  for (int i = 0; i < 2; ++i) {
    strangers.emplace_back(door.io).connect(
        {asio::ip::address_v4::loopback(), door.listener->port()});
  }
  std::array<char, 1> buffer{};
  bool first_closed = false;
  strangers[0].async_read_some(asio::buffer(buffer),
                               [&](const boost::system::error_code& error, std::size_t) {
                                 first_closed = error.failed();
                                 for (Socket& stranger : strangers) stranger.close();
                               });
  CHECK(door.attempt(door.client, door.server.public_key()).has_value());
  CHECK(first_closed);
  CHECK(door.accepted.size() == 1);
}

}  // namespace
}  // namespace fed::net
