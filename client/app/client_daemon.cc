#include "app/client_daemon.h"

#include <csignal>

#include "base/log.h"
#include "cli/service.h"
#include "crypto/random.h"

namespace fed::app {
namespace {

std::uint64_t random_seed() { return load_le<std::uint64_t>(crypto::random_array<8>().data()); }

}  // namespace

ClientDaemon::ClientDaemon(Disk& disk, const config::ClientSpec& spec, const ClientKeys& keys,
                           session::Outbox outbox, session::ModelCache cache, Options options)
    : dialer_(loop_, spec, keys),
      workshop_(disk, spec),
      core_(spec, surroundings(disk, keys, options), std::move(outbox), std::move(cache),
            {.once = options.once, .seed = random_seed()}) {}

ClientSurroundings ClientDaemon::surroundings(Disk& disk, const ClientKeys& keys,
                                              const Options& options) {
  return {.disk = disk,
          .loop = loop_,
          .loading = loading_,
          .training = training_,
          .dialer = dialer_,
          .workshop = workshop_,
          .identity = keys.identity,
          .random = crypto::random_bytes,
          .show = [](const std::string& line) { cli::notify_status(line); },
          .ended = [this](int status) { end(status); },
          .decryption_key = options.decryption_key};
}

int ClientDaemon::run() {
  await_signal();
  schedule_watchdog();
  core_.start();
  cli::notify_ready();
  io_.run();
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
    cli::notify_stopping();
    core_.stop(0);
  });
}

void ClientDaemon::end(int status) {
  exit_status_ = status;
  io_.stop();
}

void ClientDaemon::schedule_watchdog() {
  const auto interval = cli::watchdog_interval();
  if (!interval) return;
  cli::notify_alive();
  watchdog_ = loop_.after(*interval / 2, [this] { schedule_watchdog(); });
}

}  // namespace fed::app
