// The world by itself: it turns, it repeats itself, and rounds complete in it.
#include "world.h"

#include <catch2/catch.hpp>

#include "base/log.h"

using namespace fed;
using namespace fed::sim;

TEST_CASE("in a gentle world every job ends, and the same seed gives the same history") {
  log::set_up(log::Level::error, log::Format::text);
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    std::uint64_t steps = 0;
    Duration lived{};
    for (int run = 0; run < 2; ++run) {
      World world(draw_scenario(seed, Mood::gentle));
      REQUIRE(world.begin());
      const Instant until = world.queue().now() + std::chrono::hours(10);
      while (!world.finished() && world.step(until)) {
      }
      INFO("seed " << seed << ": " << world.unfinished());
      CHECK(world.finished());
      if (run == 1) {
        CHECK(world.steps() == steps);
        CHECK(world.lived() == lived);
      }
      steps = world.steps();
      lived = world.lived();
    }
  }
}
