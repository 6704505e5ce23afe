// What two authenticated peers say to each other, as a pure state machine: received bytes and the
// time go in, calls of a Handler and bytes to be sent come out. No socket, no clock, no timer.
//
//   carrier read n bytes into room()   -> received(n, now, handler)
//   carrier can write                  -> while (next(output, now)) { write it; sent(output, ...) }
//   carrier lost the peer              -> close(reason)
//   now and then                       -> check_progress(now)
//
// Once closed() says something, nothing moves any more. Alive means progress: when no byte has
// come, and no byte of a bulk could be written, for `idle`, the session is closed; a quiet one is
// kept alive by pings. That a message could be written says nothing about the peer: a socket takes
// it, and the pings after it, for a long time after the peer has gone without a word. Bulk bytes
// are sealed only when everything before them has been sent, so what waits here is bounded by
// `queue_bytes_max` and one piece of bulk.
//
// Rates (base/token_bucket.h) count every byte of the session. What is sent: messages and pings
// never wait, bulk waits for all. What is received: the carrier reads no more than receivable(now),
// so that its buffers fill and the peer slows down; messages and bulk wait alike, for a fraction of
// a second. Not thread-safe.
#pragma once

#include <optional>

#include "base/clock.h"
#include "base/token_bucket.h"
#include "channel/record_reader.h"
#include "net/bulk.h"
#include "net/handler.h"
#include "wire/assembler.h"

namespace fed::net {

struct Limits {
  Duration idle = from_seconds(120);
  std::size_t message_bytes_max = wire::kFromClientBytesMax;  // of one incoming control message
  std::size_t queue_bytes_max = 8 * 1024 * 1024;              // of outgoing control records
  std::size_t receive_bytes = 256 * 1024;                     // of the buffer that is read into
  std::size_t chunk_bytes = kChunkDataMax;                    // of an upload, in one record
  double send_mbit_s_max = 0, receive_mbit_s_max = 0;         // 0: no limit
  bool pings = false;  // send pings when quiet (the client's task); both sides answer them
};

// What is to be written next, in this order.
struct Output {
  ByteView records;        // sealed; the protocol's own, until its next next()
  SealedDownload stretch;  // then these bytes of a file as they are; empty unless offset < end
  bool bulk = false;       // with bytes of a bulk
  bool bulk_ends = false;  // the last ones
};

class Protocol {
 public:
  Protocol(channel::Transport transport, Limits limits, Instant now);

  void set_idle(Duration idle) { limits_.idle = idle; }
  Duration idle() const { return limits_.idle; }

  void send(const wire::Message& message);
  void send_bulk(Bulk bulk);
  // Nothing is read any more; what is queued is sent, then the end of the session, then it closes.
  void finish();
  void close(Error reason);
  // Why; nothing while it is open. The first reason stays.
  const std::optional<Error>& closed() const { return closed_; }

  // Where the next received bytes go; never empty while the session is open.
  ByteSpan room();
  // No bytes are there to be received: what lies in between takes no more memory than it must.
  void rest() { received_.rest(); }
  // How many bytes may be read now, if a rate is set; 0: none before receivable_at(now).
  std::size_t receivable(Instant now) const;
  Instant receivable_at(Instant now) const;
  // A peer's mistake ends the session after telling it.
  void received(std::size_t bytes, Instant now, Handler& handler);

  // Replaces `output` by what is to be written next; false if nothing is, or the session is closed.
  bool next(Output& output, Instant now);
  // After `next` was false: when it is to be asked again, since bulk waits for its rate.
  const std::optional<Instant>& next_at() const { return next_at_; }
  // Some of it has been written; all of it has.
  void wrote(const Output& output, Instant now);
  void sent(const Output& output, Instant now, Handler& handler);

  void check_progress(Instant now);

  std::size_t bytes_waiting() const { return queued_.size(); }
  std::size_t queue_bytes_max() const { return limits_.queue_bytes_max; }

 private:
  Status consume(Handler& handler);
  Status dispatch(const channel::Record& record, Handler& handler);
  Status on_control(ByteView body, Handler& handler);
  Status on_chunk(ByteView body, Handler& handler);
  Status on_stretch(ByteView body);
  Status on_ping(ByteView body);
  void refuse(const Error& reason);
  void queue(channel::Kind kind, ByteView body);
  void queue_bulk();
  bool anything_to_write() const { return !queued_.empty() || chunks_used_ > 0; }
  ByteView take_records();
  bool bulk_may_go(Instant now);
  std::uint64_t piece_bytes(std::uint64_t most) const;
  Status queue_chunks(ChunkUpload& upload);
  Status queue_chunk(ChunkUpload& upload, std::size_t length);
  void queue_stretch(SealedDownload& download);

  channel::Sealer sealer_;
  channel::Opener opener_;
  Limits limits_;
  channel::RecordReader received_;
  wire::Assembler assembler_;
  Bytes queued_;   // sealed records to be written
  Bytes writing_;  // those that are being written
  Bytes chunks_;   // or these of an upload: a buffer that keeps its size, the first of it in use
  std::size_t chunks_used_ = 0;
  Bulk bulk_;
  SealedDownload stretch_;             // announced at the end of queued_, to be sent right after it
  bool bulk_queued_ = false;           // some of queued_ is of a bulk
  bool bulk_ends_ = false;             // with what is queued
  std::uint32_t sealed_expected_ = 0;  // raw bytes of the present incoming stretch
  TokenBucket out_, in_;
  std::optional<Instant> next_at_;
  Instant last_progress_, last_sent_, last_ping_;
  bool finishing_ = false;
  std::optional<Error> closed_;
};

}  // namespace fed::net
