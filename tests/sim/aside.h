// Work that is computed aside, on threads, while one thread lives the simulated time.
//
// A piece of work begins to be computed as soon as it is posted, and its end is an event at the
// simulated time that it takes there. Until that event nobody sees anything of it: what it posts to
// a SimLoop is kept and posted by the event. So the history is that of one thread, whatever the
// number of threads, as long as the work itself depends on nothing that changes meanwhile.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "sim/sim_loop.h"

namespace fed::sim {

// What the work that runs on this thread has posted, if it is computed aside.
class Aside {
 public:
  explicit Aside(Instant at) : at_(at) {}

  // Of the thread that calls; null on others than those of a WorkPool.
  static Aside* current();

  Instant now() const { return at_; }  // when the work was posted
  void keep(Work post) { kept_.push_back(std::move(post)); }

  void run(const Work& work);
  // On the thread of the simulated time: does what was kept.
  void release();

 private:
  const Instant at_;
  std::vector<Work> kept_;
};

// Threads that compute, first come first served. Thread-safe; the destructor finishes what was
// begun, and forgets the rest.
class WorkPool {
 public:
  explicit WorkPool(unsigned threads);
  ~WorkPool();
  WorkPool(const WorkPool&) = delete;
  WorkPool& operator=(const WorkPool&) = delete;

  class Piece;
  std::shared_ptr<Piece> begin(Work work, Instant at);

 private:
  void serve();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::shared_ptr<Piece>> waiting_;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

class WorkPool::Piece {
 public:
  Piece(Work work, Instant at) : work_(std::move(work)), aside_(at) {}

  // On a thread of the pool; nothing if it was called off.
  void compute();
  // Returns when it is computed, and then does what it has posted.
  void finish();
  // Returns when nothing of it is run any more.
  void call_off();

 private:
  enum class State { waiting, running, done };

  std::mutex mutex_;
  std::condition_variable changed_;
  State state_ = State::waiting;
  Work work_;
  Aside aside_;
};

// One thread of a simulated machine whose work is computed aside. Each piece takes `cost`.
class AsideExecutor final : public Executor {
 public:
  // `befall` hears of each piece before it is begun, with its beginning and cost: what befalls the
  // machine meanwhile is up to it.
  using Befall = std::function<void(Instant begin, Duration cost)>;
  AsideExecutor(Queue& queue, WorkPool& pool, Duration cost, Befall befall = {})
      : queue_(queue), pool_(pool), cost_(cost), befall_(std::move(befall)) {}
  ~AsideExecutor() override;

  void post(Work work) override;

 private:
  Queue& queue_;
  WorkPool& pool_;
  const Duration cost_;
  const Befall befall_;
  Instant busy_until_{};
  std::vector<std::weak_ptr<WorkPool::Piece>> begun_;
};

}  // namespace fed::sim
