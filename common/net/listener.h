// The server's way to connections: accept, handshake, hand over who has proven who it is.
//
// Strangers cost little: a half-open connection holds a fixed few kilobytes, is closed after
// `handshake` without having been told anything, and when too many are open at once the oldest of
// them makes room. Accepted sockets are dealt to the event loops in turn and stay there.
// Thread-safe after construction.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "channel/handshake.h"

namespace fed::net {

struct ListenerOptions {
  Duration handshake = from_seconds(5);
  std::size_t half_open_max = 256;  // per event loop
};

class Listener {
 public:
  using Accepted = std::function<void(boost::asio::ip::tcp::socket socket, channel::Established,
                                      std::string peer_address)>;

  // `identity` and `directory` outlive the event loops. `accepted` is called on the socket's event
  // loop.
  Listener(std::vector<boost::asio::any_io_executor> loops, const crypto::X25519KeyPair& identity,
           const channel::ServerDirectory& directory, ListenerOptions options, Accepted accepted);
  ~Listener();

  // Binds and begins to accept. ErrorCode::io with what to do (port in use, not allowed, no such
  // address).
  Status listen(const std::string& address);
  std::uint16_t port() const;  // the one that was bound, for port 0
  void close();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace fed::net
