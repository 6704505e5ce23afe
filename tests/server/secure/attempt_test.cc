// Attempts in which everybody behaves, and who is asked what and until when.
#include "secure/attempt.h"

#include <catch2/catch.hpp>

#include "drill.h"

namespace fed::secure {
namespace {

using secagg::Options;

const std::vector<Step> kSteps{Step::keys, Step::shares, Step::inputs, Step::signatures,
                               Step::reveal};

template <class T>
std::vector<T> only(const Actions& actions) {
  std::vector<T> found;
  for (const Action& action : actions) {
    if (const T* one = std::get_if<T>(&action)) found.push_back(*one);
  }
  return found;
}

TEST_CASE("attempt: the sum is that of the inputs, without waiting for any deadline") {
  for (const std::size_t clients : {3, 5, 10}) {
    for (const unsigned bits : {24u, 40u}) {
      INFO(clients << " clients, " << bits << " bits");
      Drill drill({.clients = clients, .seed = clients, .modulus_bits = bits});
      const Instant began = drill.now;
      drill.run();
      REQUIRE(drill.complete);
      CHECK(drill.survivors().size() == clients);
      CHECK(drill.sum() == drill.expected());
      CHECK(drill.now == began);
      CHECK(drill.tells == 5 * clients);
      CHECK_FALSE(drill.attempt.next_wakeup());
      CHECK(drill.attempt.step() == Step::complete);
      CHECK(drill.attempt.waiting().empty());
    }
  }
}

TEST_CASE("attempt: a sparse graph") {
  Drill drill({.clients = 132,
               .seed = 9,
               .modulus_bits = 20,
               .length = 3,
               .threat = {secagg::Adversary::curious, 20, 50}});
  drill.silent = [](Step step, std::size_t client) {
    return step == Step::inputs && client % 40 == 7;
  };
  drill.run();
  REQUIRE(drill.complete);
  CHECK(drill.survivors().size() == 128);
  CHECK(drill.sum() == drill.expected());
}

TEST_CASE("attempt: members are told apart from their numbers and their places") {
  Drill drill({.clients = 4});
  drill.begin();
  CHECK(drill.attempt.waiting() == std::set<std::int64_t>{997, 998, 999, 1000});
  drill.run_to(Step::inputs);
  CHECK(drill.attempt.wants_input(998));
  CHECK_FALSE(drill.attempt.wants_input(2));
  CHECK(drill.attempt.survivors().empty());
  drill.run_to(Step::complete);
  // By their places in the roster, which is ordered by name.
  CHECK(drill.attempt.survivors() == std::vector<std::int64_t>{1000, 999, 998, 997});
}

TEST_CASE("attempt: each step has its own deadline") {
  for (const Step step : kSteps) {
    INFO(name(step));
    Drill drill({.clients = 5});
    drill.begin();
    drill.now += std::chrono::seconds(3);
    // The last one to answer each step takes a while.
    drill.silent = [&](Step at, std::size_t client) { return at == step && client == 2; };
    drill.run_to(step);
    REQUIRE(drill.attempt.step() == step);
    const Duration most = step == Step::inputs ? kInputsMax : kStepMax;
    const Instant began = step == Step::keys ? drill.now - std::chrono::seconds(3) : drill.now;
    REQUIRE(drill.attempt.next_wakeup());
    CHECK(*drill.attempt.next_wakeup() == began + most);
    const auto before = began + most - std::chrono::nanoseconds(1);
    CHECK(drill.attempt.tick(before).empty());
    CHECK(drill.attempt.step() == step);
  }
}

TEST_CASE(
    "attempt: whoever was away hears the step's message again, as long as it owes an answer") {
  for (const Step step : kSteps) {
    INFO(name(step));
    Drill drill({.clients = 5});
    drill.begin();
    drill.run_to(step);
    REQUIRE(drill.attempt.step() == step);
    for (const std::size_t client : {0, 3}) {
      const auto again = drill.attempt.connected(number_of(client));
      REQUIRE(again.size() == 1);
      const auto& tell = std::get<Tell>(again[0]);
      CHECK(tell.client == number_of(client));
      CHECK(wire::encode(tell.message) == drill.last_heard(client));
      CHECK(only<Tell>(drill.attempt.connected(number_of(client))).size() == 1);
    }
    CHECK(drill.attempt.connected(5).empty());
    // Client 1 is away and misses the question, and is back in time; the others have answered.
    drill.go_away(1);
    for (int i = 0; i < 4; ++i) {
      const auto waiting = drill.attempt.waiting();
      for (const std::int64_t number : waiting) {
        if (number == number_of(1)) continue;
        const std::size_t client = client_of(number);
        const auto message = wire::decode(drill.last_heard(client)).value();
        const auto reply = drill.answer(client, message);
        REQUIRE(reply);
        if (step == Step::inputs) {
          drill.carry_out(drill.attempt.input(number, drill.now));
        } else {
          drill.say(client, *reply);
        }
        if (drill.attempt.step() == step) CHECK(drill.attempt.connected(number).empty());
      }
    }
    if (step != Step::reveal) CHECK(drill.attempt.waiting().count(number_of(1)) == 1);
    drill.come_back(1);
    drill.run_to(Step::complete);
    REQUIRE(drill.complete);
    CHECK(drill.survivors().size() == 5);
    CHECK(drill.sum() == drill.expected());
  }
}

TEST_CASE("attempt: enough shares are enough") {
  Drill drill({.clients = 10});
  drill.silent = [](Step step, std::size_t client) { return step == Step::reveal && client >= 7; };
  const Instant began = drill.now;
  drill.run();
  REQUIRE(drill.complete);
  CHECK(drill.now == began);
  CHECK(drill.survivors().size() == 10);
  CHECK(drill.sum() == drill.expected());
  CHECK(drill.attempt.waiting().empty());
}

TEST_CASE("attempt: every step's end is on record before anybody hears of it") {
  Drill drill({.clients = 4});
  drill.begin();
  drill.run_to(Step::inputs);
  for (std::size_t client = 0; client < 4; ++client) {
    const auto delivery = wire::decode(drill.last_heard(client)).value();
    REQUIRE(drill.answer(client, delivery));
    const Actions actions = drill.attempt.input(number_of(client), drill.now);
    REQUIRE_FALSE(actions.empty());
    CHECK(std::get<Note>(actions[0]) == Note{Note::Kind::input, number_of(client), {}});
    if (client < 3) {
      CHECK(actions.size() == 1);
      CHECK(drill.attempt.input(number_of(client), drill.now).empty());  // once
      continue;
    }
    REQUIRE(actions.size() == 6);
    CHECK(std::get<Note>(actions[1]) == Note{Note::Kind::close, 0, {}});
    for (std::size_t i = 2; i < 6; ++i) CHECK(std::holds_alternative<Tell>(actions[i]));
  }
}

TEST_CASE("attempt: steps have names") {
  std::set<std::string> names;
  for (int step = 0; step <= static_cast<int>(Step::failed); ++step) {
    names.insert(name(static_cast<Step>(step)));
  }
  CHECK(names == std::set<std::string>{"keys", "shares", "inputs", "signatures", "reveal",
                                       "complete", "failed"});
}

}  // namespace
}  // namespace fed::secure
