#include "net/listener.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <list>

#include "base/log.h"
#include "net/connect.h"
#include "net/spawn.h"

namespace fed::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Code = boost::system::error_code;

constexpr auto kPauseAfterFailure = std::chrono::milliseconds(100);

// Half-open connections of one event loop, oldest first; used on that loop only.
using HalfOpen = std::list<std::shared_ptr<tcp::socket>>;

struct Loop {
  asio::any_io_executor executor;
  std::shared_ptr<HalfOpen> half_open = std::make_shared<HalfOpen>();
};

std::string address_of(const tcp::socket& socket) {
  Code error;
  const auto endpoint = socket.remote_endpoint(error);
  if (error) return "unknown";
  const std::string host = endpoint.address().to_string();
  const std::string shown = endpoint.address().is_v6() ? "[" + host + "]" : host;
  return shown + ":" + std::to_string(endpoint.port());
}

Error broken_off(const Code& error) {
  return {ErrorCode::closed, "the peer went away: " + error.message()};
}

void close_quietly(tcp::socket& socket) {
  Code ignored;
  socket.close(ignored);
}

}  // namespace

struct Listener::State : std::enable_shared_from_this<State> {
  std::vector<Loop> loops;
  const crypto::X25519KeyPair* identity = nullptr;
  const channel::ServerDirectory* directory = nullptr;
  ListenerOptions options;
  Accepted accepted;
  std::unique_ptr<tcp::acceptor> acceptor;
  std::size_t next_loop = 0;

  static asio::awaitable<void> accept_loop(std::shared_ptr<State> self);
  static asio::awaitable<void> greet(std::shared_ptr<State> self, std::size_t loop,
                                     std::shared_ptr<tcp::socket> socket);
  static asio::awaitable<Status> shake(std::shared_ptr<State> self, tcp::socket& socket,
                                       channel::ServerHandshake& handshake);
  void begin(tcp::socket socket, std::size_t loop);
};

Listener::Listener(std::vector<asio::any_io_executor> loops, const crypto::X25519KeyPair& identity,
                   const channel::ServerDirectory& directory, ListenerOptions options,
                   Accepted accepted)
    : state_(std::make_shared<State>()) {
  for (auto& loop : loops) state_->loops.push_back(Loop{loop});
  state_->identity = &identity;
  state_->directory = &directory;
  state_->options = options;
  state_->accepted = std::move(accepted);
}

Listener::~Listener() = default;

Status Listener::listen(const std::string& address) {
  FED_ASSIGN(target, parse_target(address));
  const auto failed = [&](const Code& error) {
    return Error{ErrorCode::io, "cannot listen on " + address + ": " + error.message() +
                                    " (is another server running, or \"listen\" wrong?)"};
  };
  Code error;
  const auto& executor = state_->loops.front().executor;
  tcp::resolver resolver(executor);
  const auto found = resolver.resolve(target.host, target.port, tcp::resolver::passive, error);
  if (error || found.empty()) return failed(error);
  const tcp::endpoint endpoint = found.begin()->endpoint();
  auto acceptor = std::make_unique<tcp::acceptor>(executor);
  acceptor->open(endpoint.protocol(), error);
  if (!error) acceptor->set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor->bind(endpoint, error);
  if (!error) acceptor->listen(asio::socket_base::max_listen_connections, error);
  if (error) return failed(error);
  state_->acceptor = std::move(acceptor);
  spawn(executor, State::accept_loop(state_), "listener");
  return {};
}

std::uint16_t Listener::port() const {
  Code error;
  return state_->acceptor->local_endpoint(error).port();
}

void Listener::close() {
  asio::post(state_->loops.front().executor, [state = state_] {
    Code ignored;
    state->acceptor->close(ignored);
  });
}

asio::awaitable<void> Listener::State::accept_loop(std::shared_ptr<State> self) {
  Code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  asio::steady_timer pause(self->acceptor->get_executor());
  while (self->acceptor->is_open()) {
    const std::size_t loop = self->next_loop++ % self->loops.size();
    const auto& executor = self->loops[loop].executor;
    tcp::socket socket = co_await self->acceptor->async_accept(executor, token);
    if (!error) {
      self->begin(std::move(socket), loop);
      continue;
    }
    if (!self->acceptor->is_open()) co_return;
    log::warning("cannot accept a connection: {}", error.message());
    pause.expires_after(kPauseAfterFailure);
    co_await pause.async_wait(token);
  }
}

void Listener::State::begin(tcp::socket socket, std::size_t loop) {
  auto shared = std::make_shared<tcp::socket>(std::move(socket));
  asio::post(loops[loop].executor, [self = shared_from_this(), loop, shared] {
    spawn(self->loops[loop].executor, greet(self, loop, shared), "handshake");
  });
}

asio::awaitable<void> Listener::State::greet(std::shared_ptr<State> self, std::size_t loop,
                                             std::shared_ptr<tcp::socket> socket) {
  const auto half_open = self->loops[loop].half_open;
  if (half_open->size() >= self->options.half_open_max) close_quietly(*half_open->front());
  const auto place = half_open->insert(half_open->end(), socket);
  asio::steady_timer watchdog(socket->get_executor(), self->options.handshake);
  watchdog.async_wait([socket](const Code& cancelled) {
    if (!cancelled) close_quietly(*socket);
  });
  const std::string peer = address_of(*socket);
  auto ephemeral = crypto::X25519KeyPair::generate(crypto::Memory::plain);
  channel::ServerHandshake handshake(*self->identity, *self->directory, std::move(ephemeral));
  const Status status = co_await shake(self, *socket, handshake);
  watchdog.cancel();
  half_open->erase(place);
  if (!status) {
    log::debug("handshake with {} failed: {}", peer, status.error().detail);
    close_quietly(*socket);
    co_return;
  }
  self->accepted(std::move(*socket), std::move(handshake).finish(), peer);
}

asio::awaitable<Status> Listener::State::shake(std::shared_ptr<State>, tcp::socket& socket,
                                               channel::ServerHandshake& handshake) {
  Code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  std::array<std::uint8_t, channel::kHandshakeMessageBytesMax> memory;
  while (!handshake.finished()) {
    const ByteSpan incoming = ByteSpan(memory).first(handshake.wanted());
    const auto receiving = asio::buffer(incoming.data(), incoming.size());
    co_await asio::async_read(socket, receiving, token);
    if (error) co_return broken_off(error);
    const auto used = handshake.feed(incoming);
    if (!used) co_return used.error();
    const Bytes output = handshake.take_output();
    const auto sending = asio::buffer(output);
    co_await asio::async_write(socket, sending, token);
    if (error) co_return broken_off(error);
  }
  co_return Status();
}

}  // namespace fed::net
