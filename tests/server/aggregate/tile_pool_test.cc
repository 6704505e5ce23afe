#include "aggregate/tile_pool.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>
#include <vector>

using fed::aggregate::TilePool;

TEST_CASE("every index is run once, and all are done on return") {
  for (unsigned threads = 1; threads <= 8; ++threads) {
    TilePool pool(threads);
    CHECK(pool.threads() == threads);
    for (const std::size_t count : {0U, 1U, 2U, 7U, 1000U}) {
      std::vector<int> runs(count);  // each element is one index's own
      pool.run(count, [&](std::size_t i) { ++runs[i]; });
      CHECK(runs == std::vector<int>(count, 1));
    }
  }
}

TEST_CASE("callers on several threads take turns") {
  TilePool pool(3);
  std::atomic<int> total = 0;
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&] {
      for (int run = 0; run < 50; ++run) {
        int mine = 0;
        std::vector<int> seen(20);
        pool.run(20, [&](std::size_t i) { seen[i] = 1; });
        for (const int one : seen) mine += one;
        total += mine;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  CHECK(total == 4 * 50 * 20);
}

TEST_CASE("zero threads means the machine's, and the plain loop keeps the order") {
  CHECK(TilePool(0).threads() >= 1);
  std::vector<std::size_t> order;
  fed::aggregate::run_in_order(4, [&](std::size_t i) { order.push_back(i); });
  CHECK(order == std::vector<std::size_t>{0, 1, 2, 3});
}
