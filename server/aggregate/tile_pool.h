// Threads that compute: runs a function for every index of a range, on all of them at once.
//
// Which thread takes which index is left to chance, so a result must not depend on it; fold.h's
// does not.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace fed::aggregate {

// Calls fn(0) ... fn(count - 1), each once, perhaps at the same time on several threads, and
// returns when all are done. `fn` must not throw.
using ParallelFor =
    std::function<void(std::size_t count, const std::function<void(std::size_t)>& fn)>;

// The plain ParallelFor: on the calling thread, in order.
void run_in_order(std::size_t count, const std::function<void(std::size_t)>& fn);

// A fixed number of threads with denormals flushed to zero. Thread-safe: calls of `run` follow one
// another. The destructor joins.
class TilePool {
 public:
  // At least one thread; 0 means as many as the machine has.
  explicit TilePool(unsigned threads);
  ~TilePool();
  TilePool(const TilePool&) = delete;
  TilePool& operator=(const TilePool&) = delete;

  unsigned threads() const { return static_cast<unsigned>(threads_.size()); }

  // As ParallelFor has it. Not from inside `fn`.
  void run(std::size_t count, const std::function<void(std::size_t)>& fn);

  // For functions that take a ParallelFor; the pool must outlive it.
  ParallelFor parallel_for();

 private:
  void work();

  std::mutex one_run_;  // held by the caller whose range is being worked on
  std::mutex mutex_;    // guards what follows
  std::condition_variable wake_, done_;
  const std::function<void(std::size_t)>* fn_ = nullptr;
  std::size_t count_ = 0, next_ = 0, running_ = 0;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace fed::aggregate
