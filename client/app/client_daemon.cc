#include "app/client_daemon.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <csignal>

#include "base/log.h"
#include "cli/command.h"
#include "cli/service.h"
#include "crypto/random.h"

namespace fed::app {
namespace {

namespace asio = boost::asio;

constexpr double kLastWordsSeconds = 2;

std::uint64_t random_seed() { return load_le<std::uint64_t>(crypto::random_array<8>().data()); }

}  // namespace

ClientDaemon::ClientDaemon(Disk& disk, const config::ClientSpec& spec, const ClientKeys& keys,
                           session::Outbox outbox, session::ModelCache cache, Options options)
    : disk_(disk),
      spec_(spec),
      options_(options),
      outbox_(std::move(outbox)),
      cache_(std::move(cache)),
      session_(cli::version_line("fedclient"), outbox_.offers()),
      trainer_(spec.threads),
      link_(io_, spec, keys, *this, random_seed()) {}

int ClientDaemon::run() {
  await_signal();
  schedule_watchdog();
  link_.start();
  write_status();
  cli::notify_ready();
  io_.run();
  stop_training_.request_stop();
  loading_thread_.stop();
  training_thread_.stop();
  loading_thread_.join();
  training_thread_.join();
  return exit_status_;
}

void ClientDaemon::await_signal() {
  signals_.add(SIGTERM);
  signals_.add(SIGINT);
  signals_.async_wait([this](const boost::system::error_code& error, int) {
    if (error) return;
    log::info("stopping");
    stop(0);
  });
}

void ClientDaemon::stop(int status) {
  if (stopping_) return;
  stopping_ = true;
  exit_status_ = status;
  cli::notify_stopping();
  stop_training_.request_stop();
  status_.connection = "stopped";
  write_status();
  const bool was_open = link_.is_open();
  link_.stop();
  if (!was_open) return io_.stop();
  last_words_.expires_after(from_seconds(kLastWordsSeconds));
  last_words_.async_wait([this](const boost::system::error_code&) { io_.stop(); });
}

void ClientDaemon::schedule_watchdog() {
  const auto interval = cli::watchdog_interval();
  if (!interval) return;
  cli::notify_alive();
  watchdog_.expires_after(*interval / 2);
  watchdog_.async_wait([this](const boost::system::error_code& cancelled) {
    if (!cancelled) schedule_watchdog();
  });
}

void ClientDaemon::schedule_tick() {
  const auto wakeup = session_.next_wakeup();
  if (!wakeup) return;
  tick_.expires_at(*wakeup);
  tick_.async_wait([this](const boost::system::error_code& cancelled) {
    if (!cancelled) carry_out(session_.tick(now()));
  });
}

// ---- The link ----

void ClientDaemon::connected() { carry_out(session_.connected()); }

void ClientDaemon::disconnected() {
  cache_.stop();
  download_.reset();
  if (stopping_) return io_.stop();
  carry_out(session_.disconnected());
}

void ClientDaemon::link_changed(const std::string& state) {
  status_.connection = state;
  write_status();
  cli::notify_status(state);
}

Status ClientDaemon::received(const wire::Message& message) {
  log::debug("received {}", wire::name(message));
  if (const auto* welcome = std::get_if<wire::Welcome>(&message)) {
    link_.welcomed();
    link_.hear_idle(from_seconds(welcome->idle_s));
    log::info("the server knows this client as {}", welcome->client);
    status_.name = welcome->client;
    write_status();
  }
  carry_out(session_.message(message, now()));
  return {};
}

// ---- Other threads' results ----

void ClientDaemon::job_loaded(const std::string& job, std::uint64_t load, Loaded loaded) {
  const auto entry = jobs_.find(job);
  if (entry == jobs_.end() || entry->second.load != load) return;
  if (!*loaded) return carry_out(session_.job_loaded(job, loaded->error()));
  entry->second.local = std::move(**loaded);
  const std::int64_t examples = entry->second.local->examples();
  log::info("job {}: {} rows to train on", job, examples);
  carry_out(session_.job_loaded(job, examples));
}

void ClientDaemon::training_progressed(std::uint64_t training, wire::Progress progress) {
  if (training == training_) carry_out(session_.progress(progress));
}

void ClientDaemon::training_ended(std::uint64_t training, const wire::Task& task,
                                  Result<wire::Offer> offer) {
  if (training != training_) {
    // Cancelled when it had already been stored: nobody waits for it, unless for the same again.
    const wire::Task* active = session_.active();
    const bool again = active != nullptr && active->job == task.job && active->task == task.task;
    if (offer && !again && session_.kept({task.job, task.task}) == nullptr) {
      const Status dropped = outbox_.drop(task.job, task.task);
      if (!dropped) log::warning("{}", dropped.error().detail);
    }
    return;
  }
  ++training_;
  if (offer) {
    log::info("job {} task {}: done, {} bytes to send", task.job, task.task, offer->bytes);
    show(task, "uploading");
    return carry_out(session_.trained(*offer));
  }
  log::error("job {} task {}: {}", task.job, task.task, offer.error().detail);
  show(task, "waiting");
  carry_out(session_.training_failed(task.job, task.task, for_server(offer.error())));
}

// ---- For people ----

void ClientDaemon::show(const wire::Task& task, const char* phase) {
  status_.job = task.job;
  status_.task = task.task;
  status_.phase = phase;
  write_status();
  cli::notify_status(task.job + " task " + std::to_string(task.task) + ": " + phase);
}

void ClientDaemon::write_status() {
  status_.updated_at = unix_seconds();
  const Status saved = save(disk_, spec_.state_dir, status_);
  if (!saved) log::warning("{}", saved.error().detail);
}

bool ClientDaemon::finished() const { return options_.once && job_done_ && session_.idle(); }

}  // namespace fed::app
