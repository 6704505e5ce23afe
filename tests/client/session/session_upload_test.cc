// Updates on their way, and links that break.
#include <catch2/catch.hpp>

#include "session_client.h"

using namespace fed;
using namespace fed::session;
using namespace fed::session::testing;

TEST_CASE("an update is offered until it is answered") {
  Client client = ready();
  client.is_training(3);
  client.session.trained(offer(3));

  SECTION("whatever the answer") {
    const auto outcome =
        GENERATE(wire::Outcome::accepted, wire::Outcome::refused, wire::Outcome::discarded);
    const Effects effects = client.hears(receipt(3, outcome));
    REQUIRE(all<DropUpdate>(effects).size() == 1);
    CHECK(all<DropUpdate>(effects)[0].receipt.outcome == outcome);
    CHECK(client.session.idle());
  }
  SECTION("a second receipt is nothing new") {
    client.hears(receipt(3));
    CHECK(client.hears(receipt(3)).empty());
  }
  SECTION("a receipt for another update is none for this") {
    CHECK(client.hears(receipt(2)).empty());
    CHECK_FALSE(client.session.idle());
  }
  SECTION("the task again, on this connection: it has been offered already") {
    CHECK(client.hears(task(3)).empty());
  }
  SECTION("the task again, after a new connection") {
    client.session.disconnected();
    CHECK(all<SendOffer>(client.connects()).size() == 1);
    CHECK(client.hears(task(3)).empty());
  }
  SECTION("the round's task on another version is another task") {
    wire::Task other = task(3);
    other.base_version = 1;
    CHECK(all<ObtainModel>(client.hears(other)).size() == 1);
  }
  SECTION("the round's task of another size is another task") {
    wire::Task other = task(3);
    other.update_bytes = 800;
    CHECK(all<ObtainModel>(client.hears(other)).size() == 1);
  }
}

TEST_CASE("Admit starts the upload at the server's offset") {
  Client client = ready();
  client.is_training(3);
  client.session.trained(offer(3));
  SECTION("beyond the end: not ours") {
    CHECK(client.hears(wire::Admit{"job", 3, 1, 401}).empty());
  }
  SECTION("at the end: the server has it all") {
    CHECK(client.hears(wire::Admit{"job", 3, 1, 400}).empty());
  }
  SECTION("of an update that was not offered") {
    CHECK(client.hears(wire::Admit{"job", 2, 1, 0}).empty());
  }
  SECTION("twice: from the new offset, under the new number") {
    client.hears(wire::Admit{"job", 3, 1, 0});
    const auto uploads = all<StartUpload>(client.hears(wire::Admit{"job", 3, 2, 50}));
    REQUIRE(uploads.size() == 1);
    CHECK(uploads[0].upload == 2);
  }
}

TEST_CASE("updates go one after the other") {
  Client client({offer(1), offer(2), offer(1, "other")});
  const Effects effects = client.connects();
  REQUIRE(all<SendOffer>(effects).size() == 1);
  CHECK(all<SendOffer>(effects)[0].task == 1);
  CHECK(client.hears(wire::Admit{"job", 2, 5, 0}).empty());  // not the one that was offered
  CHECK(all<StartUpload>(client.hears(wire::Admit{"job", 1, 6, 0})).size() == 1);

  const Effects next = client.hears(receipt(1, wire::Outcome::discarded));
  REQUIRE(next.size() == 3);
  CHECK(std::holds_alternative<StopUpload>(next[0]));
  CHECK(std::holds_alternative<DropUpdate>(next[1]));
  REQUIRE(std::holds_alternative<SendOffer>(next[2]));
  CHECK(std::get<SendOffer>(next[2]).task == 2);

  const Effects last = client.hears(receipt(2));
  CHECK(all<StopUpload>(last).empty());  // it was not being sent
  REQUIRE(all<SendOffer>(last).size() == 1);
  CHECK(all<SendOffer>(last)[0].job == "other");
  client.hears(receipt(1, wire::Outcome::accepted, "other"));
  CHECK(client.session.idle());
}

TEST_CASE("nothing is offered before Welcome") {
  Client client({offer(1)});
  CHECK(all<SendOffer>(client.session.connected()).empty());
  CHECK(client.session.tick(kStart).empty());
  CHECK(client.hears(wire::Admit{"job", 1, 1, 0}).empty());
  CHECK(all<SendOffer>(client.hears(wire::Welcome{"c", "s", 1})).size() == 1);
}

TEST_CASE("Retry puts an update off") {
  Client client({offer(1), offer(2)});
  client.connects();
  client.hears(wire::Admit{"job", 1, 6, 0});
  CHECK_FALSE(client.session.next_wakeup());

  const Effects effects = client.hears(retry(1, 5), kStart);
  CHECK(all<StopUpload>(effects).size() == 1);
  REQUIRE(all<SendOffer>(effects).size() == 1);  // meanwhile the other one
  CHECK(all<SendOffer>(effects)[0].task == 2);
  REQUIRE(client.session.next_wakeup());
  CHECK(*client.session.next_wakeup() == kStart + from_seconds(5));
  CHECK(all<DropUpdate>(client.hears(receipt(2))).size() == 1);

  SECTION("for as long as it says") {
    CHECK(client.session.tick(kStart + from_seconds(4.9)).empty());
    CHECK(all<SendOffer>(client.session.tick(kStart + from_seconds(5))).size() == 1);
    CHECK_FALSE(client.session.next_wakeup());
  }
  SECTION("but an hour at most") {
    client.hears(retry(1, 1e9), kStart);
    CHECK(*client.session.next_wakeup() == kStart + from_seconds(3600));
  }
  SECTION("but not beyond a new connection") {
    client.session.disconnected();
    CHECK_FALSE(client.session.next_wakeup());
    CHECK(all<SendOffer>(client.connects()).size() == 1);
  }
  SECTION("but not beyond its receipt") {
    client.hears(receipt(1));
    CHECK_FALSE(client.session.next_wakeup());
    CHECK(client.session.idle());
  }
  SECTION("but not beyond a new attempt, which asks for the same update") {
    wire::Task again = task(1);
    again.base_version = offer(1).base_version;
    again.update_bytes = offer(1).bytes;
    REQUIRE(all<SendOffer>(client.hears(again)).size() == 1);
    CHECK_FALSE(client.session.next_wakeup());
  }
  SECTION("of an unknown update means nothing") {
    CHECK(client.hears(retry(9, 1)).empty());
    CHECK(*client.session.next_wakeup() == kStart + from_seconds(5));
  }
}

TEST_CASE("Bye is handed on") {
  Client client = ready();
  const auto hangups = all<Hangup>(client.hears(wire::Bye{"revoked", false}));
  REQUIRE(hangups.size() == 1);
  CHECK_FALSE(hangups[0].bye.come_back);
}

TEST_CASE("a client's own messages, echoed, do nothing") {
  Client client = ready();
  client.is_training(3);
  const std::vector<wire::Message> own{wire::Hello{},
                                       wire::Join{},
                                       wire::JobAnswer{"job", true, 1, ""},
                                       wire::TaskRefused{"job", 3, ""},
                                       wire::Fetch{"job", 2, 0},
                                       wire::Progress{"job", 3},
                                       offer(3),
                                       wire::Joined{"x"}};
  for (const wire::Message& message : own) CHECK(client.hears(message).empty());
  CHECK(client.session.active() != nullptr);
}

// ---- The link breaks at every step ----

namespace {

// What has to hold after any disconnect: nothing is sent, and a new connection with the same offers
// and tasks leads to exactly one accepted update.
void finishes_after_reconnect(Client& client, bool loaded) {
  REQUIRE(all<StopUpload>(client.session.disconnected()).size() == 1);
  CHECK(client.session.progress({"job", 3, wire::Phase::training, 1, 2}).empty());
  Effects effects = client.connects();
  for (Effect& effect : client.hears(wire::JobOffer{"job", "spec"})) effects.push_back(effect);
  for (Effect& effect : client.hears(task(3))) effects.push_back(effect);
  if (!loaded) effects = client.session.job_loaded("job", std::int64_t{10});

  if (all<SendOffer>(effects).empty()) {
    const bool training = client.session.active() != nullptr && all<ObtainModel>(effects).empty();
    if (!training) {
      REQUIRE(all<ObtainModel>(effects).size() == 1);
      REQUIRE(sent<wire::Fetch>(client.session.model_partial("job", 2, 0)).size() == 1);
      REQUIRE(all<Train>(client.session.model_ready("job", 2)).size() == 1);
    }
    REQUIRE(all<SendOffer>(client.session.trained(offer(3))).size() == 1);
  }
  REQUIRE(all<StartUpload>(client.hears(wire::Admit{"job", 3, 2, 0})).size() == 1);
  REQUIRE(all<DropUpdate>(client.hears(receipt(3))).size() == 1);
  CHECK(client.session.idle());
}

}  // namespace

TEST_CASE("whenever the link breaks, the task is finished over the next one") {
  const int step = GENERATE(range(0, 9));
  Client client;
  INFO("after step " << step);
  if (step >= 1) client.connects();
  if (step >= 2) client.hears(wire::JobOffer{"job", "spec"});
  if (step >= 3) client.session.job_loaded("job", std::int64_t{10});
  if (step >= 4) client.hears(task(3));
  if (step >= 5) client.session.model_partial("job", 2, 0);
  if (step >= 6) client.session.model_ready("job", 2);
  if (step >= 7) client.session.trained(offer(3));
  if (step >= 8) client.hears(wire::Admit{"job", 3, 1, 0});
  finishes_after_reconnect(client, step >= 3);
}

TEST_CASE("training outlives the link and its update is offered over the next one") {
  Client client = ready();
  client.is_training(3);
  client.session.disconnected();
  REQUIRE(client.session.active() != nullptr);
  CHECK(client.session.trained(offer(3)).empty());
  CHECK(all<SendOffer>(client.connects()).size() == 1);
}

TEST_CASE("training that fails without a link is forgotten") {
  Client client = ready();
  client.is_training(3);
  client.session.disconnected();
  CHECK(client.session.training_failed("job", 3, "x").empty());
  CHECK(client.session.idle());
}

TEST_CASE("a download and waiting tasks end with the link") {
  Client client = ready();
  client.agrees("other");
  client.hears(task(3));
  client.hears(task(1, "other"));
  client.session.disconnected();
  CHECK(client.session.idle());
  CHECK(client.session.model_ready("job", 2).empty());
}

TEST_CASE("a client that was restarted offers what its outbox kept and trains nothing twice") {
  Client client({offer(3)});
  CHECK_FALSE(client.session.idle());
  CHECK(all<SendOffer>(client.connects()).size() == 1);
  client.hears(wire::JobOffer{"job", "spec"});
  CHECK(client.hears(task(3)).empty());
  client.session.job_loaded("job", std::int64_t{10});
  CHECK(client.session.active() == nullptr);
  client.hears(receipt(3));
  CHECK(client.session.idle());
}
