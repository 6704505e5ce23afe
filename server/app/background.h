// Long work off the control loop: computed on the compute pool, answered on the control loop.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/post.hpp>
#include <memory>
#include <utility>

namespace fed::app {

// Runs `work` on `compute`, then `done(result)` on `control`, unless `owner` is gone by then.
template <class Owner, class Work, class Done>
void in_background(const boost::asio::any_io_executor& compute,
                   const boost::asio::any_io_executor& control, std::weak_ptr<Owner> owner,
                   Work work, Done done) {
  boost::asio::post(compute, [control, owner = std::move(owner), work = std::move(work),
                              done = std::move(done)]() mutable {
    auto result = std::make_shared<decltype(work())>(work());
    boost::asio::post(control,
                      [owner = std::move(owner), result, done = std::move(done)]() mutable {
                        if (const auto alive = owner.lock()) done(*alive, std::move(*result));
                      });
  });
}

}  // namespace fed::app
