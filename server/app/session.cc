#include "app/session.h"

namespace fed::app {
namespace {

// More than an honest client ever has under way: it waits for answers.
constexpr int kUnhandledMax = 32;

Error unexpected(const wire::Message& message) {
  return {ErrorCode::malformed, std::string("unexpected message ") + wire::name(message)};
}

bool from_client(const wire::Message& message) {
  return std::holds_alternative<wire::JobAnswer>(message) ||
         std::holds_alternative<wire::TaskRefused>(message) ||
         std::holds_alternative<wire::Fetch>(message) ||
         std::holds_alternative<wire::Progress>(message) ||
         std::holds_alternative<wire::Offer>(message) ||
         std::holds_alternative<wire::Availability>(message) ||
         std::holds_alternative<wire::SecureKeys>(message) ||
         std::holds_alternative<wire::SecureShares>(message) ||
         std::holds_alternative<wire::SecureSignature>(message) ||
         std::holds_alternative<wire::SecureReveal>(message) ||
         std::holds_alternative<wire::SecureRefused>(message) ||
         std::holds_alternative<wire::KeyHeld>(message) ||
         std::holds_alternative<wire::DecryptedSum>(message) ||
         std::holds_alternative<wire::DecryptionRefused>(message);
}

}  // namespace

Session::Session(std::shared_ptr<net::Link> link, KnownClient client, std::string address,
                 const SessionParts& parts)
    : link_(std::move(link)),
      client_(std::move(client)),
      address_(std::move(address)),
      parts_(parts),
      since_(parts.control.unix_seconds()),
      heard_at_(parts.control.now()) {}

Traffic Session::traffic(Instant now) const {
  Traffic traffic{.heard_at = heard_at_};
  const std::lock_guard lock(received_mutex_);
  if (!received_) return traffic;
  traffic.upload = received_->key;
  traffic.done = received_->done;
  traffic.total = received_->total;
  traffic.per_second = received_->meter.per_second(now);
  return traffic;
}

void Session::measure(Instant now) {
  const std::lock_guard lock(received_mutex_);
  if (!received_ || received_->key != incoming_->key) received_ = Received{.key = incoming_->key};
  received_->done = incoming_->upload.offset();
  received_->total = incoming_->upload.bytes();
  received_->meter.observe(now, received_->done);
}

void Session::forget_upload() {
  incoming_.reset();
  const std::lock_guard lock(received_mutex_);
  received_.reset();
}

void Session::send(wire::Message message) {
  link_->loop().post(
      [self = shared_from_this(), message = std::move(message)] { self->link_->send(message); });
}

void Session::send_model(net::SealedDownload download) {
  link_->loop().post([self = shared_from_this(), download = std::move(download)] {
    self->link_->send_bulk(download);
  });
}

void Session::receive_upload(std::uint64_t id, store::UploadKey key, store::Upload upload) {
  auto incoming = std::make_shared<Incoming>(Incoming{id, std::move(key), std::move(upload)});
  link_->loop().post([self = shared_from_this(), incoming] {
    const wire::Admit admit{incoming->key.job, incoming->key.task, incoming->id,
                            incoming->upload.offset()};
    const bool whole = incoming->upload.offset() == incoming->upload.bytes();
    self->incoming_.emplace(std::move(*incoming));
    self->measure(self->link_->loop().now());
    self->link_->send(admit);
    if (whole) self->finish_upload();
  });
}

void Session::close(wire::Bye bye) {
  link_->loop().post([self = shared_from_this(), bye = std::move(bye)] {
    self->link_->send(bye);
    self->link_->finish();
  });
}

Status Session::on_message(wire::Message message) {
  const auto* hello = std::get_if<wire::Hello>(&message);
  if (greeted_ != (hello == nullptr)) return unexpected(message);
  if (hello != nullptr) {
    if (hello->protocol != wire::kProtocol) {
      return Error{ErrorCode::unsupported, "this server speaks protocol version " +
                                               std::to_string(wire::kProtocol) +
                                               "; install the client of the same version"};
    }
    greeted_ = true;
    parts_.control.post([self = shared_from_this()] { self->parts_.listener.opened(self); });
    return {};
  }
  if (!from_client(message)) return unexpected(message);
  if (++unhandled_ > kUnhandledMax) return Error{ErrorCode::too_large, "too many messages at once"};
  parts_.control.post([self = shared_from_this(), message = std::move(message)]() mutable {
    --self->unhandled_;
    self->parts_.listener.received(self, std::move(message));
  });
  return {};
}

Status Session::on_chunk(std::uint64_t upload, std::uint64_t offset, ByteView data) {
  // Chunks of an upload that is no longer wanted are still on their way when it is cancelled.
  if (!incoming_ || incoming_->id != upload) return {};
  const Status written = incoming_->upload.write(offset, data);
  if (!written) {
    const store::UploadKey key = incoming_->key;
    forget_upload();
    report_upload(key, written.error());
    return {};
  }
  measure(heard_at_);
  if (incoming_->upload.offset() == incoming_->upload.bytes()) finish_upload();
  return {};
}

void Session::finish_upload() {
  auto whole = std::make_shared<Incoming>(std::move(*incoming_));
  forget_upload();
  parts_.compute.post([self = shared_from_this(), whole] {
    const auto report = [self, key = whole->key](Result<store::UploadFacts> facts) {
      self->report_upload(key, std::move(facts));
    };
    self->parts_.staging.finish(std::move(whole->upload), report);
  });
}

void Session::report_upload(store::UploadKey key, Result<store::UploadFacts> facts) {
  parts_.control.post(
      [self = shared_from_this(), key = std::move(key), facts = std::move(facts)]() mutable {
        self->parts_.listener.uploaded(self, std::move(key), std::move(facts));
      });
}

Status Session::on_sealed(ByteView) {
  return Error{ErrorCode::malformed, "sealed bytes from a client"};
}

void Session::on_closed(const Error& reason) {
  forget_upload();
  if (!greeted_) return;
  parts_.control.post(
      [self = shared_from_this(), reason] { self->parts_.listener.closed(self, reason); });
}

}  // namespace fed::app
