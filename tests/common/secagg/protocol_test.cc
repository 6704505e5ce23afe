// Whole attempts: with everybody, with drop-outs before every step, over both kinds of graph, and
// the exact sum at the end or the reason why there is none.
#include <catch2/catch.hpp>

#include "secagg/stream.h"
#include "world.h"

namespace fed::secagg {
namespace {

TEST_CASE("the sum over all clients is exact for every width of the modulus") {
  for (unsigned bits : {1u, 7u, 8u, 16u, 31u, 32u, 33u, 48u, 63u, 64u}) {
    Options options;
    options.modulus_bits = bits;
    options.length = 37;
    const World world(options);
    Play play(world);
    const auto sum = play.run();
    REQUIRE(sum.has_value());
    CHECK(play.survivors().size() == world.size());
    CHECK(values_of(*sum) == world.sum(play.survivors()));
  }
}

TEST_CASE("a vector of many blocks is summed exactly, with any division of the work") {
  Options options;
  options.clients = 4;
  options.threat.dropped_permille = 250;
  options.length = 3 * 8192 + 5;
  const World world(options);
  Play play(world);
  play.absent = [](Step step, std::size_t client) { return step == Step::mask && client == 2; };
  REQUIRE(play.until(Step::unmask));
  std::size_t tasks_seen = 0;
  const auto backwards = [&](std::size_t tasks, const std::function<void(std::size_t)>& task) {
    tasks_seen = std::max(tasks_seen, tasks);
    for (std::size_t i = tasks; i > 0; --i) task(i - 1);
  };
  const auto sum = play.finish(backwards);
  REQUIRE(sum.has_value());
  CHECK(tasks_seen == 4);
  CHECK(values_of(*sum) == world.sum({0, 1, 3}));
}

TEST_CASE("who drops out before a step is left out of the sum, or its input is kept exactly") {
  for (Step step : {Step::advertise, Step::share, Step::mask, Step::sign, Step::unmask}) {
    for (std::size_t gone : {0u, 1u, 2u}) {
      Options options;
      options.clients = 7;
      options.seed = 100 + gone;
      const World world(options);
      Play play(world);
      play.absent = [&](Step at, std::size_t client) {
        return at == step && client % 3 == 1 && client / 3 < gone;
      };
      const auto sum = play.run();
      INFO("step " << static_cast<int>(step) << ", gone " << gone);
      if (!sum) INFO(sum.error().detail);
      REQUIRE(sum.has_value());
      const std::size_t expected = step <= Step::mask ? 7 - gone : 7;
      CHECK(play.survivors().size() == expected);
      CHECK(values_of(*sum) == world.sum(play.survivors()));
    }
  }
}

// Each client drops out before each step with the given probability.
void sweep(std::uint32_t permille, std::uint64_t seeds, int& exact, int& abandoned) {
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    Options options;
    options.clients = 5 + seed % 4;
    options.seed = seed;
    options.length = 3;
    options.modulus_bits = static_cast<unsigned>(8 + seed * 7 % 57);
    const World world(options);
    Play play(world);
    crypto::Wiped<32> key;
    seeded(seed, "losses")(key.span());
    Stream losses(key.view());
    play.absent = [&](Step, std::size_t) { return losses.below(5000) < permille; };
    const auto sum = play.run();
    CHECK(play.refused_by_client.empty());
    CHECK(play.refused_by_server.empty());
    if (!sum) {
      ++abandoned;
      CHECK_FALSE(sum.error().culprit.has_value());
      continue;
    }
    ++exact;
    CHECK(play.survivors().size() >= kClientsMin);
    CHECK(values_of(*sum) == world.sum(play.survivors()));
  }
}

TEST_CASE("over many seeds a sum is exact or there is none, at 0, 10 and 30 % of losses") {
  int exact = 0, abandoned = 0;
  sweep(0, 8, exact, abandoned);
  CHECK(exact == 8);
  CHECK(abandoned == 0);
  sweep(100, 24, exact, abandoned);
  CHECK(exact >= 28);
  sweep(300, 24, exact, abandoned);
  CHECK(exact + abandoned == 56);
  CHECK(exact >= 40);
  CHECK(abandoned >= 1);
}

TEST_CASE("too many losses are an end with a reason, in every phase") {
  const std::vector<std::pair<Step, AbandonReason>> ends{
      {Step::advertise, AbandonReason::too_few_clients},
      {Step::share, AbandonReason::too_few_sharers},
      {Step::mask, AbandonReason::too_few_survivors},
      {Step::sign, AbandonReason::no_quorum},
      {Step::unmask, AbandonReason::too_few_shares}};
  for (const auto& [step, reason] : ends) {
    const World world(Options{});
    Play play(world);
    play.absent = [at = step](Step now, std::size_t client) { return now == at && client >= 2; };
    const auto sum = play.run();
    REQUIRE_FALSE(sum.has_value());
    CHECK(std::string(name(sum.error().reason)) == name(reason));
    CHECK_FALSE(sum.error().detail.empty());
  }
}

TEST_CASE("the server knows when it has enough shares, and takes no more than the threshold") {
  const World world(Options{});
  Play play(world);
  REQUIRE(play.until(Step::sign));
  std::size_t used = 0, messages = 0;
  for (Member member : play.set.survivors) {
    if (play.server.complete()) break;
    ++messages;
    used +=
        play.server.reveal(member, play.clients[member].unmask(play.signatures).value()).value();
  }
  CHECK(play.server.complete());
  CHECK(used == play.roster.parameters.threshold * world.size());
  CHECK(messages == play.roster.parameters.threshold + 1);  // nobody holds its own
  CHECK(values_of(play.finish().value()) == world.sum({0, 1, 2, 3, 4, 5}));
}

TEST_CASE("a sparse graph: 130 clients, a few drop out in every phase") {
  Options options;
  options.clients = 130;
  options.length = 4;
  options.threat = {Adversary::semi_malicious, 50, 50};
  const World world(options);
  Play play(world);
  play.absent = [](Step step, std::size_t client) {
    return client % 65 == 10 * static_cast<std::size_t>(step) && step != Step::advertise;
  };
  const auto sum = play.run();
  if (!sum) FAIL(sum.error().detail);
  CHECK(play.roster.parameters.neighbours < 60);
  CHECK(play.set.dropped.size() == 2);
  CHECK(play.survivors().size() == 126);
  CHECK(values_of(*sum) == world.sum(play.survivors()));
  CHECK(play.refused_by_client.empty());
}

}  // namespace
}  // namespace fed::secagg
