#include "net/asio_loop.h"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

namespace fed::net {
namespace {

struct Pending {
  boost::asio::steady_timer timer;
  Work then;
};

}  // namespace

void AsioExecutor::post(Work work) { boost::asio::post(executor_, std::move(work)); }

void AsioLoop::post(Work work) { boost::asio::post(executor_, std::move(work)); }

Timer AsioLoop::at(Instant when, Work then) {
  const auto pending = std::make_shared<Pending>(
      Pending{boost::asio::steady_timer(executor_, when), std::move(then)});
  pending->timer.async_wait(
      [weak = std::weak_ptr<Pending>(pending)](const boost::system::error_code& cancelled) {
        const auto alive = weak.lock();
        if (alive && !cancelled) alive->then();
      });
  return Timer(pending);
}

}  // namespace fed::net
