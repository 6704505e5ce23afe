// Loop and Executor over Asio's, with the machine's clocks.
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include "base/loop.h"

namespace fed::net {

// Work for a thread pool. Thread-safe.
class AsioExecutor final : public Executor {
 public:
  explicit AsioExecutor(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}
  void post(Work work) override;

 private:
  boost::asio::any_io_executor executor_;
};

// An io_context that one thread runs. A timer that fires while it is being cancelled is cancelled.
class AsioLoop final : public Loop {
 public:
  explicit AsioLoop(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}

  void post(Work work) override;
  Instant now() const override { return fed::now(); }
  std::int64_t unix_seconds() const override { return fed::unix_seconds(); }
  Timer at(Instant when, Work then) override;

  const boost::asio::any_io_executor& executor() const { return executor_; }

 private:
  boost::asio::any_io_executor executor_;
};

}  // namespace fed::net
