#include "raw_link.h"

#include "net/bulk.h"

namespace fed::sim {

void RawLink::start(ByteView early) {
  cable_->attach(client_side, weak_from_this());
  arrived(early);
}

void RawLink::send(const wire::Message& message) {
  wire::fragment(message, channel::kRecordBodyBytesMax,
                 [this](ByteView body) { seal(channel::Kind::control, body); });
}

void RawLink::send_chunk(std::uint64_t upload, std::uint64_t offset, ByteView data) {
  Bytes body(net::kChunkHeaderBytes);
  store_le(body.data(), upload);
  store_le(body.data() + 8, offset);
  append(body, data);
  seal(channel::Kind::chunk, body);
}

void RawLink::seal(channel::Kind kind, ByteView body) {
  if (transport_.sealer.ended()) return;
  FED_CHECK(transport_.sealer.seal(kind, body, waiting_).has_value());
  writable();
}

void RawLink::send_bytes(ByteView bytes) {
  append(waiting_, bytes);
  writable();
}

void RawLink::writable() {
  const std::size_t written = cable_->write(client_side, waiting_);
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(written));
}

void RawLink::arrived(ByteView bytes) {
  const auto keep = shared_from_this();
  while (!bytes.empty()) {
    const ByteSpan room = reader_.room();
    const std::size_t count = std::min(room.size(), bytes.size());
    std::copy_n(bytes.begin(), count, room.begin());
    reader_.filled(count);
    bytes = bytes.subspan(count);
    if (!read()) return end();
  }
}

// False: the session is over.
bool RawLink::read() {
  while (ears_.message) {
    if (sealed_ > 0) {
      const std::size_t count = reader_.raw(sealed_).size();
      if (count == 0) return true;
      sealed_ -= count;
      continue;
    }
    const auto ciphertext = reader_.next();
    if (!ciphertext) return false;
    if (!*ciphertext) return true;
    const auto record = transport_.opener.open(**ciphertext);
    if (!record || !take(*record)) return false;
  }
  return false;
}

Status RawLink::take(const channel::Record& record) {
  if (record.kind == channel::Kind::end) return Error{ErrorCode::closed, "the end"};
  if (record.kind == channel::Kind::stretch) sealed_ = load_le<std::uint32_t>(record.body.data());
  if (record.kind != channel::Kind::control) return {};
  FED_ASSIGN(message, assembler_.add(record.body));
  if (message) ears_.message(*message);
  return {};
}

void RawLink::end() {
  ears_.message = nullptr;
  if (const auto lost = std::exchange(ears_.lost, nullptr)) lost();
}

}  // namespace fed::sim
