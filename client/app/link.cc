#include "app/link.h"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/log.h"
#include "net/spawn.h"

namespace fed::app {
namespace {

namespace asio = boost::asio;

constexpr double kConnectSeconds = 30;

// A connection that ends sooner did not help: the pause before the next one keeps growing.
constexpr auto kStable = std::chrono::seconds(2);

// In the pattern XK the server decides about a client when it has nothing more to say in the
// handshake.
Error not_welcome() {
  return {ErrorCode::closed,
          "the server hung up instead of welcoming this client: it does not know it (was it "
          "revoked?), or is about to stop"};
}

}  // namespace

class Link::Ear final : public net::Handler {
 public:
  explicit Ear(Link& link) : link_(link) {}

  Status on_message(wire::Message message) override { return link_.user_.received(message); }
  Status on_chunk(std::uint64_t, std::uint64_t, ByteView) override {
    return Error{ErrorCode::malformed, "chunks of an update from a server"};
  }
  Status on_sealed(ByteView bytes) override { return link_.user_.sealed(bytes); }
  void on_bulk_sent() override {}
  void on_closed(const Error& reason) override { link_.closed(reason); }

 private:
  Link& link_;
};

Link::Link(asio::io_context& io, const config::ClientSpec& spec, const ClientKeys& keys,
           LinkUser& user, std::uint64_t seed)
    : io_(io),
      spec_(spec),
      keys_(keys),
      user_(user),
      backoff_(spec.reconnect_s_max, seed),
      idle_(from_seconds(spec.idle_s)),
      wakeup_(io) {}

void Link::start() { net::spawn(io_.get_executor(), run(*this), "link to the server"); }

asio::awaitable<void> Link::run(Link& self) {
  while (!self.stopping_) {
    co_await attempt(self);
    if (self.connection_) co_await until_closed(self);
    if (!self.stopping_) co_await pause(self);
  }
}

asio::awaitable<void> Link::attempt(Link& self) {
  auto target = net::parse_target(self.spec_.server);
  auto handshake = make_handshake(self.spec_, self.keys_);
  if (!target || !handshake) {
    self.failed(target ? handshake.error() : target.error());
    co_return;
  }
  const Duration deadline = std::min(self.idle_, from_seconds(kConnectSeconds));
  auto connecting = net::connect(std::move(*target), std::move(*handshake), deadline);
  auto connected = co_await std::move(connecting);
  if (self.stopping_) co_return;
  if (connected) {
    self.opened(std::move(*connected));
  } else {
    self.failed(connected.error());
  }
}

asio::awaitable<void> Link::until_closed(Link& self) {
  boost::system::error_code ignored;
  auto token = asio::redirect_error(asio::use_awaitable, ignored);
  while (self.connection_) {
    self.wakeup_.expires_at(asio::steady_timer::time_point::max());
    co_await self.wakeup_.async_wait(token);
  }
}

asio::awaitable<void> Link::pause(Link& self) {
  boost::system::error_code ignored;
  auto token = asio::redirect_error(asio::use_awaitable, ignored);
  self.wakeup_.expires_after(self.backoff_.next());
  co_await self.wakeup_.async_wait(token);
}

void Link::opened(net::Connected connected) {
  const net::Connection::Limits limits{.idle = idle_,
                                       .message_bytes_max = wire::kFromServerBytesMax,
                                       .queue_bytes_max = 8 * wire::kFromServerBytesMax,
                                       .pings = true};
  connection_ = std::make_shared<net::Connection>(
      std::move(connected.socket), std::move(connected.established.transport), limits);
  connection_->start(std::make_shared<Ear>(*this));
  welcomed_ = false;
  opened_at_ = now();
  user_.connected();
}

void Link::closed(const Error& reason) {
  connection_.reset();
  if (welcomed_ && now() - opened_at_ > kStable) backoff_.reset();
  wakeup_.cancel();
  if (!stopping_) failed(welcomed_ ? reason : not_welcome());
  user_.disconnected();
}

void Link::welcomed() {
  welcomed_ = true;
  say("connected");
}

void Link::failed(const Error& error) { say("not connected: " + error.detail); }

void Link::say(const std::string& state) {
  if (state == state_) return;
  state_ = state;
  if (connection_) {
    log::info("{} to {}", state, spec_.server);
  } else {
    log::warning("{}; trying again until it works", state);
  }
  user_.link_changed(state);
}

void Link::hear_idle(Duration idle) {
  if (idle <= Duration::zero() || idle >= idle_) return;
  idle_ = idle;
  if (connection_) connection_->set_idle(idle_);
}

void Link::send(const wire::Message& message) {
  if (connection_) connection_->send(message);
}

void Link::send_bulk(net::Bulk bulk) {
  if (connection_) connection_->send_bulk(std::move(bulk));
}

void Link::reconnect(const std::string& why) {
  if (connection_) connection_->abort(Error{ErrorCode::closed, why});
}

void Link::stop() {
  stopping_ = true;
  wakeup_.cancel();
  if (connection_) connection_->finish();
}

}  // namespace fed::app
