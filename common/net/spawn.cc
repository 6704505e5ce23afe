#include "net/spawn.h"

#include <boost/asio/co_spawn.hpp>
#include <exception>

#include "base/log.h"

namespace fed::net {

void spawn(const boost::asio::any_io_executor& executor, boost::asio::awaitable<void> coroutine,
           const char* name) {
  boost::asio::co_spawn(executor, std::move(coroutine), [name](std::exception_ptr failure) {
    if (!failure) return;
    try {
      std::rethrow_exception(failure);
    } catch (const std::exception& problem) {
      log::error("internal error in {}: {}", name, problem.what());
      std::terminate();
    }
  });
}

}  // namespace fed::net
