#include "app/background.h"

#include <catch2/catch.hpp>
#include <stdexcept>
#include <thread>
#include <vector>

namespace fed::app {
namespace {

// Work that waits for the test.
struct Held final : Executor {
  void post(Work work) override { works.push_back(std::move(work)); }
  std::vector<Work> works;
};

// A thread for each work.
struct Threads final : Executor {
  ~Threads() override {
    for (std::thread& thread : threads) thread.join();
  }
  void post(Work work) override { threads.emplace_back(std::move(work)); }
  std::vector<std::thread> threads;
};

TEST_CASE("side by side: on a busy pool the other work is done here, after the own, and once") {
  Held pool;
  std::vector<int> order;
  side_by_side(
      pool, [&] { order.push_back(1); }, [&] { order.push_back(2); });
  CHECK(order == std::vector{1, 2});
  REQUIRE(pool.works.size() == 1);
  pool.works[0]();  // its thread is free at last
  CHECK(order == std::vector{1, 2});
}

TEST_CASE("side by side: both go on at once where there is a thread") {
  Threads pool;
  std::promise<void> own_began, other_began;
  // Neither could end if the other one did not begin.
  side_by_side(
      pool,
      [&] {
        own_began.set_value();
        other_began.get_future().wait();
      },
      [&] {
        other_began.set_value();
        own_began.get_future().wait();
      });
  CHECK(pool.threads.size() == 1);
}

TEST_CASE("side by side: what either throws is thrown when both are done") {
  Held pool;
  bool other_done = false;
  CHECK_THROWS_AS(side_by_side(
                      pool, [] { throw std::runtime_error("own"); }, [&] { other_done = true; }),
                  std::runtime_error);
  CHECK(other_done);
  CHECK_THROWS_AS(side_by_side(
                      pool, [] {}, [] { throw std::length_error("other"); }),
                  std::length_error);
}

}  // namespace
}  // namespace fed::app
