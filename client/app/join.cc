#include "app/join.h"

#include <boost/asio/io_context.hpp>
#include <optional>

#include "app/joiner.h"
#include "net/connect.h"
#include "net/connection.h"
#include "net/spawn.h"

namespace fed::app {
namespace {

namespace asio = boost::asio;

constexpr double kSeconds = 30;

Error explain(const std::string& address, const Error& error) {
  if (error.code == ErrorCode::io) {
    return {error.code, error.detail + "; the code is still good: check that " + address +
                            " can be reached from here, then join again"};
  }
  return {
      error.code,
      "the server at " + address +
          " did not accept the code: it was used by another client, it has expired, or another "
          "server is at that address now; ask the operator for a new one (fedserver invite NAME)"};
}

struct Attempt {
  const channel::JoinCode& code;
  const ClientKeys& keys;
  bool known = false;
  std::shared_ptr<Joiner> joiner;
  Error error;
};

asio::awaitable<void> run(Attempt& attempt) {
  auto target = net::parse_target(attempt.code.address);
  auto handshake = join_handshake(attempt.code, attempt.keys, attempt.known);
  if (!target || !handshake) {
    attempt.error = target ? handshake.error() : target.error();
    co_return;
  }
  const Duration deadline = from_seconds(kSeconds);
  auto connecting = net::connect(std::move(*target), std::move(*handshake), deadline);
  auto connected = co_await std::move(connecting);
  if (!connected) {
    attempt.error = explain(attempt.code.address, connected.error());
    co_return;
  }
  net::Connection::Limits limits;
  limits.idle = deadline;
  channel::Established& established = connected->established;
  const auto connection = std::make_shared<net::Connection>(
      std::move(connected->socket), std::move(established.transport), limits);
  attempt.joiner = std::make_shared<Joiner>(connection);
  connection->start(attempt.joiner);
  connection->send(join_request(attempt.keys, attempt.known, established.handshake_hash));
}

Result<std::string> try_once(const channel::JoinCode& code, const ClientKeys& keys, bool known) {
  Attempt attempt{code, keys, known, nullptr, {}};
  asio::io_context io(1);
  net::spawn(io.get_executor(), run(attempt), "join");
  io.run();
  if (!attempt.joiner) return attempt.error;
  return attempt.joiner->result();
}

}  // namespace

Result<std::string> join_server(const channel::JoinCode& code, const ClientKeys& keys) {
  auto joined = try_once(code, keys, false);
  if (joined || joined.error().code != ErrorCode::closed) return joined;
  // The code may be used because these very keys have joined by it, and the answer was lost.
  auto known = try_once(code, keys, true);
  return known ? known : joined;
}

}  // namespace fed::app
