// `fedclient run`: carries out what the session (session/session.h) decides.
//
// Two kinds of thread. The main one runs the event loop: the link, the session, the model cache.
// Data is read on a second one and training happens on a third, so that neither holds up the other
// or the link; both get what they need by value or as shared objects that the main thread does not
// touch meanwhile, and post their results back. Used from one thread; run() returns when the daemon
// ends.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/thread_pool.hpp>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "app/client_status.h"
#include "app/link.h"
#include "app/local_job.h"
#include "session/model_cache.h"
#include "session/outbox.h"
#include "session/session.h"
#include "train/local_trainer.h"

namespace fed::app {

class ClientDaemon final : private LinkUser {
 public:
  struct Options {
    bool once = false;  // end when a job has ended, or the server wants no more of this client
  };

  // `disk` (of the state), `spec` and `keys` outlive it.
  ClientDaemon(Disk& disk, const config::ClientSpec& spec, const ClientKeys& keys,
               session::Outbox outbox, session::ModelCache cache, Options options);

  // Until a signal says stop (status 0), or with `once`: 0 after a job, 1 if the server refuses.
  int run();

 private:
  // LinkUser
  void connected() override;
  void disconnected() override;
  void link_changed(const std::string& state) override;
  Status received(const wire::Message& message) override;
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
  void run(const session::DropUpdate& effect);
  void run(const session::JobDone& effect);
  void run(const session::Hangup& effect);

  // What other threads report, on the main one.
  using Loaded = std::shared_ptr<Result<std::unique_ptr<LocalJob>>>;
  void job_loaded(const std::string& job, std::uint64_t load, Loaded loaded);
  void training_ended(std::uint64_t training, const wire::Task& task, Result<wire::Offer> offer);
  void training_progressed(std::uint64_t training, wire::Progress progress);

  void model_arrived();
  void forget(const wire::Offer& offer, const Error& why);
  void show(const wire::Task& task, const char* phase);
  void show_download();
  void write_status();
  void schedule_tick();
  void schedule_watchdog();
  void await_signal();
  void stop(int status);
  bool finished() const;

  // A job that the server has offered, once its data is loaded. A newer load outdates an older one.
  struct Job {
    std::uint64_t load = 0;
    std::shared_ptr<LocalJob> local;
  };
  // Sealed bytes that the server was asked for.
  struct Download {
    std::string job;
    std::int64_t version = 0;
    std::uint64_t expected = 0;    // still to come, wanted or not
    std::optional<Error> problem;  // why they are not wanted any more
    Instant shown_at{};
  };

  Disk& disk_;
  const config::ClientSpec& spec_;
  const Options options_;
  const session::Outbox outbox_;
  session::ModelCache cache_;
  session::Session session_;
  train::LocalTrainer trainer_;  // training thread only
  std::map<std::string, Job> jobs_;
  std::optional<Download> download_;
  std::deque<session::Effect> effects_;
  bool carrying_out_ = false;
  std::uint64_t loads_ = 0;
  std::uint64_t training_ = 0;  // a result under another number is of a training that was cancelled
  std::stop_source stop_training_;
  ClientStatus status_;
  bool job_done_ = false;
  bool stopping_ = false;
  int exit_status_ = 0;

  boost::asio::io_context io_{1};
  Link link_;
  boost::asio::signal_set signals_{io_};
  boost::asio::steady_timer tick_{io_}, watchdog_{io_}, last_words_{io_};
  boost::asio::thread_pool loading_thread_{1}, training_thread_{1};
};

}  // namespace fed::app
