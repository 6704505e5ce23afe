#include "net/connection.h"

#include <fmt/format.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "net/sendfile.h"
#include "net/spawn.h"
#include "net/unsent.h"

namespace fed::net {
namespace {

constexpr std::size_t kReceiveBytes = 256 * 1024;
constexpr std::size_t kChunksPerWrite = 4;
static_assert(kChunkHeaderBytes + kChunkDataMax <= channel::kRecordBodyBytesMax);

Error link_error(const boost::system::error_code& error) {
  return {ErrorCode::closed, "the connection was lost: " + error.message()};
}

Error session_ended() { return {ErrorCode::closed, "the session has ended"}; }

Error no_progress(Duration idle) {
  return {ErrorCode::closed, fmt::format("no byte has moved for {:.0f} seconds", seconds(idle))};
}

}  // namespace

Connection::Connection(Socket socket, channel::Transport transport, Limits limits)
    : socket_(std::move(socket)),
      sealer_(std::move(transport.sealer)),
      opener_(std::move(transport.opener)),
      limits_(limits),
      received_(kReceiveBytes),
      assembler_(limits.message_bytes_max),
      writer_wakeup_(socket_.get_executor()),
      watchdog_(socket_.get_executor()),
      last_progress_(now()),
      last_sent_(last_progress_) {}

void Connection::start(std::shared_ptr<Handler> handler) {
  handler_ = std::move(handler);
  boost::system::error_code ignored;
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  socket_.non_blocking(true, ignored);
  limit_unsent(socket_.native_handle());
  spawn(executor(), read_loop(shared_from_this()), "connection reader");
  spawn(executor(), write_loop(shared_from_this()), "connection writer");
  spawn(executor(), watch_loop(shared_from_this()), "connection watchdog");
}

void Connection::send(const wire::Message& message) {
  if (closed_ || finishing_) return;
  wire::fragment(message, channel::kRecordBodyBytesMax,
                 [this](ByteView body) { queue(channel::Kind::control, body); });
  if (queued_.size() > limits_.queue_bytes_max) {
    abort(Error{ErrorCode::too_large, "the peer does not read its messages"});
  }
}

void Connection::send_bulk(Bulk bulk) {
  bulk_ = std::move(bulk);
  wake_writer();
}

void Connection::set_idle(Duration idle) {
  limits_.idle = idle;
  watchdog_.cancel();  // it looks again, and sleeps for less
}

void Connection::finish() {
  if (closed_ || finishing_) return;
  bulk_ = std::monostate();
  queue(channel::Kind::end, {});
  finishing_ = true;
}

void Connection::abort(Error reason) {
  if (closed_) return;
  closed_ = true;
  boost::system::error_code ignored;
  socket_.close(ignored);
  watchdog_.cancel();
  writer_wakeup_.cancel();
  // Not from inside the handler's own call: it may be in the middle of something.
  asio::post(executor(), [self = shared_from_this(), reason = std::move(reason)] {
    if (self->handler_) self->handler_->on_closed(reason);
    self->handler_.reset();
  });
}

void Connection::refuse(const Error& reason) {
  if (closed_) return;
  send(wire::Bye{reason.detail, false});
  finish();
}

void Connection::queue(channel::Kind kind, ByteView body) {
  if (closed_ || sealer_.ended()) return;
  FED_CHECK(sealer_.seal(kind, body, queued_).has_value());
  wake_writer();
}

void Connection::wake_writer() { writer_wakeup_.cancel(); }

asio::awaitable<void> Connection::read_loop(Self self) {
  boost::system::error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  while (!self->closed_) {
    const ByteSpan room = self->received_.room();
    const auto buffer = asio::buffer(room.data(), room.size());
    const std::size_t got = co_await self->socket_.async_read_some(buffer, token);
    if (error) {
      self->abort(link_error(error));
      co_return;
    }
    self->progressed();
    self->received_.filled(got);
    const Status consumed = self->consume();
    if (consumed) continue;
    self->refuse(consumed.error());
    co_return;
  }
}

Status Connection::consume() {
  while (!closed_ && !finishing_) {
    if (sealed_expected_ > 0) {
      const ByteSpan sealed = received_.raw(sealed_expected_);
      if (sealed.empty()) return {};
      sealed_expected_ -= static_cast<std::uint32_t>(sealed.size());
      FED_TRY(handler_->on_sealed(sealed));
      continue;
    }
    FED_ASSIGN(ciphertext, received_.next());
    if (!ciphertext) return {};
    FED_ASSIGN(record, opener_.open(*ciphertext));
    FED_TRY(dispatch(record));
  }
  return {};
}

Status Connection::dispatch(const channel::Record& record) {
  switch (record.kind) {
    case channel::Kind::control:
      return on_control(record.body);
    case channel::Kind::chunk:
      return on_chunk(record.body);
    case channel::Kind::stretch:
      return on_stretch(record.body);
    case channel::Kind::ping:
      return on_ping(record.body);
    case channel::Kind::pong:
      return {};
    case channel::Kind::end:
      abort(Error{ErrorCode::closed, "the peer ended the session"});
      return {};
  }
  return Error{ErrorCode::malformed, "record of an unknown kind"};
}

Status Connection::on_control(ByteView body) {
  FED_ASSIGN(message, assembler_.add(body));
  if (!message) return {};
  return handler_->on_message(std::move(*message));
}

Status Connection::on_chunk(ByteView body) {
  if (body.size() <= kChunkHeaderBytes) return Error{ErrorCode::malformed, "chunk without data"};
  const auto upload = load_le<std::uint64_t>(body.data());
  const auto offset = load_le<std::uint64_t>(body.data() + 8);
  return handler_->on_chunk(upload, offset, body.subspan(kChunkHeaderBytes));
}

Status Connection::on_stretch(ByteView body) {
  if (body.size() != 4) return Error{ErrorCode::malformed, "stretch record of a wrong size"};
  sealed_expected_ = load_le<std::uint32_t>(body.data());
  if (sealed_expected_ > kStretchBytesMax) return Error{ErrorCode::too_large, "stretch too long"};
  return {};
}

Status Connection::on_ping(ByteView body) {
  queue(channel::Kind::pong, body);
  if (queued_.size() <= limits_.queue_bytes_max) return {};
  return Error{ErrorCode::too_large, "pings whose answers are not read"};
}

asio::awaitable<void> Connection::write_loop(Self self) {
  boost::system::error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  while (!self->closed_) {
    self->queue_bulk_if_idle();
    if (self->closed_) co_return;
    if (!self->queued_.empty()) {
      co_await write_queued(self);
      continue;
    }
    if (self->finishing_) {
      self->abort(session_ended());
      co_return;
    }
    self->writer_wakeup_.expires_at(asio::steady_timer::time_point::max());
    co_await self->writer_wakeup_.async_wait(token);
  }
}

asio::awaitable<void> Connection::write_queued(Self self) {
  boost::system::error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  self->writing_.clear();
  self->writing_.swap(self->queued_);
  SealedDownload stretch = std::exchange(self->stretch_, SealedDownload());
  const bool last_of_bulk = std::exchange(self->bulk_unsent_, false);
  std::size_t done = 0;
  while (done < self->writing_.size() && !error) {
    const auto buffer = asio::buffer(self->writing_.data() + done, self->writing_.size() - done);
    done += co_await self->socket_.async_write_some(buffer, token);
    self->progressed();
  }
  while (stretch.offset < stretch.end && !error) {
    co_await self->socket_.async_wait(Socket::wait_write, token);
    if (!error) stretch.offset += send_file(self->socket_.native_handle(), stretch, error);
    self->progressed();
  }
  self->last_sent_ = now();
  if (error) self->abort(link_error(error));
  if (last_of_bulk && !self->closed_) self->handler_->on_bulk_sent();
}

// Bulk bytes are sealed only when the socket has taken everything before them: back-pressure ends
// here.
void Connection::queue_bulk_if_idle() {
  if (!queued_.empty() || finishing_) return;
  Status status;
  bool whole = false;
  if (auto* upload = std::get_if<ChunkUpload>(&bulk_)) {
    status = queue_chunks(*upload);
    whole = upload->offset == upload->end;
  } else if (auto* download = std::get_if<SealedDownload>(&bulk_)) {
    queue_stretch(*download);
    whole = download->offset == download->end;
  }
  if (!status) abort(status.error());
  if (!whole) return;
  bulk_ = std::monostate();
  bulk_unsent_ = true;
}

Status Connection::queue_chunks(ChunkUpload& upload) {
  for (std::size_t i = 0; i < kChunksPerWrite && upload.offset < upload.end; ++i) {
    const auto length = std::min<std::uint64_t>(kChunkDataMax, upload.end - upload.offset);
    std::array<std::uint8_t, kChunkHeaderBytes> header;
    store_le(header.data(), upload.upload);
    store_le(header.data() + 8, upload.offset);
    chunk_.resize(length);
    FED_TRY(upload.file->read_at(upload.offset, chunk_));
    FED_TRY(sealer_.seal(channel::Kind::chunk, header, chunk_, queued_));
    upload.offset += length;
  }
  return {};
}

void Connection::queue_stretch(SealedDownload& download) {
  const auto length = static_cast<std::uint32_t>(
      std::min<std::uint64_t>(kStretchBytesMax, download.end - download.offset));
  std::array<std::uint8_t, 4> body;
  store_le(body.data(), length);
  queue(channel::Kind::stretch, body);
  stretch_ = SealedDownload{download.file, download.offset, download.offset + length};
  download.offset += length;
}

asio::awaitable<void> Connection::watch_loop(Self self) {
  boost::system::error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  while (!self->closed_) {
    self->watchdog_.expires_after(self->limits_.idle / 8);
    co_await self->watchdog_.async_wait(token);
    self->check_progress();
  }
}

void Connection::check_progress() {
  if (closed_) return;
  if (now() - last_progress_ > limits_.idle) return abort(no_progress(limits_.idle));
  const bool quiet = queued_.empty() && now() - last_sent_ > limits_.idle / 4;
  if (limits_.pings && quiet && !finishing_) queue(channel::Kind::ping, {});
}

}  // namespace fed::net
