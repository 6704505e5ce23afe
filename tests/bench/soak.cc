#include "soak.h"

#include <condition_variable>
#include <mutex>

#include "base/random.h"
#include "clocks.h"
#include "exchange.h"

namespace fed::bench {
namespace {

constexpr std::int64_t kRoundsMax = 1'000'000;  // more than there is time for
constexpr double kPauseSecondsMax = 0.1;        // between two cuts
constexpr double kSecondsMax = 60;
constexpr double kSampleSeconds = 1;
constexpr double kSettledSeconds = 2;

// Waits without being woken before its time.
class Pause {
 public:
  void operator()(double length) {
    std::unique_lock lock(mutex_);
    never_.wait_for(lock, from_seconds(length), [] { return false; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable never_;
};

// Once it has not changed for a while: a server notices in its own time that clients are gone.
std::size_t settled_descriptors(const ServerProcess& server) {
  Pause pause;
  const Stopwatch watch;
  double changed = 0;
  std::size_t open = descriptors_of(server.process());
  while (watch.seconds() - changed < kSettledSeconds && watch.seconds() < kSecondsMax) {
    pause(kPauseSecondsMax);
    const std::size_t now_open = descriptors_of(server.process());
    if (now_open != std::exchange(open, now_open)) changed = watch.seconds();
  }
  return open;
}

// A first job, so that what a server opens once and keeps is there.
Status warm_up(const ServerProcess& server, const SoakPlan& plan) {
  const auto done = exchange(
      server,
      {.name = "warm-up", .coordinates = plan.coordinates, .clients = plan.clients, .rounds = 3});
  return done ? Status() : Status(done.error());
}

void sample(const ServerProcess& server, double at, Soak& soak) {
  soak.resident.push_back({at, static_cast<double>(server.memory().resident)});
  soak.descriptors.push_back({at, static_cast<double>(descriptors_of(server.process()))});
}

}  // namespace

bool Soak::flat() const { return growth(resident) <= kGrowthMax; }

Result<Soak> soak(const ServerProcess& server, const SoakPlan& plan) {
  Soak result;
  FED_TRY(warm_up(server, plan));
  result.descriptors_before = settled_descriptors(server);
  const Update update = make_update(plan.coordinates);
  RoundWatch watch(server, plan.clients);
  {
    Crowd crowd(server.members().first(plan.clients), update, watch.observer(), {}, 1);
    crowd.start();
    if (!watch.await_welcomes(plan.clients, kSecondsMax)) {
      return Error{ErrorCode::closed, "not all clients could connect"};
    }
    FED_TRY(server.submit(job_text("soak", plan.coordinates, plan.clients, kRoundsMax)));
    Random random(plan.seed);
    Pause pause;
    const Stopwatch time;
    for (double sampled = 0; time.seconds() < plan.seconds;) {
      pause(random.uniform() * kPauseSecondsMax);
      crowd.disconnect(random.below(plan.clients));
      ++result.disconnects;
      if (time.seconds() - sampled < kSampleSeconds) continue;
      sampled = time.seconds();
      sample(server, sampled, result);
      if (plan.progress) plan.progress(sampled / plan.seconds);
    }
    FED_TRY(server.ask({{"command", "cancel"}, {"job", "soak"}}));
  }
  result.answers = watch.answers();
  result.descriptors_after = settled_descriptors(server);
  return result;
}

}  // namespace fed::bench
