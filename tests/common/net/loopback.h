// Two ends of a real TCP connection on this machine, handshaken, on one event loop; and handlers
// that write down what they hear.
#pragma once

#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "channel/handshake.h"
#include "net/connection.h"

namespace fed::net::testing {

inline std::pair<Socket, Socket> socket_pair(asio::io_context& io) {
  asio::ip::tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
  Socket client(io);
  client.connect(acceptor.local_endpoint());
  return {std::move(client), acceptor.accept()};
}

// Client's and server's transport of a finished handshake.
inline std::pair<channel::Transport, channel::Transport> transports() {
  const auto client_key = crypto::X25519KeyPair::generate(crypto::Memory::plain);
  const auto server_key = crypto::X25519KeyPair::generate(crypto::Memory::plain);
  channel::ServerDirectory directory;
  directory.allow = [](const crypto::PublicKey&) -> Status { return {}; };
  auto client = channel::ClientHandshake::start(
      channel::Suite::chachapoly, client_key, server_key.public_key(),
      crypto::X25519KeyPair::generate(crypto::Memory::plain));
  REQUIRE(client.has_value());
  channel::ServerHandshake server(server_key, directory,
                                  crypto::X25519KeyPair::generate(crypto::Memory::plain));
  while (!client->finished() || !server.finished()) {
    REQUIRE(server.feed(client->take_output()).has_value());
    if (server.finished()) break;
    REQUIRE(client->feed(server.take_output()).has_value());
  }
  return {std::move(std::move(*client).finish().transport),
          std::move(std::move(server).finish().transport)};
}

struct Recorder : Handler {
  std::vector<wire::Message> messages;
  Bytes chunks, sealed;
  std::uint64_t next_offset = 0;
  int bulks_sent = 0;
  std::optional<Error> closed;
  std::function<void()> after_event = [] {};
  Status verdict;  // of on_message

  Status on_message(wire::Message message) override {
    messages.push_back(std::move(message));
    after_event();
    return verdict;
  }
  Status on_chunk(std::uint64_t upload, std::uint64_t offset, ByteView data) override {
    CHECK(upload == 7);
    CHECK(offset == next_offset);
    next_offset += data.size();
    append(chunks, data);
    after_event();
    return {};
  }
  Status on_sealed(ByteView bytes) override {
    append(sealed, bytes);
    after_event();
    return {};
  }
  void on_bulk_sent() override { ++bulks_sent; }
  void on_closed(const Error& reason) override {
    CHECK_FALSE(closed.has_value());  // once
    closed = reason;
  }
};

// Two connections, started.
struct Pair {
  explicit Pair(Connection::Limits limits = {}) : Pair(limits, limits) {}
  Pair(Connection::Limits client_limits, Connection::Limits server_limits) {
    auto sockets = socket_pair(io);
    auto ends = transports();
    client = std::make_shared<Connection>(std::move(sockets.first), std::move(ends.first),
                                          client_limits);
    server = std::make_shared<Connection>(std::move(sockets.second), std::move(ends.second),
                                          server_limits);
    client->start(client_ear);
    server->start(server_ear);
  }

  // Runs until both ends are closed (a test that never gets there is ended by ctest).
  void run() { io.run(); }

  asio::io_context io{1};
  std::shared_ptr<Recorder> client_ear = std::make_shared<Recorder>();
  std::shared_ptr<Recorder> server_ear = std::make_shared<Recorder>();
  std::shared_ptr<Connection> client, server;
};

}  // namespace fed::net::testing
