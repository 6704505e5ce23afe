// What the server itself asks for, before and between the phases.
#include "secagg/server.h"

#include <catch2/catch.hpp>
#include <set>

#include "world.h"

namespace fed::secagg {
namespace {

TEST_CASE("a server takes no more keys than it invited clients") {
  World world(Options{});
  world.terms.clients = 5;
  world.demands.clients_min = 3;
  Server server = world.server();
  for (std::size_t i = 0; i < 6; ++i) {
    const auto keys = world.client(i).advertise(world.terms).value();
    if (i < 5) {
      REQUIRE(server.keys(keys).has_value());
      CHECK(server.keys(keys).has_value() == false);
    } else {
      CHECK(server.keys(keys).error().code == ErrorCode::invalid);
    }
  }
  CHECK(server.close_keys().value().entries.size() == 5);
}

TEST_CASE("the roster is in the order of the ids, whatever the order of arrival") {
  const World world(Options{});
  Server server = world.server();
  for (std::size_t i : {4u, 0u, 5u, 2u, 1u, 3u}) {
    REQUIRE(server.keys(world.client(i).advertise(world.terms).value()).has_value());
  }
  const Roster roster = server.close_keys().value();
  for (std::size_t i = 0; i < 6; ++i) CHECK(roster.entries[i].id == World::id(i));
}

TEST_CASE("an operator's minima end an attempt") {
  const auto ends = [](ServerLimits limits, Step step, std::size_t present) {
    const World world(Options{});
    Play play(world);
    play.server = Server(world.terms, limits, world.identity_of());
    play.absent = [&](Step at, std::size_t client) { return at == step && client >= present; };
    const auto sum = play.run();
    return sum ? std::string("a sum") : std::string(name(sum.error().reason));
  };
  CHECK(ends({5, 3}, Step::advertise, 4) == "too_few_clients");
  CHECK(ends({4, 3}, Step::advertise, 4) == "a sum");
  CHECK(ends({3, 5}, Step::share, 4) == "too_few_sharers");
  CHECK(ends({3, 5}, Step::mask, 4) == "too_few_survivors");
  CHECK(ends({3, 4}, Step::mask, 4) == "a sum");
}

TEST_CASE("clients for whom no threshold is safe end an attempt at once") {
  Options options;
  options.clients = 4;
  options.threat = {Adversary::semi_malicious, 250, 500};
  const World world(options);
  Play play(world);
  const auto sum = play.run();
  REQUIRE_FALSE(sum.has_value());
  CHECK(std::string(name(sum.error().reason)) == "no_parameters");
}

TEST_CASE("an attempt follows from its random bytes and from nothing else") {
  const auto inputs = [](std::uint64_t seed) {
    Options options;
    options.seed = seed;
    const World world(options);
    Play play(world);
    REQUIRE(play.until(Step::mask).has_value());
    return play.inputs;
  };
  CHECK(inputs(1) == inputs(1));
  CHECK(inputs(1) != inputs(2));
}

TEST_CASE("every reason has a name of its own") {
  std::set<std::string> names;
  for (int reason = 0; reason <= static_cast<int>(RefusalReason::repeated_unmasking); ++reason) {
    names.insert(name(static_cast<RefusalReason>(reason)));
  }
  CHECK(names.size() == 23);
  for (int reason = 0; reason <= static_cast<int>(AbandonReason::inconsistent_dealer); ++reason) {
    names.insert(name(static_cast<AbandonReason>(reason)));
  }
  CHECK(names.size() == 27);  // no_quorum, too_few_sharers and too_few_survivors are in both
  CHECK(names.count("unknown") == 0);
}

}  // namespace
}  // namespace fed::secagg
