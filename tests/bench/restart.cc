// Workload (j): kill -9 in the middle of a round whose updates are almost all there.
#include <fmt/format.h>

#include <condition_variable>
#include <mutex>

#include "clocks.h"
#include "exchange.h"
#include "workloads.h"

namespace fed::bench {
namespace {

constexpr double kSecondsMax = 300;

Error late(const char* what) { return {ErrorCode::closed, std::string(what) + " did not come"}; }

// Seconds that a server without any job needs to be ready.
Result<double> empty_start(Bench& bench) {
  FED_ASSIGN(server, bench.start_server(1));
  const Stopwatch watch;
  FED_TRY(server->restart());
  return watch.seconds();
}

// The moment at which the last client's update is asked for.
class Admission {
 public:
  void happened() {
    const std::lock_guard lock(mutex_);
    at_ = now();
    changed_.notify_all();
  }
  std::optional<Instant> wait(double limit) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, from_seconds(limit), [this] { return at_.has_value(); });
    return at_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Instant> at_;
};

}  // namespace

Status run_restart(Bench& bench) {
  const auto accepted = bench.sized<std::size_t>(100, 10);
  const auto coordinates = bench.sized<std::uint64_t>(10'000'000, 100'000);
  const std::size_t clients = accepted + 1;
  FED_ASSIGN(empty, empty_start(bench));
  FED_ASSIGN(server, bench.start_server(clients));
  const Update update = make_update(coordinates);
  RoundWatch watch(*server, clients);
  Admission admission;
  Observer observer = watch.observer();
  observer.uploading = [&](std::size_t client, const session::StartUpload&) {
    if (client == accepted) admission.happened();
  };
  Crowd crowd(server->members(), update, observer, {.verify = false, .gated = true}, 2);
  for (std::size_t i = 0; i < accepted; ++i) crowd.go(i, true);
  crowd.start();
  if (!watch.await_welcomes(clients, kSecondsMax)) return late("a welcome");
  FED_TRY(server->submit(job_text("restarted", coordinates, clients, 1)));
  if (!watch.await_answers(accepted, kSecondsMax)) return late("an answer");
  server->kill();
  const Instant begin = now();
  FED_TRY(server->restart());
  const double ready = seconds(now() - begin);
  crowd.go(accepted, true);
  const auto admitted = admission.wait(kSecondsMax);
  if (!admitted) return late("the last update");
  if (!watch.await_end(kSecondsMax)) return late("the end of the round");
  const double goes_on = seconds(*admitted - begin), ends = seconds(now() - begin);
  const double gigabytes = static_cast<double>(update.bytes) * static_cast<double>(accepted) / 1e9;
  bench.report.add({"j",
                    fmt::format("restart with {} accepted updates, {:.1f} GB", accepted, gigabytes),
                    goes_on, "s", "a start without any job, to readiness", empty, std::nullopt,
                    fmt::format("from the new process to the next update being taken; ready after "
                                "{:.2f} s; the round was over after {:.2f} s",
                                ready, ends)});
  bench.report.raw("j") = {{"accepted", accepted},       {"update_bytes", update.bytes},
                           {"empty_start_s", empty},     {"ready_s", ready},
                           {"round_goes_on_s", goes_on}, {"round_over_s", ends}};
  return {};
}

}  // namespace fed::bench
