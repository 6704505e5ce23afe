// Clients that fall silent: in every step, few and many.
#include <catch2/catch.hpp>

#include "drill.h"

namespace fed::secure {
namespace {

const std::vector<Step> kSteps{Step::keys, Step::shares, Step::inputs, Step::signatures,
                               Step::reveal};

std::set<std::size_t> first(std::size_t count) {
  std::set<std::size_t> clients;
  for (std::size_t i = 0; i < count; ++i) clients.insert(2 * i + 1);
  return clients;
}

// Clients that are gone from a step on. Until then everybody behaves.
Drill drill_without(std::size_t clients, Step from, const std::set<std::size_t>& gone) {
  Drill drill({.clients = clients, .seed = clients});
  drill.silent = [=](Step step, std::size_t client) {
    return step >= from && gone.contains(client);
  };
  return drill;
}

void check_sum(const Drill& drill, Step from, const std::set<std::size_t>& gone) {
  REQUIRE(drill.complete);
  CHECK(drill.sum() == drill.expected());
  for (std::size_t client = 0; client < drill.world.size(); ++client) {
    const auto in = drill.survivors();
    const bool counts = std::find(in.begin(), in.end(), client) != in.end();
    CHECK(counts == (!gone.contains(client) || from > Step::inputs));
  }
}

TEST_CASE("drop-outs: up to a third may vanish in any step, and the sum is that of the others") {
  for (const std::size_t clients : {5, 10}) {
    for (const std::size_t percent : {10, 30}) {
      for (const Step from : kSteps) {
        const auto gone = first(clients * percent / 100);
        INFO(clients << " clients without " << gone.size() << " from step " << name(from));
        Drill drill = drill_without(clients, from, gone);
        drill.run();
        check_sum(drill, from, gone);
      }
    }
  }
}

TEST_CASE("drop-outs: of too few there is no sum, and the silent ones are named") {
  for (const std::size_t clients : {3, 5, 10}) {
    for (const Step from : kSteps) {
      if (clients == 10 && from == Step::keys) continue;  // the other four are enough
      const std::size_t count = clients == 3 ? 1 : clients * 6 / 10;
      std::set<std::size_t> gone;
      for (std::size_t i = 0; i < count; ++i) gone.insert(i);
      INFO(clients << " clients without " << count << " from step " << name(from));
      Drill drill = drill_without(clients, from, gone);
      drill.run();
      REQUIRE(drill.failed);
      CHECK_FALSE(drill.failed->detail.empty());
      CHECK(drill.lost(true) == gone);
      CHECK(drill.lost(false).empty());
      for (const Failed::Lost& lost : drill.failed->lost) {
        CHECK(lost.detail == std::string("is silent (step ") + name(from) + ")");
      }
      CHECK(drill.attempt.step() == Step::failed);
      CHECK_FALSE(drill.attempt.next_wakeup());
      // Everybody hears of it, also those that are out.
      for (std::size_t client = 0; client < clients; ++client) {
        const auto last = wire::decode(drill.last_heard(client)).value();
        REQUIRE(std::holds_alternative<wire::SecureAbandoned>(last));
        CHECK(std::get<wire::SecureAbandoned>(last).name == drill.name_for(client));
      }
    }
  }
}

TEST_CASE("drop-outs: fewer survivors than wanted are no sum") {
  for (const bool enough : {true, false}) {
    Drill drill({.clients = 10, .seed = 3}, enough ? 9 : 10);
    drill.silent = [](Step step, std::size_t client) {
      return step == Step::inputs && client == 4;
    };
    drill.run();
    CHECK(drill.complete == enough);
    if (!enough) CHECK(drill.lost(true) == std::set<std::size_t>{4});
  }
}

TEST_CASE("drop-outs: a client that was silent is out, though it comes back") {
  Drill drill({.clients = 10, .seed = 5});
  drill.silent = [](Step step, std::size_t client) { return step == Step::shares && client == 6; };
  drill.begin();
  drill.run_to(Step::inputs);
  CHECK_FALSE(drill.attempt.waiting().contains(number_of(6)));
  CHECK(drill.attempt.connected(number_of(6)).empty());
  CHECK(drill.attempt.input(number_of(6), drill.now).empty());
  drill.run_to(Step::complete);
  check_sum(drill, Step::shares, {6});
}

TEST_CASE("drop-outs: one that is known to be gone is not waited for") {
  for (const Step step : kSteps) {
    INFO(name(step));
    Drill drill({.clients = 10, .seed = 6});
    drill.silent = [&](Step at, std::size_t client) { return at >= step && client == 8; };
    drill.begin();
    const Instant began = drill.now;
    drill.run_to(step);
    drill.carry_out(drill.attempt.gone(number_of(8), "is revoked", drill.now));
    CHECK(drill.attempt.gone(number_of(8), "is revoked", drill.now).empty());
    CHECK(drill.attempt.gone(4, "?", drill.now).empty());
    drill.run_to(Step::complete);
    REQUIRE(drill.complete);
    CHECK(drill.sum() == drill.expected());
    CHECK(drill.survivors().size() == (step > Step::inputs ? 10 : 9));
    CHECK(drill.now == began);
  }
}

TEST_CASE("drop-outs: the last one that is gone ends the attempt at once") {
  Drill drill({.clients = 3});
  drill.silent = [](Step, std::size_t client) { return client == 1; };
  drill.begin();
  drill.carry_out(drill.attempt.gone(number_of(1), "is revoked", drill.now));
  drill.run_to(Step::complete);
  REQUIRE(drill.failed);
  CHECK(drill.lost(false) == std::set<std::size_t>{1});
  CHECK(drill.failed->lost[0].detail == "is revoked");
}

TEST_CASE("drop-outs: who is gone after its answer is not waited for in the next steps") {
  for (const Step last : {Step::keys, Step::shares, Step::inputs, Step::signatures}) {
    secagg::Options options;
    options.clients = 8;
    Drill drill(options);
    const auto owes = [&](std::size_t client) {
      return drill.attempt.waiting().contains(number_of(client));
    };
    drill.begin();
    drill.run_to(last);
    while (owes(2)) drill.run_for(1);
    REQUIRE(drill.attempt.step() == last);
    drill.carry_out(drill.attempt.gone(number_of(2), "is revoked", drill.now));
    const Instant before = drill.now;
    drill.silent = [](Step, std::size_t client) { return client == 2; };
    drill.run_to(Step::complete);
    CHECK(drill.complete);
    CHECK(drill.now == before);
    CHECK(drill.sum() == drill.expected());
  }
}

}  // namespace
}  // namespace fed::secure
