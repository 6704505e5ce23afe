#include "sim_loop.h"

#include <algorithm>

#include "aside.h"

namespace fed::sim {
namespace {

constexpr auto kPostMost = std::chrono::microseconds(200);
constexpr std::int64_t kUnixStart = 1'700'000'000;

struct Pending {
  Queue& queue;
  Work then;
  Queue::Key key{};

  ~Pending() { queue.remove(key); }
};

}  // namespace

Duration between(Random& random, Duration least, Duration most) {
  if (most <= least) return least;
  return least + Duration(random.below(static_cast<std::uint64_t>((most - least).count())));
}

Instant SimLoop::now() const {
  const Aside* aside = Aside::current();
  return aside == nullptr ? queue_.now() : aside->now();
}

void SimLoop::post(Work work) {
  if (Aside* aside = Aside::current()) {
    return aside->keep([this, work = std::move(work)]() mutable { post(std::move(work)); });
  }
  last_post_ = std::max(last_post_, queue_.now() + between(random_, Duration(0), kPostMost));
  queue_.add(last_post_, this, std::move(work));
}

std::int64_t SimLoop::unix_seconds() const {
  return kUnixStart + static_cast<std::int64_t>(seconds(queue_.now() - Instant())) + unix_offset_;
}

Timer SimLoop::at(Instant when, Work then) {
  const auto pending = std::make_shared<Pending>(Pending{queue_, std::move(then)});
  pending->key = queue_.add(when, this, [weak = std::weak_ptr<Pending>(pending)] {
    if (const auto alive = weak.lock()) alive->then();
  });
  return Timer(pending);
}

void SimExecutor::post(Work work) {
  const Duration cost = between(random_, pace_.least, pace_.most);
  const Instant begin = pace_.in_turn ? std::max(busy_until_, queue_.now()) : queue_.now();
  busy_until_ = begin + cost;
  queue_.add(busy_until_, this, std::move(work));
}

}  // namespace fed::sim
