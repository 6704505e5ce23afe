// One authenticated peer: records in and out over a TCP socket, messages and bulk bytes to a
// Handler.
//
// Three coroutines (reader, writer, watchdog) on the socket's event loop; closing the socket is the
// only way any of them is cancelled. Alive means progress: when no byte has moved in either
// direction for `idle`, the connection is closed; a quiet one is kept alive by pings. Not
// thread-safe: use it on its executor only; other threads post.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>

#include "base/clock.h"
#include "channel/record_reader.h"
#include "net/bulk.h"
#include "net/handler.h"
#include "wire/assembler.h"

namespace fed::net {

namespace asio = boost::asio;
using Socket = asio::ip::tcp::socket;

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  struct Limits {
    Duration idle = from_seconds(120);
    std::size_t message_bytes_max = wire::kFromClientBytesMax;  // of one incoming control message
    std::size_t queue_bytes_max = 8 * 1024 * 1024;              // of outgoing control records
    bool pings = false;  // send pings when quiet (the client's task); both sides answer them
  };

  Connection(Socket socket, channel::Transport transport, Limits limits);

  // From now on, nothing may be silent for longer than `idle`.
  void set_idle(Duration idle);

  // Keeps `token` for as long as the connection exists.
  void hold(std::shared_ptr<void> token) { token_ = std::move(token); }

  // Begins to read and write. The handler is kept until on_closed has been called.
  void start(std::shared_ptr<Handler> handler);

  void send(const wire::Message& message);
  // Replaces what bulk is being sent; std::monostate stops it.
  void send_bulk(Bulk bulk);

  // Sends what is queued, then the end of the session, then closes.
  void finish();
  // Closes at once.
  void abort(Error reason);

  bool is_open() const { return !closed_; }
  asio::any_io_executor executor() { return socket_.get_executor(); }

 private:
  using Self = std::shared_ptr<Connection>;
  static asio::awaitable<void> read_loop(Self self);
  static asio::awaitable<void> write_loop(Self self);
  static asio::awaitable<void> watch_loop(Self self);
  static asio::awaitable<void> write_queued(Self self);

  Status consume();
  Status dispatch(const channel::Record& record);
  Status on_control(ByteView body);
  Status on_chunk(ByteView body);
  Status on_stretch(ByteView body);
  Status on_ping(ByteView body);
  void queue(channel::Kind kind, ByteView body);
  void queue_bulk_if_idle();
  Status queue_chunks(ChunkUpload& upload);
  void queue_stretch(SealedDownload& download);
  void wake_writer();
  void refuse(const Error& reason);
  void check_progress();
  void progressed() { last_progress_ = now(); }

  Socket socket_;
  channel::Sealer sealer_;
  channel::Opener opener_;
  Limits limits_;
  std::shared_ptr<Handler> handler_;
  channel::RecordReader received_;
  wire::Assembler assembler_;
  asio::steady_timer writer_wakeup_;
  asio::steady_timer watchdog_;
  Bytes queued_;   // sealed records to be written
  Bytes writing_;  // being written
  Bytes chunk_;    // an upload's data on its way from file to record
  Bulk bulk_;
  SealedDownload stretch_;             // announced at the end of queued_, to be sent right after it
  bool bulk_unsent_ = false;           // bulk_ has been queued whole but not yet written
  std::uint32_t sealed_expected_ = 0;  // raw bytes of the present incoming stretch
  Instant last_progress_, last_sent_;
  std::shared_ptr<void> token_;
  bool finishing_ = false;
  bool closed_ = false;
};

}  // namespace fed::net
