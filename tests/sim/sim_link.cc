#include "sim_link.h"

#include <algorithm>

namespace fed::sim {

// Passes everything on, and tells the listener of messages.
class SimLink::Ear final : public net::Handler {
 public:
  Ear(std::shared_ptr<net::Handler> handler, Listener listener)
      : handler_(std::move(handler)), listener_(std::move(listener)) {}

  void on_heard(Instant now) override { handler_->on_heard(now); }
  Status on_message(wire::Message message) override {
    if (listener_) listener_(message, true);
    return handler_->on_message(std::move(message));
  }
  Status on_chunk(std::uint64_t upload, std::uint64_t offset, ByteView data) override {
    return handler_->on_chunk(upload, offset, data);
  }
  Status on_sealed(ByteView bytes) override { return handler_->on_sealed(bytes); }
  void on_bulk_sent() override { handler_->on_bulk_sent(); }
  void on_closed(const Error& reason) override { handler_->on_closed(reason); }

 private:
  std::shared_ptr<net::Handler> handler_;
  Listener listener_;
};

SimLink::SimLink(SimLoop& loop, std::shared_ptr<Cable> cable, Side side,
                 channel::Transport transport, const net::Limits& limits, Bytes early)
    : loop_(loop),
      cable_(std::move(cable)),
      side_(side),
      protocol_(std::move(transport), limits, loop.now()),
      inbox_(std::move(early)) {}

void SimLink::start(std::shared_ptr<net::Handler> handler) {
  handler_ = std::make_shared<Ear>(std::move(handler), listener_);
  cable_->attach(side_, weak_from_this());
  watch();
  loop_.post([self = shared_from_this()] { self->read(); });
}

void SimLink::watch() {
  watchdog_ = loop_.after(protocol_.idle() / 8, [this] {
    protocol_.check_progress(loop_.now());
    watch();
    follow();
  });
}

void SimLink::set_idle(Duration idle) {
  protocol_.set_idle(idle);
  if (!closed_) watch();
}

void SimLink::send(const wire::Message& message) {
  if (!tamper_) return say(message);
  wire::Message changed = message;
  if (tamper_(changed)) say(changed);
}

void SimLink::say(const wire::Message& message) {
  if (listener_ && !protocol_.closed()) listener_(message, false);
  protocol_.send(message);
  follow();
}

void SimLink::send_bulk(net::Bulk bulk) {
  protocol_.send_bulk(std::move(bulk));
  follow();
}

void SimLink::finish() {
  protocol_.finish();
  follow();
}

void SimLink::abort(Error reason) {
  protocol_.close(std::move(reason));
  follow();
}

void SimLink::arrived(ByteView bytes) {
  loop_.speak();
  append(inbox_, bytes);
  if (handler_) read();
}

void SimLink::read() {
  const auto keep = shared_from_this();
  const Instant now = loop_.now();
  std::size_t done = 0;
  while (done < inbox_.size() && !protocol_.closed()) {
    const std::size_t most = protocol_.receivable(now);
    if (most == 0) break;
    const ByteSpan room = protocol_.room();
    FED_CHECK(!room.empty());
    const std::size_t count = std::min({room.size(), inbox_.size() - done, most});
    std::copy_n(inbox_.begin() + static_cast<std::ptrdiff_t>(done), count, room.begin());
    done += count;
    protocol_.received(count, now, *handler_);
  }
  inbox_.erase(inbox_.begin(), inbox_.begin() + static_cast<std::ptrdiff_t>(done));
  if (!inbox_.empty() && !protocol_.closed()) {
    read_later_ = loop_.at(protocol_.receivable_at(now), [this] { read(); });
  }
  follow();
}

void SimLink::wake() {
  if (awake_ || closed_) return;
  awake_ = true;
  loop_.post([self = shared_from_this()] {
    self->awake_ = false;
    self->write();
  });
}

void SimLink::write() {
  while (!closed_) {
    if (!writing_) {
      if (!protocol_.next(output_, loop_.now())) {
        const auto again = protocol_.next_at();
        if (again) write_later_ = loop_.at(*again, [this] { wake(); });
        return close_if_over();
      }
      writing_ = true;
      written_ = 0;
    }
    if (!write_output() || !write_stretch()) return;  // until the cable is writable
    writing_ = false;
    protocol_.sent(output_, loop_.now(), *handler_);
  }
}

bool SimLink::write_output() {
  const ByteView rest = ByteView(output_.records).subspan(written_);
  const std::size_t count = cable_->write(side_, rest);
  if (count > 0) protocol_.wrote(output_, loop_.now());
  written_ += count;
  return count == rest.size();
}

bool SimLink::write_stretch() {
  net::SealedDownload& stretch = output_.stretch;
  while (stretch.offset < stretch.end) {
    const std::size_t room = cable_->room(side_);
    if (room == 0) return false;
    Bytes bytes(std::min<std::uint64_t>(room, stretch.end - stretch.offset));
    const Status read = stretch.file->read_at(stretch.offset, bytes);
    if (!read) {
      abort(read.error());
      return false;
    }
    stretch.offset += cable_->write(side_, bytes);
    protocol_.wrote(output_, loop_.now());
  }
  return true;
}

void SimLink::follow() {
  close_if_over();
  wake();
}

void SimLink::close_if_over() {
  if (closed_ || !protocol_.closed()) return;
  closed_ = true;
  watchdog_.cancel();
  read_later_.cancel();
  write_later_.cancel();
  cable_->close(side_);
  loop_.post([self = shared_from_this()] {
    if (const auto handler = std::exchange(self->handler_, nullptr)) {
      handler->on_closed(*self->protocol_.closed());
    }
  });
}

void SimLink::drop() {
  closed_ = true;
  watchdog_.cancel();
  read_later_.cancel();
  write_later_.cancel();
  handler_.reset();
  listener_ = nullptr;
  tamper_ = nullptr;
}

std::size_t SimLink::unwritten() const { return writing_ ? output_.records.size() - written_ : 0; }

// A queue of control records, and one piece of bulk.
std::size_t SimLink::bytes_waiting_max() const {
  return 2 * protocol_.queue_bytes_max() + 4 * channel::kRecordCiphertextBytesMax;
}

}  // namespace fed::sim
