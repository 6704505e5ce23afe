#include "app/daemon.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <csignal>
#include <optional>

#include "app/admin_server.h"
#include "app/coordinator.h"
#include "app/event_loops.h"
#include "app/reception.h"
#include "app/server_state.h"
#include "base/log.h"
#include "cli/service.h"
#include "net/connection.h"
#include "net/listener.h"
#include "tensor/kernels.h"

namespace fed::app {
namespace {

namespace asio = boost::asio;

constexpr double kGoodbyeSeconds = 2;

std::size_t threads_or_all(int configured) {
  return configured > 0 ? static_cast<std::size_t>(configured)
                        : std::max(1u, std::thread::hardware_concurrency());
}

std::uint64_t memory_limit(std::uint64_t configured) {
  if (configured > 0) return configured;
  const auto pages = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES));
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) / 10 * 8;
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) log::warning("cannot raise the limit of open files");
}

// The order of the members matters when they go: whoever may hold a connection (the coordinator,
// work that waits on the control loop or the compute pool) goes before the event loops, whose
// sockets those are; and what the event loops' suspended coroutines refer to goes after them.
class Daemon {
 public:
  Daemon(config::ServerSpec config, fs::path config_file, ServerState state)
      : config_(std::move(config)),
        config_file_(std::move(config_file)),
        state_(std::move(state)),
        handshakes_(directory_.for_handshakes([] { return unix_seconds(); })),
        tiles_(static_cast<unsigned>(threads_or_all(config_.compute_threads))),
        loops_(threads_or_all(config_.io_threads)),
        control_(1),
        compute_(threads_or_all(config_.compute_threads)),
        control_loop_(control_.get_executor()),
        compute_work_(compute_.get_executor()),
        coordinator_(
            CoordinatorParts{.config = config_,
                             .journal = state_.journal,
                             .staging = *state_.staging,
                             .checkpoints = state_.checkpoints,
                             .parallel_for = tiles_.parallel_for(),
                             .threads = tiles_.threads(),
                             .directory = directory_,
                             .disk = real_disk(),
                             .blobs = state_.blobs,
                             .control = control_loop_,
                             .compute = compute_work_,
                             .memory_bytes_max = memory_limit(config_.limits.memory_bytes_max)}),
        reception_(coordinator_),
        signals_(control_, SIGTERM, SIGINT, SIGHUP),
        watchdog_(control_),
        patience_(control_),
        goodbye_(control_) {}

  Status run() {
    FED_TRY(coordinator_.start());
    listener_.emplace(loops_.executors(), state_.identity, handshakes_,
                      net::ListenerOptions{.handshake = from_seconds(config_.limits.handshake_s)},
                      [this](net::Socket socket, channel::Established peer, std::string address) {
                        accept(std::move(socket), std::move(peer), std::move(address));
                      });
    FED_TRY(listener_->listen(config_.listen));
    admin_.emplace(control_, coordinator_,
                   AdminIdentity{state_.identity.public_key(), advertised()}, [this] { stop(); });
    FED_TRY(admin_->listen(config_.admin_socket));
    await_signal();
    stay_alive();
    log::info("listening on {}, admin socket {}, state in {}", advertised(),
              config_.admin_socket.string(), config_.state_dir.string());
    cli::notify_ready();
    control_.run();
    close();
    return {};
  }

 private:
  std::string advertised() const {
    if (!config_.advertise.empty()) return config_.advertise;
    const std::size_t colon = config_.listen.rfind(':');
    return config_.listen.substr(0, colon + 1) + std::to_string(listener_->port());
  }

  // On the socket's event loop.
  void accept(net::Socket socket, channel::Established peer, std::string address) {
    const auto connection = std::make_shared<net::Connection>(
        std::move(socket), std::move(peer.transport), reception_.limits());
    reception_.receive(connection, peer, std::move(address));
  }

  void await_signal() {
    signals_.async_wait([this](const boost::system::error_code& cancelled, int signal) {
      if (cancelled) return;
      if (signal == SIGHUP) {
        reload();
      } else if (!std::exchange(stopping_, true)) {
        log::info("draining: the rounds at work are finished within {:.0f} s", config_.drain_s);
        cli::notify_stopping();
        patience_.expires_after(from_seconds(config_.drain_s));
        patience_.async_wait([this](const boost::system::error_code& early) {
          if (!early) stop();
        });
        coordinator_.drain([this] { stop(); });
      } else {
        stop();
      }
      await_signal();
    });
  }

  void reload() {
    const auto again = config::load_server_file(config_file_);
    if (!again) {
      log::error("not reloaded: {}", config::format_problems(config_file_.string(), again.error()));
      return;
    }
    set_up_log(again->log);
    log::info("reloaded the log level; other changes need a restart");
  }

  static void set_up_log(const config::LogSpec& spec) {
    log::set_up(spec.level, cli::log_format(spec.format));
  }

  void stay_alive() {
    const auto interval = cli::watchdog_interval();
    if (!interval) return;
    cli::notify_alive();
    watchdog_.expires_after(*interval / 3);
    watchdog_.async_wait([this](const boost::system::error_code& cancelled) {
      if (!cancelled) stay_alive();
    });
  }

  // Says goodbye to everyone and leaves the control loop when they are gone, or soon.
  void stop() {
    if (std::exchange(leaving_, true)) return;
    listener_->close();
    goodbye_.expires_after(from_seconds(kGoodbyeSeconds));
    goodbye_.async_wait([this](const boost::system::error_code& cancelled) {
      if (!cancelled) control_.stop();
    });
    coordinator_.disconnect_all("the server is shutting down", [this] { control_.stop(); });
  }

  void close() {
    loops_.stop();
    compute_.join();
    admin_.reset();
    log::info("stopped");
  }

  const config::ServerSpec config_;
  const fs::path config_file_;
  ServerState state_;
  Directory directory_;
  const channel::ServerDirectory handshakes_;
  aggregate::TilePool tiles_;
  bool stopping_ = false, leaving_ = false;
  EventLoops loops_;
  asio::io_context control_;
  asio::thread_pool compute_;
  net::AsioLoop control_loop_;
  net::AsioExecutor compute_work_;
  Coordinator coordinator_;
  Reception reception_;
  std::optional<net::Listener> listener_;
  std::optional<AdminServer> admin_;
  asio::signal_set signals_;
  asio::steady_timer watchdog_, patience_, goodbye_;
};

}  // namespace

Status run_daemon(config::ServerSpec config, const fs::path& config_file) {
  tensor::use_single_thread();
  raise_descriptor_limit();
  FED_ASSIGN(state, ServerState::open(real_disk(), config));
  Daemon daemon(std::move(config), config_file, std::move(state));
  return daemon.run();
}

}  // namespace fed::app
