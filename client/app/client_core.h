// What `fedclient run` does: carries out what the session (session/session.h) decides, with the
// outbox, the model cache, the status file and the uplink.
//
// It has no thread, socket, signal or clock of its own: the daemon (client_daemon.h) and the
// simulator drive it. It lives on `loop`; data is read on `loading` and training happens on
// `training`, one thing at a time each, so that neither holds up the other or the link. Those get
// what they need by value or as shared objects that the loop does not touch meanwhile, and post
// their results back. Not thread-safe; everything that was posted must be gone before it is.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "app/client_status.h"
#include "app/key_holder.h"
#include "app/uplink.h"
#include "app/workload.h"
#include "session/model_cache.h"
#include "session/outbox.h"
#include "session/session.h"
#include "session/site.h"

namespace fed::app {

// What the core works with; outlives it.
struct ClientSurroundings {
  Disk& disk;  // of the state
  Loop& loop;
  Executor& loading;
  Executor& training;
  Dialer& dialer;
  Workshop& workshop;
  const crypto::Ed25519KeyPair& identity;  // of this client, for its peers
  crypto::RandomSource random;             // of its secrets
  // One line for the service manager, when it changes.
  std::function<void(const std::string&)> show;
  // The core has ended, with this exit status: nothing of it is to be run any more.
  std::function<void(int status)> ended;
  // Null: this client is no key holder.
  std::shared_ptr<const paillier::SecretKey> decryption_key{};
};

class ClientCore final : private UplinkUser {
 public:
  struct Options {
    bool once = false;       // end when a job has ended, or the server wants no more of this client
    std::uint64_t seed = 0;  // of the pauses between attempts to connect
    std::size_t inline_bytes_max = wire::kInlineBytesMax;  // updates that ride in their offer
  };

  // `spec` outlives it.
  ClientCore(const config::ClientSpec& spec, ClientSurroundings surroundings,
             session::Outbox outbox, session::ModelCache cache, Options options);

  void start();
  // Takes its leave of the server; `ended` follows.
  void stop(int status);

  const session::Session& session() const { return session_; }

 private:
  // UplinkUser
  void connected() override;
  void disconnected() override;
  void link_changed(const std::string& state) override;
  Status received(const wire::Message& message) override;
  bool received_secure(const wire::Message& message);
  Status sealed(ByteView bytes) override;

  // Effects, in order, with those that follow from them.
  void carry_out(session::Session::Effects effects);
  void run(const session::Send& effect);
  void run(const session::LoadJob& effect);
  void run(const session::ObtainModel& effect);
  void run(const session::Train& effect);
  void run(const session::CancelTraining& effect);
  void run(const session::SendOffer& effect);
  void run(const session::StartUpload& effect);
  void run(const session::StopUpload& effect);
  void run(const session::StopDownload& effect);
  void run(const session::StandBy& effect);
  void run(const session::DropUpdate& effect);
  void run(const session::JobDone& effect);
  void run(const session::Hangup& effect);

  // The update that is on its way, as it is read.
  struct Sending {
    session::UpdateKey key;
    std::int64_t attempt = 0;  // as it was offered
    std::shared_ptr<const File> file;
  };
  void check_sent(const Sending& sending);
  bool note(const wire::Receipt& receipt);

  // What other threads report, on the loop.
  using Loaded = Result<std::shared_ptr<Workload>>;
  void job_loaded(const std::string& job, std::uint64_t load, const Loaded& loaded);
  void training_ended(std::uint64_t training, const wire::Task& task, Result<wire::Offer> offer);
  Error drop_same_again(const wire::Offer& update);
  void training_progressed(std::uint64_t training, wire::Progress progress);

  SecureWork::Setup secure_setup();
  KeyHolder::Setup key_holder_setup();
  SecureWork::Ready ready_for(const wire::SecureName& name) const;
  Result<std::shared_ptr<const File>> to_send(const session::UpdateKey& key,
                                              std::int64_t attempt) const;
  void model_arrived();
  void not_read(const wire::Offer& offer, const Error& why);
  void show(const wire::Task& task, const char* phase);
  void show_download();
  void write_status();
  void decline(const std::string& job, const std::string& why);
  void note_refusal(const std::string& job, std::int64_t task, const std::string& reason,
                    const std::string& why);
  void note_held(const std::string& job);
  void schedule_tick();
  void watch_hours();
  bool finished() const;

  // A job that the server has offered, once its data is loaded. A newer load outdates an older one.
  struct Job {
    std::uint64_t load = 0;
    std::shared_ptr<Workload> workload;
    std::optional<wire::SecureTerms> terms{};  // that came before the workload
  };
  // Sealed bytes that the server was asked for.
  struct Download {
    std::string job;
    std::int64_t version = 0;
    std::uint64_t expected = 0;    // still to come, wanted or not
    std::optional<Error> problem;  // why they are not wanted any more
    Instant shown_at{};
  };

  const config::ClientSpec& spec_;
  const ClientSurroundings around_;
  Loop& loop_;
  const Options options_;
  const session::Outbox outbox_;
  session::ModelCache cache_;
  const session::Site site_;
  session::Session session_;
  SecureWork secure_;
  KeyHolder key_holder_;
  std::map<std::string, Job> jobs_;
  std::optional<Download> download_;
  std::optional<Sending> sending_;
  std::deque<session::Effect> effects_;
  bool carrying_out_ = false;
  std::uint64_t loads_ = 0;
  std::uint64_t training_ = 0;  // a result under another number is of a training that was cancelled
  std::stop_source stop_training_;
  ClientStatus status_;
  std::optional<bool> status_is_stale_;  // as the disk says; nothing: not known yet
  bool job_done_ = false;
  bool stopping_ = false;
  int exit_status_ = 0;
  Uplink uplink_;
  Timer tick_, hours_, last_words_;
};

}  // namespace fed::app
