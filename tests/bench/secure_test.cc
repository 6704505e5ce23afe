// What the workload of secure sums is made of: that its clients and servers do the real work, and
// the paper's count of bytes.
#include <catch2/catch.hpp>

#include "secure_attempt.h"
#include "secure_limits.h"
#include "secure_removal.h"

namespace fed::bench {
namespace {

bool all_zero(const secagg::Words& words) {
  const auto values = secagg::values_of(words);
  return std::all_of(values.begin(), values.end(), [](std::uint64_t value) { return value == 0; });
}

TEST_CASE("the paper's bytes are those that its expansion factors come from") {
  // Its abstract: 1.73 for 2^10 clients, 2^20 elements; 1.98 for 2^14 clients, 2^24 elements; of 16
  // bits each, so that a sum has 26 and 30.
  const auto expansion = [](std::uint64_t clients, std::uint64_t elements, unsigned bits) {
    const auto raw = static_cast<double>(2 * elements);
    return static_cast<double>(paper_traffic(clients, elements, bits).total()) / raw;
  };
  CHECK(expansion(1 << 10, 1 << 20, 26) == Approx(1.73).margin(0.005));
  CHECK(expansion(1 << 14, 1 << 24, 30) == Approx(1.98).margin(0.005));
  const PaperTraffic traffic = paper_traffic(100, 1000, 32);
  CHECK(traffic.up == 32 * (2 + 2 * 99 + 100) + 4000);
  CHECK(traffic.down == 32 * 4 * 99);
}

TEST_CASE("the server of the benchmark takes out exactly the masks that its clients would add") {
  for (const std::size_t clients : {5U, 130U}) {
    const secagg::World world(secure_options(clients, 33));
    const SecureRemoval removal(world, clients / 5);
    const secagg::Words masks = removal.masks_of_survivors();
    CHECK_FALSE(all_zero(masks));
    CHECK(all_zero(removal.finish(masks, secagg::one_by_one)));
  }
}

TEST_CASE("the server's masks are the survivors' own and those of survivors with drop-outs") {
  const secagg::World world(secure_options(20, 1));
  CHECK(SecureRemoval(world, 6).masks() == 14 + 6 * 14);
  CHECK(SecureRemoval(world, 0).masks() == 20);
}

TEST_CASE("the client of the benchmark goes through the whole protocol with all its neighbours") {
  const secagg::World world(secure_options(12, 1000));
  SecureAttempt attempt(world);
  REQUIRE(attempt.parameters().neighbours == 11);
  CHECK(attempt.masks() == 12);
  const AttemptCost cost = attempt.run();
  CHECK(cost.total() >= cost.share);
  const SecureTraffic traffic = attempt.traffic();
  // The contents as common/secagg/README.md counts them, and some hundred bytes of framing.
  const std::size_t id = secagg::World::id(0).size();
  const std::size_t up = 160 + id + 148 * 11 + 4 * 1000 + 64 + 36 * 11;
  const std::size_t down = 12 * (160 + 32 + id) + 4 * 12 + 84 * 11 + 4 * 12 + 68 * 12;
  CHECK(traffic.up >= up);
  CHECK(traffic.up < up + 600);
  CHECK(traffic.down >= down);
  CHECK(traffic.down < down + 1000);
  attempt.run();
  CHECK(attempt.traffic().total() == traffic.total());
}

TEST_CASE("a keystream is made for every byte of every stretch, on any thread") {
  std::size_t most = 0;
  const secagg::Parallel counting = [&](std::size_t tasks, const auto& task) {
    most = tasks;
    secagg::one_by_one(tasks, task);
  };
  make_keystream(2, 400'000, counting);
  CHECK(most == 13);  // of 32 KiB
  make_keystream(2, 0, counting);
  CHECK(most == 0);
}

}  // namespace
}  // namespace fed::bench
