#include "aggregate/tiles.h"

#include <algorithm>
#include <atomic>
#include <cfenv>
#include <optional>

#include "tensor/kernels.h"

namespace fed::aggregate {
namespace {

// For as long as it lives, denormals count as zero on this thread; then the thread is as before.
class FlushedDenormals {
 public:
  FlushedDenormals() {
    std::fegetenv(&before_);
    tensor::flush_denormals();
  }
  ~FlushedDenormals() { std::fesetenv(&before_); }
  FlushedDenormals(const FlushedDenormals&) = delete;
  FlushedDenormals& operator=(const FlushedDenormals&) = delete;

 private:
  std::fenv_t before_{};
};

}  // namespace

Status for_each_tile(std::size_t coordinates, const ParallelFor& parallel_for,
                     const std::function<Status(std::size_t begin, std::size_t count)>& work) {
  std::atomic<bool> failed = false;
  std::mutex mutex;
  std::optional<Error> first;
  parallel_for(tiles_of(coordinates), [&](std::size_t tile) {
    if (failed.load(std::memory_order_relaxed)) return;
    const FlushedDenormals flushed;
    const std::size_t begin = tile * kTile;
    const Status status = work(begin, std::min(kTile, coordinates - begin));
    if (status) return;
    const std::lock_guard lock(mutex);
    if (!first) first = status.error();
    failed.store(true, std::memory_order_relaxed);
  });
  if (first) return *std::move(first);
  return {};
}

}  // namespace fed::aggregate
