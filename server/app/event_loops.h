// N event loops of one thread each. A connection lives and dies on one of them.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <thread>
#include <vector>

namespace fed::app {

class EventLoops {
 public:
  explicit EventLoops(std::size_t count);
  ~EventLoops();  // stops and joins

  std::vector<boost::asio::any_io_executor> executors();
  void stop();

 private:
  using Guard = boost::asio::executor_work_guard<boost::asio::io_context::executor_type>;
  std::vector<std::unique_ptr<boost::asio::io_context>> contexts_;
  std::vector<Guard> guards_;
  std::vector<std::thread> threads_;
};

}  // namespace fed::app
