// Workload (i): clients that connect, prove who they are, and go.
#include <fmt/format.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "clocks.h"
#include "workloads.h"

namespace fed::bench {
namespace {

constexpr std::size_t kAtOnce = 16;
constexpr double kMicroseconds = 1e6;
// A pair of keys made and three shared secrets, at each end: e, es, ee, se.
constexpr double kProductsPerEnd = 4;

// Dials again and again, each time a handshake to its end. Lives on the loop.
class Dials {
 public:
  Dials(net::AsioLoop& loop, std::span<const Member> members, std::size_t count)
      : loop_(loop), left_(count) {
    for (std::size_t i = 0; i < kAtOnce; ++i) {
      const Member& member = members[i];
      dialers_.push_back(std::make_unique<app::TcpDialer>(loop, member.spec, member.keys));
    }
  }

  void start() {
    for (const auto& dialer : dialers_) next(*dialer);
  }
  std::size_t failed() const { return failed_; }

 private:
  void next(app::TcpDialer& dialer) {
    if (left_ == 0) return;
    --left_;
    dialer.dial({}, from_seconds(30), [this, &dialer](Result<std::shared_ptr<net::Link>> link) {
      if (!link) ++failed_;
      loop_.post([this, &dialer] { next(dialer); });
    });
  }

  net::AsioLoop& loop_;
  std::vector<std::unique_ptr<app::TcpDialer>> dialers_;
  std::size_t left_, failed_ = 0;
};

}  // namespace

Status run_handshakes(Bench& bench) {
  bench.limits.forget();
  const auto count = bench.sized<std::size_t>(5000, 100);
  FED_ASSIGN(server, bench.start_server(kAtOnce, {.durability = Durability::process}));
  boost::asio::io_context io(1);
  net::AsioLoop loop(io.get_executor());
  Dials dials(loop, server->members(), count);
  const double server_cpu = server->cpu_seconds();
  const double own_cpu = thread_cpu_seconds();
  const Stopwatch watch;
  dials.start();
  io.run();
  const double wall = watch.seconds();
  const double theirs = (server->cpu_seconds() - server_cpu) / static_cast<double>(count);
  const double ours = (thread_cpu_seconds() - own_cpu) / static_cast<double>(count);
  if (dials.failed() > 0) {
    return Error{ErrorCode::closed, fmt::format("{} handshakes failed", dials.failed())};
  }
  const double least = kProductsPerEnd * bench.limits.x25519();
  bench.report.add({"i", "handshakes per second, one client thread",
                    static_cast<double>(count) / wall, "/s",
                    "X25519 of the client alone, one thread", 1 / least, std::nullopt,
                    fmt::format("the client's CPU: {:.0f} us each", ours * kMicroseconds)});
  bench.report.add({"i", "server CPU of a handshake", theirs * kMicroseconds, "us",
                    "four X25519 products", least * kMicroseconds, std::nullopt,
                    "connection, handshake, welcome, and the client going away"});
  bench.report.raw("i") = {{"handshakes", count},
                           {"wall_s", wall},
                           {"server_cpu_s_each", theirs},
                           {"client_cpu_s_each", ours},
                           {"limits", bench.limits.to_json()}};
  return {};
}

}  // namespace fed::bench
