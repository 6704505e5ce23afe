// Starts a coroutine whose failure is logged and ends the process: an exception that leaves a
// coroutine is a bug.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

namespace fed::net {

// `name` must outlive the coroutine (a literal).
void spawn(const boost::asio::any_io_executor& executor, boost::asio::awaitable<void> coroutine,
           const char* name);

}  // namespace fed::net
