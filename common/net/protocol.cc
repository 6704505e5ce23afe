#include "net/protocol.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace fed::net {
namespace {

constexpr std::size_t kChunksPerWrite = 4;
static_assert(kChunkHeaderBytes + kChunkDataMax <= channel::kRecordBodyBytesMax);

Error session_ended() { return {ErrorCode::closed, "the session has ended"}; }

Error no_progress(Duration idle) {
  return {ErrorCode::closed, fmt::format("no byte has moved for {:.0f} seconds", seconds(idle))};
}

}  // namespace

Protocol::Protocol(channel::Transport transport, Limits limits, Instant now)
    : sealer_(std::move(transport.sealer)),
      opener_(std::move(transport.opener)),
      limits_(limits),
      received_(limits.receive_bytes),
      assembler_(limits.message_bytes_max),
      out_(TokenBucket::for_mbit_s(limits.send_mbit_s_max)),
      in_(TokenBucket::for_mbit_s(limits.receive_mbit_s_max)),
      last_progress_(now),
      last_sent_(now),
      last_ping_(now) {}

void Protocol::send(const wire::Message& message) {
  if (closed_ || finishing_) return;
  wire::fragment(message, channel::kRecordBodyBytesMax,
                 [this](ByteView body) { queue(channel::Kind::control, body); });
  if (queued_.size() > limits_.queue_bytes_max) {
    close(Error{ErrorCode::too_large, "the peer does not read its messages"});
  }
}

void Protocol::send_bulk(Bulk bulk) { bulk_ = std::move(bulk); }

void Protocol::finish() {
  if (closed_ || finishing_) return;
  bulk_ = std::monostate();
  queue(channel::Kind::end, {});
  finishing_ = true;
}

void Protocol::close(Error reason) {
  if (!closed_) closed_ = std::move(reason);
}

void Protocol::refuse(const Error& reason) {
  if (closed_) return;
  send(wire::Bye{reason.detail, false});
  finish();
}

void Protocol::queue(channel::Kind kind, ByteView body) {
  if (closed_ || sealer_.ended()) return;
  FED_CHECK(sealer_.seal(kind, body, queued_).has_value());
}

ByteSpan Protocol::room() {
  // What comes after the last word is not listened to; it must not fill the buffer either.
  if (finishing_) received_.raw(received_.pending());
  return received_.room();
}

// Reads of a few bytes each would keep to the rate as well, at many times the cost.
std::size_t Protocol::receivable(Instant now) const {
  const std::uint64_t bytes = in_.available(now);
  return in_.limited() && bytes < in_.burst() / 2 ? 0 : bytes;
}

Instant Protocol::receivable_at(Instant now) const { return in_.ready_at(in_.burst() / 2, now); }

void Protocol::received(std::size_t bytes, Instant now, Handler& handler) {
  in_.take(bytes, now);
  // Otherwise a peer that talks and never reads would keep a session for ever that is at its end.
  if (finishing_) return;
  last_progress_ = now;
  handler.on_heard(now);
  received_.filled(bytes);
  const Status consumed = consume(handler);
  if (!consumed) refuse(consumed.error());
}

Status Protocol::consume(Handler& handler) {
  while (!closed_ && !finishing_) {
    if (sealed_expected_ > 0) {
      const ByteSpan sealed = received_.raw(sealed_expected_);
      if (sealed.empty()) return {};
      sealed_expected_ -= static_cast<std::uint32_t>(sealed.size());
      FED_TRY(handler.on_sealed(sealed));
      continue;
    }
    FED_ASSIGN(ciphertext, received_.next());
    if (!ciphertext) return {};
    FED_ASSIGN(record, opener_.open(*ciphertext));
    FED_TRY(dispatch(record, handler));
  }
  return {};
}

Status Protocol::dispatch(const channel::Record& record, Handler& handler) {
  switch (record.kind) {
    case channel::Kind::control:
      return on_control(record.body, handler);
    case channel::Kind::chunk:
      return on_chunk(record.body, handler);
    case channel::Kind::stretch:
      return on_stretch(record.body);
    case channel::Kind::ping:
      return on_ping(record.body);
    case channel::Kind::pong:
      return {};
    case channel::Kind::end:
      close(Error{ErrorCode::closed, "the peer ended the session"});
      return {};
  }
  return Error{ErrorCode::malformed, "record of an unknown kind"};
}

Status Protocol::on_control(ByteView body, Handler& handler) {
  FED_ASSIGN(message, assembler_.add(body));
  if (!message) return {};
  return handler.on_message(std::move(*message));
}

Status Protocol::on_chunk(ByteView body, Handler& handler) {
  if (body.size() <= kChunkHeaderBytes) return Error{ErrorCode::malformed, "chunk without data"};
  const auto upload = load_le<std::uint64_t>(body.data());
  const auto offset = load_le<std::uint64_t>(body.data() + 8);
  return handler.on_chunk(upload, offset, body.subspan(kChunkHeaderBytes));
}

Status Protocol::on_stretch(ByteView body) {
  if (body.size() != 4) return Error{ErrorCode::malformed, "stretch record of a wrong size"};
  sealed_expected_ = load_le<std::uint32_t>(body.data());
  if (sealed_expected_ > kStretchBytesMax) return Error{ErrorCode::too_large, "stretch too long"};
  return {};
}

Status Protocol::on_ping(ByteView body) {
  queue(channel::Kind::pong, body);
  if (queued_.size() <= limits_.queue_bytes_max) return {};
  return Error{ErrorCode::too_large, "pings whose answers are not read"};
}

bool Protocol::next(Output& output, Instant now) {
  next_at_.reset();
  if (closed_) return false;
  if (std::holds_alternative<std::monostate>(bulk_)) chunks_ = Bytes();  // those are written
  if (queued_.empty() && !finishing_ && bulk_may_go(now)) queue_bulk();
  if (closed_) return false;
  if (!anything_to_write()) {
    if (finishing_) close(session_ended());
    return false;
  }
  output.records = take_records();
  output.stretch = std::exchange(stretch_, SealedDownload());
  output.bulk = std::exchange(bulk_queued_, false);
  output.bulk_ends = std::exchange(bulk_ends_, false);
  out_.take(output.records.size() + (output.stretch.end - output.stretch.offset), now);
  return true;
}

// Chunks are made when nothing else waits, so it is either these or those.
ByteView Protocol::take_records() {
  if (chunks_used_ > 0) return ByteView(chunks_).first(std::exchange(chunks_used_, 0));
  writing_.clear();
  writing_.swap(queued_);
  return writing_;
}

void Protocol::wrote(const Output& output, Instant now) {
  if (output.bulk) last_progress_ = now;
}

void Protocol::sent(const Output& output, Instant now, Handler& handler) {
  last_sent_ = now;
  if (output.bulk_ends && !closed_) handler.on_bulk_sent();
}

// Not before the bucket holds a piece of it: what is sent is then spread evenly.
bool Protocol::bulk_may_go(Instant now) {
  if (!out_.limited() || std::holds_alternative<std::monostate>(bulk_)) return true;
  const Instant ready = out_.ready_at(piece_bytes(kStretchBytesMax), now);
  if (ready <= now) return true;
  next_at_ = ready;
  return false;
}

// How much bulk may go at once, in eights: `most`, or what the rate allows.
std::uint64_t Protocol::piece_bytes(std::uint64_t most) const {
  if (!out_.limited()) return most;
  return std::min({most, std::uint64_t{limits_.chunk_bytes}, out_.burst() / 8 * 8});
}

// Bulk bytes are sealed only when everything before them has been written: back-pressure ends here.
void Protocol::queue_bulk() {
  Status status;
  bool whole = false;
  if (auto* upload = std::get_if<ChunkUpload>(&bulk_)) {
    status = queue_chunks(*upload);
    whole = upload->offset == upload->end;
  } else if (auto* download = std::get_if<SealedDownload>(&bulk_)) {
    queue_stretch(*download);
    whole = download->offset == download->end;
  }
  bulk_queued_ = anything_to_write();
  if (!status) close(status.error());
  if (!whole) return;
  bulk_ = std::monostate();
  bulk_ends_ = true;
}

Status Protocol::queue_chunks(ChunkUpload& upload) {
  const std::uint64_t most = piece_bytes(limits_.chunk_bytes);
  const std::size_t chunks = out_.limited() ? 1 : kChunksPerWrite;
  for (std::size_t i = 0; i < chunks && upload.offset < upload.end; ++i) {
    FED_TRY(queue_chunk(upload, std::min<std::uint64_t>(most, upload.end - upload.offset)));
  }
  return {};
}

// From the file straight to where it is sealed.
Status Protocol::queue_chunk(ChunkUpload& upload, std::size_t length) {
  const std::size_t whole = channel::kRecordOverheadBytes + kChunkHeaderBytes + length;
  if (chunks_.size() < chunks_used_ + whole) chunks_.resize(chunks_used_ + whole);
  const ByteSpan record = ByteSpan(chunks_).subspan(chunks_used_, whole);
  const ByteSpan body = record.subspan(channel::kRecordBodyAt, kChunkHeaderBytes + length);
  store_le(body.data(), upload.upload);
  store_le(body.data() + 8, upload.offset);
  FED_TRY(upload.file->read_at(upload.offset, body.subspan(kChunkHeaderBytes)));
  FED_TRY(sealer_.seal_in_place(channel::Kind::chunk, record));
  chunks_used_ += whole;
  upload.offset += length;
  return {};
}

void Protocol::queue_stretch(SealedDownload& download) {
  const auto length = static_cast<std::uint32_t>(
      std::min<std::uint64_t>(piece_bytes(kStretchBytesMax), download.end - download.offset));
  std::array<std::uint8_t, 4> body;
  store_le(body.data(), length);
  queue(channel::Kind::stretch, body);
  stretch_ = SealedDownload{download.file, download.offset, download.offset + length};
  download.offset += length;
}

void Protocol::check_progress(Instant now) {
  if (closed_) return;
  if (now - last_progress_ > limits_.idle) return close(no_progress(limits_.idle));
  if (!limits_.pings || finishing_) return;
  // The peer must hear something, and must have something to answer.
  const Duration quiet = limits_.idle / 4;
  const bool silent = queued_.empty() && now - last_sent_ > quiet;
  const bool unanswered = now - last_progress_ > quiet && now - last_ping_ > quiet;
  if (!silent && !unanswered) return;
  queue(channel::Kind::ping, {});
  last_ping_ = now;
}

}  // namespace fed::net
