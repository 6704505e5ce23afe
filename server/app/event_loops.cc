#include "app/event_loops.h"

namespace fed::app {

EventLoops::EventLoops(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    contexts_.push_back(std::make_unique<boost::asio::io_context>(1));
    guards_.emplace_back(contexts_.back()->get_executor());
  }
  for (const auto& context : contexts_) {
    threads_.emplace_back([loop = context.get()] { loop->run(); });
  }
}

EventLoops::~EventLoops() { stop(); }

std::vector<boost::asio::any_io_executor> EventLoops::executors() {
  std::vector<boost::asio::any_io_executor> all;
  for (const auto& context : contexts_) all.push_back(context->get_executor());
  return all;
}

void EventLoops::stop() {
  for (const auto& context : contexts_) context->stop();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

}  // namespace fed::app
