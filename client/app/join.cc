#include "app/join.h"

#include <boost/asio/io_context.hpp>
#include <optional>

#include "cli/command.h"
#include "net/connect.h"
#include "net/connection.h"
#include "net/spawn.h"

namespace fed::app {
namespace {

namespace asio = boost::asio;

constexpr double kSeconds = 30;

// With the code's secret, to join; without it, as a client that the server knows already.
Result<channel::ClientHandshake> handshake_for(const channel::JoinCode& code,
                                               const ClientKeys& keys, bool known) {
  std::optional<channel::JoinSecret> secret;
  if (!known) secret = channel::JoinSecret{code.id, code.psk.duplicate(crypto::Memory::plain)};
  return channel::ClientHandshake::start(
      channel::choose_suite(code.suites), keys.channel, code.server,
      crypto::X25519KeyPair::generate(crypto::Memory::plain), std::move(secret));
}

wire::Join join_message(const ClientKeys& keys, const crypto::Hash& handshake_hash) {
  return {keys.identity.verify_key(), keys.identity.sign(handshake_hash)};
}

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

// Waits for Joined, or for the Welcome of a client that is known.
class Joiner final : public net::Handler {
 public:
  explicit Joiner(std::shared_ptr<net::Connection> connection)
      : connection_(std::move(connection)) {}

  Status on_message(wire::Message message) override {
    if (const auto* joined = std::get_if<wire::Joined>(&message)) {
      result_ = joined->client;
      connection_->finish();
    } else if (const auto* welcome = std::get_if<wire::Welcome>(&message)) {
      result_ = welcome->client;
      connection_->finish();
    } else if (const auto* bye = std::get_if<wire::Bye>(&message)) {
      result_ = Error{ErrorCode::invalid, "the server refused: " + bye->detail};
      connection_->finish();
    } else {
      return Error{ErrorCode::malformed, std::string("unexpected message ") + wire::name(message)};
    }
    return {};
  }
  Status on_chunk(std::uint64_t, std::uint64_t, ByteView) override { return unexpected(); }
  Status on_sealed(ByteView) override { return unexpected(); }
  void on_bulk_sent() override {}
  void on_closed(const Error&) override { connection_.reset(); }

  const Result<std::string>& result() const { return result_; }

 private:
  static Status unexpected() { return Error{ErrorCode::malformed, "bulk bytes to a new client"}; }

  std::shared_ptr<net::Connection> connection_;
  Result<std::string> result_ =
      Error{ErrorCode::closed,
            "the server hung up before it answered: join again with the same code; if it does so "
            "again, ask the operator for a new one (fedserver invite NAME)"};
};

struct Attempt {
  const channel::JoinCode& code;
  const ClientKeys& keys;
  bool known = false;
  std::shared_ptr<Joiner> joiner;
  Error error;
};

asio::awaitable<void> run(Attempt& attempt) {
  auto target = net::parse_target(attempt.code.address);
  auto handshake = handshake_for(attempt.code, attempt.keys, attempt.known);
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
  if (attempt.known) {
    connection->send(wire::Hello{wire::kProtocol, cli::version_line("fedclient")});
  } else {
    connection->send(join_message(attempt.keys, established.handshake_hash));
  }
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
