// Long work off the control loop: computed on the compute pool, answered on the control loop; and
// two such works at once.
#pragma once

#include <atomic>
#include <future>
#include <memory>
#include <utility>

#include "base/loop.h"

namespace fed::app {

// Runs `work` on `compute`, then `done(owner, result)` on `control`, unless `owner` is gone by
// then.
template <class Owner, class Work, class Done>
void in_background(Executor& compute, Executor& control, std::weak_ptr<Owner> owner, Work work,
                   Done done) {
  compute.post([&control, owner = std::move(owner), work = std::move(work),
                done = std::move(done)]() mutable {
    auto result = std::make_shared<decltype(work())>(work());
    control.post([owner = std::move(owner), result, done = std::move(done)]() mutable {
      if (const auto alive = owner.lock()) done(*alive, std::move(*result));
    });
  });
}

// Does `own` here and `other` on a thread of `compute`, or after `own` here if none has come by
// then. Returns when both are done, also where one throws; then it throws the same.
template <class Own, class Other>
void side_by_side(Executor& compute, const Own& own, const Other& other) {
  struct Errand {
    explicit Errand(const Other& errand) : task(errand) {}
    void run() {
      if (!begun.exchange(true)) task();
    }
    std::atomic<bool> begun = false;
    std::packaged_task<void()> task;
  };
  const auto errand = std::make_shared<Errand>(other);
  std::future<void> done = errand->task.get_future();
  compute.post([errand] { errand->run(); });
  struct Joined {
    ~Joined() {
      errand.run();
      done.wait();
    }
    Errand& errand;
    std::future<void>& done;
  };
  {
    const Joined joined{*errand, done};
    own();
  }
  done.get();
}

}  // namespace fed::app
