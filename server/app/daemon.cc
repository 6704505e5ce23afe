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
#include "app/identity.h"
#include "app/join_session.h"
#include "base/log.h"
#include "cli/service.h"
#include "net/listener.h"
#include "store/lock.h"
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

// Everything on disk, opened in the order in which it can fail.
struct State {
  store::FolderLock lock;
  crypto::X25519KeyPair identity;
  store::Journal journal;
  std::unique_ptr<store::Staging> staging;
  store::Checkpoints checkpoints;
  fs::path blobs;

  static Result<State> open(Disk& disk, const config::ServerSpec& config) {
    const fs::path& folder = config.state_dir;
    FED_TRY(make_folder(disk, folder, config.durability));
    FED_ASSIGN(lock, store::FolderLock::acquire(disk, folder));
    FED_ASSIGN(identity, load_identity(disk, folder));
    FED_ASSIGN(journal, store::Journal::open(disk, folder / "registry.db",
                                             {.durability = config.durability}));
    FED_ASSIGN(staging, store::Staging::open(disk, folder / "staging",
                                             {.durability = config.durability,
                                              .upload_bytes_max = config.limits.upload_bytes_max}));
    const fs::path blobs = folder / "blobs";
    FED_TRY(make_folder(disk, blobs, config.durability));
    return State{std::move(lock),
                 std::move(identity),
                 std::move(journal),
                 std::move(staging),
                 store::Checkpoints(disk, folder / "checkpoints", config.durability),
                 blobs};
  }
};

// The order of the members matters when they go: whoever may hold a connection (the coordinator,
// work that waits on the control loop or the compute pool) goes before the event loops, whose
// sockets those are; and what the event loops' suspended coroutines refer to goes after them.
class Daemon {
 public:
  Daemon(config::ServerSpec config, fs::path config_file, State state)
      : config_(std::move(config)),
        config_file_(std::move(config_file)),
        state_(std::move(state)),
        handshakes_(directory_.for_handshakes(&unix_seconds)),
        tiles_(static_cast<unsigned>(threads_or_all(config_.compute_threads))),
        loops_(threads_or_all(config_.io_threads)),
        control_(1),
        compute_(threads_or_all(config_.compute_threads)),
        coordinator_(
            CoordinatorParts{.config = config_,
                             .journal = state_.journal,
                             .staging = *state_.staging,
                             .checkpoints = state_.checkpoints,
                             .tiles = tiles_,
                             .directory = directory_,
                             .disk = real_disk(),
                             .blobs = state_.blobs,
                             .control = control_.get_executor(),
                             .compute = compute_.get_executor(),
                             .memory_bytes_max = memory_limit(config_.limits.memory_bytes_max)}),
        signals_(control_, SIGTERM, SIGINT, SIGHUP),
        watchdog_(control_),
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
    if (connections_.load() >= config_.limits.connections_max) {
      log::warning("a connection from {} is refused: limits.connections_max is reached", address);
      return;
    }
    const net::Connection::Limits limits{.idle = from_seconds(config_.limits.idle_s),
                                         .message_bytes_max = wire::kFromClientBytesMax};
    const auto connection =
        std::make_shared<net::Connection>(std::move(socket), std::move(peer.transport), limits);
    if (peer.join_id) return accept_join(connection, peer, std::move(address));
    const auto client = directory_.find(peer.peer);
    if (!client) return;  // revoked since the handshake began
    const SessionLoops loops{control_.get_executor(), compute_.get_executor(), &coordinator_};
    connection->hold(counted());
    connection->start(std::make_shared<Session>(connection, *client, std::move(address), loops));
  }

  std::shared_ptr<void> counted() {
    ++connections_;
    return {nullptr, [this](void*) { --connections_; }};
  }

  void accept_join(const std::shared_ptr<net::Connection>& connection,
                   const channel::Established& peer, std::string address) {
    const auto enrol = [this](const channel::JoinId& id, const crypto::PublicKey& key,
                              const crypto::VerifyKey& identity) {
      return coordinator_.join(id, key, identity);
    };
    connection->hold(counted());
    connection->start(std::make_shared<JoinSession>(
        connection,
        JoinSession::Peer{*peer.join_id, peer.peer, peer.handshake_hash, std::move(address)}, enrol,
        control_.get_executor()));
  }

  void await_signal() {
    signals_.async_wait([this](const boost::system::error_code& cancelled, int signal) {
      if (cancelled) return;
      if (signal == SIGHUP) {
        reload();
      } else if (!std::exchange(stopping_, true)) {
        log::info("draining: the rounds at work are finished within {:.0f} s", config_.drain_s);
        cli::notify_stopping();
        goodbye_.expires_after(from_seconds(config_.drain_s));
        goodbye_.async_wait([this](const boost::system::error_code& early) {
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

  // Says goodbye to everyone and leaves the control loop a moment later.
  void stop() {
    if (std::exchange(leaving_, true)) return;
    listener_->close();
    coordinator_.disconnect_all("the server is shutting down");
    goodbye_.expires_after(from_seconds(coordinator_.connected() > 0 ? kGoodbyeSeconds : 0));
    goodbye_.async_wait([this](const boost::system::error_code&) { control_.stop(); });
  }

  void close() {
    loops_.stop();
    compute_.join();
    admin_.reset();
    log::info("stopped");
  }

  const config::ServerSpec config_;
  const fs::path config_file_;
  State state_;
  Directory directory_;
  const channel::ServerDirectory handshakes_;
  aggregate::TilePool tiles_;
  std::atomic<std::int64_t> connections_ = 0;
  bool stopping_ = false, leaving_ = false;
  EventLoops loops_;
  asio::io_context control_;
  asio::thread_pool compute_;
  Coordinator coordinator_;
  std::optional<net::Listener> listener_;
  std::optional<AdminServer> admin_;
  asio::signal_set signals_;
  asio::steady_timer watchdog_, goodbye_;
};

}  // namespace

Status run_daemon(config::ServerSpec config, const fs::path& config_file) {
  tensor::use_single_thread();
  raise_descriptor_limit();
  FED_ASSIGN(state, State::open(real_disk(), config));
  Daemon daemon(std::move(config), config_file, std::move(state));
  return daemon.run();
}

}  // namespace fed::app
