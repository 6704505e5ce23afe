// A client without data, disk or training: the real session (client/session), uplink and dialer
// (client/app) over a real connection (common/net), and answers to what the session asks for.
//
// A model is fetched, opened chunk by chunk and hashed, as the real client does, but not kept. A
// task is "trained" at once, or when its gate opens, and yields the same update each time
// (update.h). Not thread-safe: lives on its loop.
#pragma once

#include <functional>
#include <optional>

#include "app/tcp_dialer.h"
#include "app/uplink.h"
#include "channel/sealed_blob.h"
#include "crypto/hash.h"
#include "session/session.h"
#include "update.h"

namespace fed::bench {

// What is observed of clients, on their loops; any may be empty. The first argument says which.
struct Observer {
  using Index = std::size_t;
  std::function<void(Index)> welcomed, disconnected;
  std::function<void(Index, const wire::Task&)> asked;     // a task has come
  std::function<void(Index, const wire::Task&)> obtained;  // its model is here, whole
  std::function<void(Index, const session::StartUpload&)> uploading;
  std::function<void(Index, const wire::Receipt&)> answered;
  std::function<void(Index, const std::string& job)> ended;
};

// A client that the server knows.
struct Member {
  config::ClientSpec spec;
  app::ClientKeys keys;
};

class SyntheticClient final : private app::UplinkUser {
 public:
  struct Traits {
    std::size_t index = 0;
    std::int64_t examples = 100;
    bool verify = true;  // open and hash what is downloaded; else only count it
    bool gated = false;  // tasks wait for go()
    std::size_t receive_bytes = 256 * 1024;
  };

  // All outlive it.
  SyntheticClient(net::AsioLoop& loop, const Member& member, const Update& update,
                  const Observer& observer, Traits traits);

  void start() { uplink_.start(); }
  // Ends the session in good order.
  void stop() { uplink_.stop(); }
  // Breaks the connection, as a line that fails; the uplink makes a new one.
  void disconnect() { uplink_.reconnect("the benchmark cuts the line"); }
  // Answers the task that waits at the gate, and does not stop at the next ones if `open`.
  void go(bool open);

 private:
  // Dials with this client's limits.
  class Dialer final : public app::Dialer {
   public:
    Dialer(net::AsioLoop& loop, const Member& member, std::size_t receive_bytes)
        : tcp_(loop, member.spec, member.keys), receive_bytes_(receive_bytes) {}
    void dial(const net::Limits& limits, Duration deadline, Dialled done) override;

   private:
    app::TcpDialer tcp_;
    const std::size_t receive_bytes_;
  };
  struct Download {
    std::string job;
    std::int64_t version = 0;
    wire::ModelRef model;
    channel::SealedBlob blob;
    crypto::Sha256 hasher{};
    Bytes chunk{};
    std::uint64_t next = 0;     // chunk
    std::uint64_t missing = 0;  // sealed bytes
  };

  void connected() override { carry_out(session_.connected()); }
  void disconnected() override;
  void link_changed(const std::string&) override {}
  Status received(const wire::Message& message) override;
  Status sealed(ByteView bytes) override;

  void carry_out(session::Session::Effects effects);
  void run(const session::Send& effect) { uplink_.send(effect.message); }
  void run(const session::LoadJob& effect);
  void run(const session::ObtainModel& effect);
  void run(const session::Train& effect);
  void run(const session::SendOffer& effect);
  void run(const session::StartUpload& effect);
  void run(const session::StopUpload&) { uplink_.send_bulk(std::monostate()); }
  void run(const session::StopDownload&) { uplink_.reconnect("a model is not wanted any more"); }
  void run(const session::DropUpdate& effect);
  void run(const session::JobDone& effect);
  template <class Other>
  void run(const Other&) {}

  Status add(Download& download, ByteView bytes);
  Status finish_download();
  void answer(const wire::Task& task);

  net::AsioLoop& loop_;
  const Update& update_;
  const Observer& observer_;
  Traits traits_;
  Dialer dialer_;
  session::Session session_;
  app::Uplink uplink_;
  std::optional<Download> download_;
  std::optional<wire::Key> had_;       // the hash of the last model that was whole
  std::optional<wire::Task> waiting_;  // at the gate
  std::deque<session::Effect> effects_;
  bool carrying_out_ = false;
  Timer tick_;
};

}  // namespace fed::bench
