// Long work off the control loop: computed on the compute pool, answered on the control loop.
#pragma once

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

}  // namespace fed::app
