// The server's end of one client's link.
//
// It lives on the link's event loop, where chunks of an update go straight to staging;
// everything else is handed to the control loop, in order. Functions under "any thread" post to the
// event loop. Lifetime: shared; the link holds it until it is closed.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "app/directory.h"
#include "app/meter.h"
#include "net/link.h"
#include "store/staging.h"

namespace fed::app {

class Session;

// The control loop's ear. Called on the control loop, for each session in order: opened first,
// closed last.
class SessionListener {
 public:
  virtual ~SessionListener() = default;
  virtual void opened(std::shared_ptr<Session> session) = 0;
  virtual void received(std::shared_ptr<Session> session, wire::Message message) = 0;
  virtual void uploaded(std::shared_ptr<Session> session, store::UploadKey key,
                        Result<store::UploadFacts> facts) = 0;
  virtual void closed(std::shared_ptr<Session> session, Error reason) = 0;
};

// Where a session's work goes; outlives the sessions.
struct SessionParts {
  Loop& control;
  Executor& compute;
  store::Staging& staging;
  SessionListener& listener;
};

// What has come from a client lately.
struct Traffic {
  Instant heard_at{};  // the last byte of any kind
  // The update that is being received, if one is.
  std::optional<store::UploadKey> upload{};
  std::uint64_t done = 0, total = 0;  // bytes of it
  std::optional<double> per_second{};
};

class Session final : public net::Handler, public std::enable_shared_from_this<Session> {
 public:
  Session(std::shared_ptr<net::Link> link, KnownClient client, std::string address,
          const SessionParts& parts);

  // Any thread; constant.
  const KnownClient& client() const { return client_; }
  const std::string& address() const { return address_; }
  std::int64_t since() const { return since_; }  // Unix time

  // Any thread.
  void send(wire::Message message);
  void send_model(net::SealedDownload download);
  // Admits an update: its chunks are to carry `id` and go on at upload.offset().
  void receive_upload(std::uint64_t id, store::UploadKey key, store::Upload upload);
  // Says goodbye and ends the session.
  void close(wire::Bye bye);
  Traffic traffic(Instant now) const;

  // net::Handler, on the link's event loop.
  void on_heard(Instant now) override { heard_at_ = now; }
  Status on_message(wire::Message message) override;
  Status on_chunk(std::uint64_t upload, std::uint64_t offset, ByteView data) override;
  Status on_sealed(ByteView bytes) override;
  void on_bulk_sent() override {}
  void on_closed(const Error& reason) override;

 private:
  struct Incoming {
    std::uint64_t id = 0;
    store::UploadKey key;
    store::Upload upload;
  };
  void measure(Instant now);
  void forget_upload();
  void finish_upload();
  void report_upload(store::UploadKey key, Result<store::UploadFacts> facts);

  const std::shared_ptr<net::Link> link_;
  const KnownClient client_;
  const std::string address_;
  const SessionParts parts_;
  const std::int64_t since_;
  bool greeted_ = false;              // Hello has come
  std::optional<Incoming> incoming_;  // the update being received
  std::atomic<int> unhandled_ = 0;    // messages on their way to the control loop
  std::atomic<Instant> heard_at_;

  // For traffic(): what is being received, as of the last chunk.
  struct Received {
    store::UploadKey key{};
    std::uint64_t done = 0, total = 0;
    Meter meter{};
  };
  mutable std::mutex received_mutex_;
  std::optional<Received> received_;
};

}  // namespace fed::app
