#include "aggregate/tile_pool.h"

#include <algorithm>

#include "tensor/kernels.h"

namespace fed::aggregate {

void run_in_order(std::size_t count, const std::function<void(std::size_t)>& fn) {
  for (std::size_t i = 0; i < count; ++i) fn(i);
}

TilePool::TilePool(unsigned threads) {
  if (threads == 0) threads = std::max(1U, std::thread::hardware_concurrency());
  for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

TilePool::~TilePool() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void TilePool::run(std::size_t count, const std::function<void(std::size_t)>& fn) {
  const std::lock_guard one_run(one_run_);
  std::unique_lock lock(mutex_);
  fn_ = &fn;
  count_ = count;
  next_ = 0;
  wake_.notify_all();
  done_.wait(lock, [this] { return next_ == count_ && running_ == 0; });
  fn_ = nullptr;
}

ParallelFor TilePool::parallel_for() {
  return [this](std::size_t count, const std::function<void(std::size_t)>& fn) { run(count, fn); };
}

void TilePool::work() {
  tensor::flush_denormals();
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stop_ || next_ < count_; });
    if (stop_) return;
    // One index at a time under the lock: a tile is work for many microseconds.
    const std::size_t index = next_++;
    const auto* fn = fn_;
    ++running_;
    lock.unlock();
    (*fn)(index);
    lock.lock();
    --running_;
    if (next_ == count_ && running_ == 0) done_.notify_all();
  }
}

}  // namespace fed::aggregate
