// Clients that say something wrong, or something at the wrong time: it costs them only.
#include <catch2/catch.hpp>

#include "drill.h"

namespace fed::secure {
namespace {

const std::vector<Step> kSteps{Step::keys, Step::shares, Step::inputs, Step::signatures,
                               Step::reveal};

template <class T>
std::size_t count(const Actions& actions) {
  return static_cast<std::size_t>(
      std::count_if(actions.begin(), actions.end(),
                    [](const Action& a) { return std::holds_alternative<T>(a); }));
}

using Change = std::function<void(std::size_t client, wire::Message& answer)>;

template <class T>
Change change(std::function<void(T&)> how) {
  return [how](std::size_t, wire::Message& answer) {
    if (auto* message = std::get_if<T>(&answer)) how(*message);
  };
}

// A cohort of which client 2 answers like that.
Drill drill_with(std::size_t clients, const Change& how) {
  Drill drill({.clients = clients, .seed = clients});
  drill.alter = [how](std::size_t client, wire::Message answer) {
    if (client == 2) how(client, answer);
    return answer;
  };
  return drill;
}

struct Lie {
  const char* what;
  bool in_sum;  // it comes after the inputs
  Change how;
};

const std::vector<Lie> kLies{
    {"a signature of its keys that is wrong", false,
     change<wire::SecureKeys>([](auto& m) { m.keys.signature[5] ^= 1; })},
    {"a key altered", false, change<wire::SecureKeys>([](auto& m) { m.keys.mask_key[3] ^= 1; })},
    {"another client's name", false,
     change<wire::SecureKeys>([](auto& m) { m.keys.id = "client-001"; })},
    {"a stranger's name", false,
     change<wire::SecureKeys>([](auto& m) { m.keys.id = "client-777"; })},
    {"a share too few", false, change<wire::SecureShares>([](auto& m) { m.shares.pop_back(); })},
    {"no shares", false, change<wire::SecureShares>([](auto& m) { m.shares.clear(); })},
    {"a share for itself", false,
     change<wire::SecureShares>([](auto& m) { m.shares[1].holder += 1; })},
    {"a signature that is wrong", true,
     change<wire::SecureSignature>([](auto& m) { m.signature[60] ^= 1; })},
    {"shares about strangers", true,
     change<wire::SecureReveal>([](auto& m) { m.shares.back().about = 4711; })},
};

TEST_CASE("hostile: something wrong costs its sender its part, at once") {
  for (const Lie& lie : kLies) {
    INFO(lie.what);
    Drill drill = drill_with(10, lie.how);
    const Instant began = drill.now;
    drill.run();
    REQUIRE(drill.complete);
    CHECK(drill.sum() == drill.expected());
    CHECK(drill.survivors().size() == (lie.in_sum ? 10 : 9));
    CHECK(drill.now == began);
  }
}

TEST_CASE("hostile: where there is no sum without it, it is named, and not as a silent one") {
  for (const Lie& lie : kLies) {
    INFO(lie.what);
    Drill drill = drill_with(3, lie.how);
    drill.run();
    REQUIRE(drill.failed);
    CHECK(drill.lost(false) == std::set<std::size_t>{2});
    CHECK(drill.lost(true).empty());
    CHECK(drill.failed->lost.at(0).detail.starts_with("said something wrong: "));
  }
}

TEST_CASE(
    "hostile: who is left out is known while the sum goes on, and a wrong identity by its name") {
  Drill drill = drill_with(10, change<wire::SecureKeys>([](auto& m) { m.keys.signature[5] ^= 1; }));
  drill.run();
  REQUIRE(drill.complete);
  REQUIRE(drill.attempt.lost().size() == 1);
  CHECK_THAT(drill.attempt.lost().begin()->second.detail, Catch::Contains("identity.key"));
}

TEST_CASE("hostile: wrong shares in the end are of no use, and others are enough") {
  const auto garbage = change<wire::SecureReveal>([](auto& m) {
    for (auto& share : m.shares) share.share[7] ^= 1;
  });
  Drill drill = drill_with(10, garbage);
  drill.run();
  REQUIRE(drill.complete);
  CHECK(drill.sum() == drill.expected());
  Drill few = drill_with(3, garbage);
  few.run();
  CHECK(few.failed);  // nobody else has shares about the others
}

TEST_CASE("hostile: a client that refuses says why") {
  for (const Step step : {Step::keys, Step::shares, Step::inputs, Step::signatures}) {
    for (const std::size_t clients : {3, 10}) {
      INFO(name(step) << " with " << clients);
      Drill drill({.clients = clients});
      drill.silent = [=](Step at, std::size_t client) { return at >= step && client == 1; };
      drill.begin();
      drill.run_to(step);
      drill.say(1, wire::SecureRefused{drill.name_for(1), "unknown_peer", "who is client-002?"});
      CHECK_FALSE(drill.attempt.waiting().contains(number_of(1)));
      drill.run_to(Step::complete);
      REQUIRE(drill.complete == (clients == 10));
      if (drill.complete) {
        CHECK(drill.sum() == drill.expected());
      } else {
        CHECK(drill.lost(false) == std::set<std::size_t>{1});
        CHECK(drill.failed->lost.at(0).detail == "refuses: unknown_peer: who is client-002?");
      }
    }
  }
}

TEST_CASE("hostile: what is of another attempt, task or step changes nothing") {
  const std::vector<std::function<void(wire::SecureName&)>> others{
      [](auto& n) { n.attempt += 1; }, [](auto& n) { n.task += 1; }, [](auto& n) { n.job = "?"; }};
  for (const Step step : kSteps) {
    for (std::size_t which = 0; which < others.size(); ++which) {
      INFO(name(step) << " " << which);
      Drill drill({.clients = 5});
      drill.begin();
      drill.run_to(step);
      wire::SecureName other = drill.name_for(3);
      others[which](other);
      const auto waiting = drill.attempt.waiting();
      for (const wire::Message& message : std::vector<wire::Message>{
               wire::SecureKeys{other, {}}, wire::SecureShares{other, {}},
               wire::SecureSignature{other, {}}, wire::SecureReveal{other, {}},
               wire::SecureRefused{other, "other_job", "?"}}) {
        CHECK(drill.attempt.received(number_of(3), message, drill.now).empty());
      }
      CHECK(drill.attempt.waiting() == waiting);
      drill.run_to(Step::complete);
      REQUIRE(drill.complete);
      CHECK(drill.sum() == drill.expected());
      CHECK(drill.survivors().size() == 5);
    }
  }
}

// Every kind of message of a client, well formed and of this attempt.
std::vector<wire::Message> everything(const Drill& drill, std::size_t client) {
  const wire::SecureName name = drill.name_for(client);
  return {wire::SecureKeys{name, {secagg::World::id(client), {}, {}, {}, {}}},
          wire::SecureShares{name, {{0, {}, {}, {}}, {1, {}, {}, {}}}},
          wire::SecureSignature{name, {}},
          wire::SecureReveal{name, {{0, {}}, {1, {}}}},
          wire::SecureReveal{name, {}},
          wire::SecureTerms{name, drill.world.terms},
          wire::SecureRoster{name, {}, {}},
          wire::SecureDelivery{name, {}},
          wire::SecureSurvivors{name, {}},
          wire::SecureSignatures{name, {}},
          wire::SecureAbandoned{name, "?"},
          wire::Hello{}};
}

TEST_CASE(
    "hostile: anything from anybody at any time is taken or left, and the others get their sum") {
  for (const Step step : kSteps) {
    for (const std::size_t sender : {0, 4}) {
      const std::size_t kinds = 12;
      for (std::size_t kind = 0; kind < kinds; ++kind) {
        INFO(name(step) << ": " << kind << " from " << sender);
        Drill drill({.clients = 7});
        drill.begin();
        drill.run_to(step);
        const auto messages = everything(drill, sender);
        REQUIRE(messages.size() == kinds);
        // A stranger, and a name of nobody.
        CHECK(drill.attempt.received(5, messages[kind], drill.now).empty());
        CHECK(drill.attempt.received(-1, messages[kind], drill.now).empty());
        const Actions actions =
            drill.attempt.received(number_of(sender), messages[kind], drill.now);
        const bool asked = drill.attempt.waiting().contains(number_of(sender));
        // Nobody is told anything because of it, and only what was taken is on record.
        CHECK(count<Tell>(actions) == 0);
        CHECK((count<Note>(actions) == 0 || !asked));
        drill.carry_out(actions);
        drill.run_to(Step::complete);
        REQUIRE(drill.complete);
        CHECK(drill.sum() == drill.expected());
        const std::size_t least = asked || step > Step::inputs ? 7 : 6;
        CHECK(drill.survivors().size() == least);
        // The end is the end.
        for (const wire::Message& message : messages) {
          CHECK(drill.attempt.received(number_of(sender), message, drill.now).empty());
        }
        CHECK(drill.attempt.tick(drill.now + kInputsMax).empty());
        CHECK(drill.attempt.connected(number_of(sender)).empty());
      }
    }
  }
}

TEST_CASE("hostile: a second answer changes nothing") {
  for (const Step step : {Step::keys, Step::shares, Step::signatures, Step::reveal}) {
    INFO(name(step));
    Drill drill({.clients = 5});
    drill.begin();
    drill.run_to(step);
    const auto reply = drill.answer(2, wire::decode(drill.last_heard(2)).value());
    REQUIRE(reply);
    drill.say(2, *reply);
    const std::size_t notes = drill.notes.size();
    drill.say(2, *reply);
    CHECK(drill.notes.size() == notes);
    drill.run_to(Step::complete);
    REQUIRE(drill.complete);
    CHECK(drill.survivors().size() == 5);
    CHECK(drill.sum() == drill.expected());
  }
}

}  // namespace
}  // namespace fed::secure
