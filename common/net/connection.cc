#include "net/connection.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "net/sendfile.h"
#include "net/spawn.h"
#include "net/unsent.h"

namespace fed::net {
namespace {

Error link_error(const boost::system::error_code& error) {
  return {ErrorCode::closed, "the connection was lost: " + error.message()};
}

// What the system takes from the line although nobody reads: a quarter of a second's worth, so that
// a rate is felt by the peer and not only by this program, and still covers the delay of a long
// line.
int receive_buffer(double mbit_s) {
  constexpr double kBytesPerMbit = 1e6 / 8, kSeconds = 0.25, kLeast = 8 * 1024, kMost = 1 << 20;
  if (mbit_s <= 0) return 0;
  return static_cast<int>(std::clamp(mbit_s * kBytesPerMbit * kSeconds, kLeast, kMost));
}

}  // namespace

Connection::Connection(Socket socket, channel::Transport transport, Limits limits)
    : socket_(std::move(socket)),
      loop_(socket_.get_executor()),
      protocol_(std::move(transport), limits, loop_.now()),
      receive_buffer_(receive_buffer(limits.receive_mbit_s_max)),
      reader_pause_(socket_.get_executor()),
      writer_wakeup_(socket_.get_executor()),
      watchdog_(socket_.get_executor()) {}

void Connection::start(std::shared_ptr<Handler> handler) {
  handler_ = std::move(handler);
  boost::system::error_code ignored;
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  socket_.non_blocking(true, ignored);
  limit_unsent(socket_.native_handle());
  if (receive_buffer_ > 0) {
    socket_.set_option(asio::socket_base::receive_buffer_size(receive_buffer_), ignored);
  }
  spawn(loop_.executor(), read_loop(shared_from_this()), "connection reader");
  spawn(loop_.executor(), write_loop(shared_from_this()), "connection writer");
  spawn(loop_.executor(), watch_loop(shared_from_this()), "connection watchdog");
}

void Connection::send(const wire::Message& message) {
  protocol_.send(message);
  follow();
}

void Connection::send_bulk(Bulk bulk) {
  protocol_.send_bulk(std::move(bulk));
  follow();
}

void Connection::set_idle(Duration idle) {
  protocol_.set_idle(idle);
  watchdog_.cancel();  // it looks again, and sleeps for less
}

void Connection::finish() {
  protocol_.finish();
  follow();
}

void Connection::abort(Error reason) {
  protocol_.close(std::move(reason));
  follow();
}

void Connection::follow() {
  writer_wakeup_.cancel();
  if (!protocol_.closed() || closed_) return;
  closed_ = true;
  boost::system::error_code ignored;
  socket_.close(ignored);
  watchdog_.cancel();
  reader_pause_.cancel();
  // Not from inside the handler's own call: it may be in the middle of something.
  loop_.post([self = shared_from_this()] {
    if (self->handler_) self->handler_->on_closed(*self->protocol_.closed());
    self->handler_.reset();
  });
}

asio::awaitable<void> Connection::read_loop(Self self) {
  boost::system::error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  while (!self->closed_) {
    const std::size_t most = self->protocol_.receivable(self->loop_.now());
    if (most == 0) {
      self->reader_pause_.expires_at(self->protocol_.receivable_at(self->loop_.now()));
      co_await self->reader_pause_.async_wait(token);
      continue;
    }
    co_await self->socket_.async_wait(Socket::wait_read, token);
    if (self->closed_) co_return;
    if (!error) self->read(most, error);
    if (error && error != asio::error::would_block) self->abort(link_error(error));
  }
}

// What has come; the buffer is this connection's only so long.
void Connection::read(std::size_t most, boost::system::error_code& error) {
  const ByteSpan all = protocol_.room();
  const ByteSpan room = all.first(std::min(all.size(), most));
  const std::size_t got = socket_.read_some(asio::buffer(room.data(), room.size()), error);
  if (!error) protocol_.received(got, loop_.now(), *handler_);
  protocol_.rest();
  if (!error) follow();
}

asio::awaitable<void> Connection::write_loop(Self self) {
  boost::system::error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  while (!self->closed_) {
    if (self->protocol_.next(self->output_, self->loop_.now())) {
      co_await write(self);
      continue;
    }
    self->follow();
    if (self->closed_) co_return;
    const auto again = self->protocol_.next_at();
    self->writer_wakeup_.expires_at(again.value_or(asio::steady_timer::time_point::max()));
    co_await self->writer_wakeup_.async_wait(token);
  }
}

asio::awaitable<void> Connection::write(Self self) {
  boost::system::error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  Output& output = self->output_;
  std::size_t done = 0;
  while (done < output.records.size() && !error) {
    const auto buffer = asio::buffer(output.records.data() + done, output.records.size() - done);
    done += co_await self->socket_.async_write_some(buffer, token);
    self->protocol_.wrote(output, self->loop_.now());
  }
  while (output.stretch.offset < output.stretch.end && !error) {
    co_await self->socket_.async_wait(Socket::wait_write, token);
    if (error) break;
    const std::size_t sent = send_file(self->socket_.native_handle(), output.stretch, error);
    output.stretch.offset += sent;
    if (sent > 0) self->protocol_.wrote(output, self->loop_.now());
  }
  if (self->closed_) co_return;
  if (error) {
    self->abort(link_error(error));
    co_return;
  }
  self->protocol_.sent(output, self->loop_.now(), *self->handler_);
}

asio::awaitable<void> Connection::watch_loop(Self self) {
  boost::system::error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  while (!self->closed_) {
    self->watchdog_.expires_after(self->protocol_.idle() / 8);
    co_await self->watchdog_.async_wait(token);
    self->protocol_.check_progress(self->loop_.now());
    self->follow();
  }
}

}  // namespace fed::net
