// Coordinates in tiles, and the work on all of them at once.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "aggregate/tile_pool.h"
#include "base/error.h"

namespace fed::aggregate {

// Coordinates of a tile; the last one of a vector may have fewer.
inline constexpr std::size_t kTile = std::size_t{1} << 14;

struct TileRange {
  std::size_t begin = 0, count = 0;  // coordinates
};

inline std::size_t tiles_of(std::size_t coordinates) { return (coordinates + kTile - 1) / kTile; }

// Calls `work(begin, count)` for every tile, on several threads, with denormals flushed to zero.
// After the first error no other tile is begun; the error is returned.
Status for_each_tile(std::size_t coordinates, const ParallelFor& parallel_for,
                     const std::function<Status(std::size_t begin, std::size_t count)>& work);

// As many objects as are lent at once; each keeps its memory for the next borrower. Thread-safe.
template <class T>
class Pool {
 public:
  auto lend() {
    const auto give_back = [this](T* object) {
      const std::lock_guard lock(mutex_);
      free_.emplace_back(object);
    };
    const std::lock_guard lock(mutex_);
    if (free_.empty()) return std::unique_ptr<T, decltype(give_back)>(new T, give_back);
    T* object = free_.back().release();
    free_.pop_back();
    return std::unique_ptr<T, decltype(give_back)>(object, give_back);
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<T>> free_;
};

}  // namespace fed::aggregate
