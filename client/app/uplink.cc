#include "app/uplink.h"

#include <algorithm>

#include "base/log.h"

namespace fed::app {
namespace {

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

class Uplink::Ear final : public net::Handler {
 public:
  explicit Ear(Uplink& uplink) : uplink_(uplink) {}

  Status on_message(wire::Message message) override { return uplink_.user_.received(message); }
  Status on_chunk(std::uint64_t, std::uint64_t, ByteView) override {
    return Error{ErrorCode::malformed, "chunks of an update from a server"};
  }
  Status on_sealed(ByteView bytes) override { return uplink_.user_.sealed(bytes); }
  void on_bulk_sent() override {}
  void on_closed(const Error& reason) override { uplink_.closed(reason); }

 private:
  Uplink& uplink_;
};

Uplink::Uplink(Loop& loop, Dialer& dialer, const config::ClientSpec& spec, UplinkUser& user,
               std::uint64_t seed)
    : loop_(loop),
      dialer_(dialer),
      spec_(spec),
      user_(user),
      backoff_(spec.reconnect_s_max, seed),
      idle_(from_seconds(spec.idle_s)) {}

void Uplink::attempt() {
  const net::Limits limits{.idle = idle_,
                           .message_bytes_max = wire::kFromServerBytesMax,
                           .queue_bytes_max = 8 * wire::kFromServerBytesMax,
                           .send_mbit_s_max = spec_.limits.upload_mbit_s_max,
                           .receive_mbit_s_max = spec_.limits.download_mbit_s_max,
                           .pings = true};
  const Duration deadline = std::min(idle_, from_seconds(kConnectSeconds));
  dialer_.dial(limits, deadline, [this](Result<std::shared_ptr<net::Link>> link) {
    if (stopping_) return;
    if (link) return opened(std::move(*link));
    failed(link.error());
    pause();
  });
}

void Uplink::pause() {
  next_attempt_ = loop_.after(backoff_.next(), [this] { attempt(); });
}

void Uplink::opened(std::shared_ptr<net::Link> link) {
  link_ = std::move(link);
  link_->start(std::make_shared<Ear>(*this));
  welcomed_ = false;
  opened_at_ = loop_.now();
  user_.connected();
}

void Uplink::closed(const Error& reason) {
  link_.reset();
  if (welcomed_ && loop_.now() - opened_at_ > kStable) backoff_.reset();
  if (!stopping_) failed(welcomed_ ? reason : not_welcome());
  user_.disconnected();
  if (!stopping_) pause();
}

void Uplink::welcomed() {
  welcomed_ = true;
  say("connected");
}

void Uplink::failed(const Error& error) { say("not connected: " + error.detail); }

void Uplink::say(const std::string& state) {
  if (state == state_) return;
  state_ = state;
  if (link_) {
    log::info("{} to {}", state, spec_.server);
  } else {
    log::warning("{}; trying again until it works", state);
  }
  user_.link_changed(state);
}

void Uplink::hear_idle(Duration idle) {
  if (idle <= Duration::zero() || idle >= idle_) return;
  idle_ = idle;
  if (link_) link_->set_idle(idle_);
}

void Uplink::send(const wire::Message& message) {
  if (link_) link_->send(message);
}

void Uplink::send_bulk(net::Bulk bulk) {
  if (link_) link_->send_bulk(std::move(bulk));
}

void Uplink::reconnect(const std::string& why) {
  if (link_) link_->abort(Error{ErrorCode::closed, why});
}

void Uplink::stop() {
  stopping_ = true;
  next_attempt_.cancel();
  if (link_) link_->finish();
}

}  // namespace fed::app
