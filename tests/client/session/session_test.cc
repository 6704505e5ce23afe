#include "session/session.h"

#include <catch2/catch.hpp>

using namespace fed;
using namespace fed::session;
using Effects = Session::Effects;

namespace {

const Instant kStart{};

wire::ModelRef model(std::uint8_t id) {
  wire::ModelRef ref;
  ref.hash.fill(id);
  ref.key.fill(id);
  ref.bytes = 400;
  ref.cipher = 2;
  return ref;
}

wire::Task task(std::int64_t round, const std::string& job = "job") {
  wire::Task t;
  t.job = job;
  t.round = round;
  t.base_version = round - 1;
  t.model = model(static_cast<std::uint8_t>(round));
  t.update_bytes = 400;
  return t;
}

wire::Task statistics() {
  wire::Task t;
  t.job = "job";
  t.kind = wire::TaskKind::statistics;
  t.update_bytes = 48;
  return t;
}

wire::Offer offer(std::int64_t round, const std::string& job = "job", std::uint64_t bytes = 400) {
  wire::Offer o;
  o.job = job;
  o.round = round;
  o.base_version = round - 1;
  o.examples = 10;
  o.bytes = bytes;
  return o;
}

wire::Receipt receipt(std::int64_t round, wire::Outcome outcome = wire::Outcome::accepted,
                      const std::string& job = "job") {
  return {job, round, outcome, 0, ""};
}

wire::Retry retry(std::int64_t round, double after_s) { return {"job", round, "", after_s}; }

template <class E>
std::vector<E> all(const Effects& effects) {
  std::vector<E> found;
  for (const Effect& effect : effects) {
    if (const auto* e = std::get_if<E>(&effect)) found.push_back(*e);
  }
  return found;
}

// The messages of type M among the Sends.
template <class M>
std::vector<M> sent(const Effects& effects) {
  std::vector<M> found;
  for (const Send& send : all<Send>(effects)) {
    if (const auto* m = std::get_if<M>(&send.message)) found.push_back(*m);
  }
  return found;
}

// A session under test, with steps that most cases begin with.
struct Client {
  explicit Client(std::vector<wire::Offer> outbox = {}) : session("test", std::move(outbox)) {}

  Effects hears(const wire::Message& message, Instant at = kStart) {
    return session.message(message, at);
  }
  Effects connects() {
    Effects effects = session.connected();
    for (Effect& effect : hears(wire::Welcome{"hospital-3", "server", 120})) {
      effects.push_back(std::move(effect));
    }
    return effects;
  }
  void agrees(const std::string& job = "job") {
    hears(wire::JobOffer{job, "spec"});
    session.job_loaded(job, std::int64_t{10});
  }
  void is_training(std::int64_t round, const std::string& job = "job") {
    hears(task(round, job));
    session.model_ready(job, round - 1);
  }

  Session session;
};

Client ready() {
  Client client;
  client.connects();
  client.agrees();
  return client;
}

}  // namespace

TEST_CASE("a connection begins with Hello and nothing else") {
  Client client;
  const Effects effects = client.session.connected();
  REQUIRE(effects.size() == 1);
  REQUIRE(sent<wire::Hello>(effects).size() == 1);
  CHECK(sent<wire::Hello>(effects)[0].protocol == wire::kProtocol);
  CHECK(sent<wire::Hello>(effects)[0].software == "test");
}

TEST_CASE("Welcome tells the client its name") {
  Client client;
  CHECK(client.session.name().empty());
  client.connects();
  CHECK(client.session.name() == "hospital-3");
  client.session.disconnected();
  CHECK(client.session.name() == "hospital-3");
}

TEST_CASE("a job is loaded before it is answered") {
  Client client;
  client.connects();
  const Effects effects = client.hears(wire::JobOffer{"job", "spec"});
  REQUIRE(effects.size() == 1);
  REQUIRE(all<LoadJob>(effects).size() == 1);
  CHECK(all<LoadJob>(effects)[0].spec == "spec");

  SECTION("able") {
    const auto answers = sent<wire::JobAnswer>(client.session.job_loaded("job", std::int64_t{7}));
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].able);
    CHECK(answers[0].examples == 7);
  }
  SECTION("not able") {
    const auto answers = sent<wire::JobAnswer>(
        client.session.job_loaded("job", Error{ErrorCode::invalid, "no such column"}));
    REQUIRE(answers.size() == 1);
    CHECK_FALSE(answers[0].able);
    CHECK(answers[0].detail == "no such column");
    const Effects refused = client.hears(task(1));
    REQUIRE(sent<wire::TaskRefused>(refused).size() == 1);
    CHECK(all<ObtainModel>(refused).empty());
  }
  SECTION("offered again while loading: one answer, when it is loaded") {
    CHECK(client.hears(wire::JobOffer{"job", "spec"}).empty());
    CHECK(sent<wire::JobAnswer>(client.session.job_loaded("job", std::int64_t{7})).size() == 1);
  }
  SECTION("offered again when loaded: answered from memory") {
    client.session.job_loaded("job", std::int64_t{7});
    const Effects again = client.hears(wire::JobOffer{"job", "spec"});
    CHECK(all<LoadJob>(again).empty());
    CHECK(sent<wire::JobAnswer>(again).size() == 1);
  }
  SECTION("the same name, another text: loaded again") {
    client.session.job_loaded("job", std::int64_t{7});
    client.is_training(1);
    const Effects again = client.hears(wire::JobOffer{"job", "other"});
    CHECK(all<LoadJob>(again).size() == 1);
    CHECK(all<CancelTraining>(again).size() == 1);
    CHECK(client.session.active() == nullptr);
  }
  SECTION("loaded while the link is down: answered when it is offered again") {
    client.session.disconnected();
    CHECK(client.session.job_loaded("job", std::int64_t{7}).empty());
    client.connects();
    CHECK(sent<wire::JobAnswer>(client.hears(wire::JobOffer{"job", "spec"})).size() == 1);
  }
  SECTION("ended while loading: nobody is told") {
    client.hears(wire::JobEnded{"job", ""});
    CHECK(client.session.job_loaded("job", std::int64_t{7}).empty());
  }
}

TEST_CASE("a task of a job that nobody offered is refused") {
  Client client;
  client.connects();
  const auto refusals = sent<wire::TaskRefused>(client.hears(task(1)));
  REQUIRE(refusals.size() == 1);
  CHECK(refusals[0].round == 1);
  CHECK(client.session.idle());
}

TEST_CASE("a task that comes before its data is loaded waits for it") {
  Client client;
  client.connects();
  client.hears(wire::JobOffer{"job", "spec"});
  CHECK(client.hears(task(1)).empty());
  CHECK_FALSE(client.session.idle());

  SECTION("and begins then") {
    const Effects effects = client.session.job_loaded("job", std::int64_t{7});
    CHECK(sent<wire::JobAnswer>(effects).size() == 1);
    CHECK(all<ObtainModel>(effects).size() == 1);
  }
  SECTION("or is refused then") {
    const Effects effects = client.session.job_loaded("job", Error{ErrorCode::invalid, "no"});
    CHECK(sent<wire::TaskRefused>(effects).size() == 1);
    CHECK(client.session.idle());
  }
  SECTION("and holds up no other job's") {
    client.agrees("other");
    const auto obtained = all<ObtainModel>(client.hears(task(1, "other")));
    REQUIRE(obtained.size() == 1);
    CHECK(obtained[0].job == "other");
  }
}

TEST_CASE("one task from beginning to end") {
  Client client = ready();

  const auto obtained = all<ObtainModel>(client.hears(task(3)));
  REQUIRE(obtained.size() == 1);
  CHECK(obtained[0].version == 2);
  CHECK(obtained[0].model.hash == model(3).hash);

  const auto fetches = sent<wire::Fetch>(client.session.model_partial("job", 2, 65536));
  REQUIRE(fetches.size() == 1);
  CHECK(fetches[0].version == 2);
  CHECK(fetches[0].offset == 65536);

  const auto trains = all<Train>(client.session.model_ready("job", 2));
  REQUIRE(trains.size() == 1);
  CHECK(trains[0].task.round == 3);

  CHECK(sent<wire::Progress>(client.session.progress({"job", 3, wire::Phase::training, 1, 2}))
            .size() == 1);

  const auto offers = all<SendOffer>(client.session.trained(offer(3)));
  REQUIRE(offers.size() == 1);
  CHECK(offers[0].round == 3);
  REQUIRE(client.session.kept({"job", 3}) != nullptr);
  CHECK(client.session.kept({"job", 3})->bytes == 400);

  const auto uploads = all<StartUpload>(client.hears(wire::Admit{"job", 3, 77, 100}));
  REQUIRE(uploads.size() == 1);
  CHECK(uploads[0].upload == 77);
  CHECK(uploads[0].offset == 100);

  const Effects end = client.hears(receipt(3));
  CHECK(all<StopUpload>(end).size() == 1);
  REQUIRE(all<DropUpdate>(end).size() == 1);
  CHECK(client.session.idle());

  const auto done = all<JobDone>(client.hears(wire::JobEnded{"job", "target reached"}));
  REQUIRE(done.size() == 1);
  CHECK(done[0].detail == "target reached");
}

TEST_CASE("a statistics task needs no model") {
  Client client = ready();
  const Effects effects = client.hears(statistics());
  CHECK(all<ObtainModel>(effects).empty());
  REQUIRE(all<Train>(effects).size() == 1);
  CHECK(all<Train>(effects)[0].task.kind == wire::TaskKind::statistics);
}

TEST_CASE("answers about another task than the present one change nothing") {
  Client client = ready();
  client.hears(task(3));
  CHECK(client.session.model_ready("job", 1).empty());
  CHECK(client.session.model_ready("other", 2).empty());
  CHECK(client.session.model_partial("job", 1, 0).empty());
  CHECK(client.session.model_failed("job", 1, "x").empty());
  CHECK(client.session.training_failed("job", 2, "x").empty());
  REQUIRE(client.session.model_ready("job", 2).size() == 1);
  CHECK(client.session.model_ready("job", 2).empty());  // it is training by now
  CHECK(client.session.model_failed("job", 2, "x").empty());
}

TEST_CASE("the same task twice is done once") {
  Client client = ready();
  client.hears(task(3));
  SECTION("while its model arrives") { CHECK(client.hears(task(3)).empty()); }
  SECTION("while it is trained") {
    client.session.model_ready("job", 2);
    CHECK(client.hears(task(3)).empty());
  }
  SECTION("with its model sealed anew: the model is asked for again") {
    wire::Task again = task(3);
    again.model->key.fill(99);
    CHECK(all<ObtainModel>(client.hears(again)).size() == 1);
  }
}

TEST_CASE("a newer task replaces the older one") {
  Client client = ready();
  SECTION("that is downloading") {
    client.hears(task(3));
    const Effects effects = client.hears(task(4));
    CHECK(all<CancelTraining>(effects).empty());
    REQUIRE(all<ObtainModel>(effects).size() == 1);
    CHECK(all<ObtainModel>(effects)[0].version == 3);
  }
  SECTION("that is training") {
    client.is_training(3);
    const Effects effects = client.hears(task(4));
    REQUIRE(effects.size() == 2);
    CHECK(std::holds_alternative<CancelTraining>(effects[0]));
    CHECK(std::holds_alternative<ObtainModel>(effects[1]));
  }
  SECTION("of the same round on another version") {
    client.is_training(3);
    wire::Task other = task(3);
    other.base_version = 1;
    CHECK(all<CancelTraining>(client.hears(other)).size() == 1);
    CHECK(client.session.active()->base_version == 1);
  }
}

TEST_CASE("tasks of several jobs wait for each other") {
  Client client = ready();
  client.agrees("other");
  client.is_training(3);
  CHECK(client.hears(task(1, "other")).empty());
  const Effects effects = client.session.trained(offer(3));
  CHECK(all<SendOffer>(effects).size() == 1);
  REQUIRE(all<ObtainModel>(effects).size() == 1);
  CHECK(all<ObtainModel>(effects)[0].job == "other");
}

TEST_CASE("CancelTask ends a task wherever it is") {
  Client client = ready();
  client.agrees("other");
  SECTION("downloading") {
    client.hears(task(3));
    CHECK(client.hears(wire::CancelTask{"job", 3, ""}).empty());
    CHECK(client.session.model_ready("job", 2).empty());
  }
  SECTION("training, and the next one begins") {
    client.is_training(3);
    client.hears(task(1, "other"));
    const Effects effects = client.hears(wire::CancelTask{"job", 3, ""});
    REQUIRE(effects.size() == 2);
    CHECK(std::holds_alternative<CancelTraining>(effects[0]));
    CHECK(std::holds_alternative<ObtainModel>(effects[1]));
    client.hears(wire::CancelTask{"other", 1, ""});
  }
  SECTION("waiting") {
    client.is_training(3);
    client.hears(task(1, "other"));
    CHECK(client.hears(wire::CancelTask{"other", 1, ""}).empty());
    CHECK(all<ObtainModel>(client.session.trained(offer(3))).empty());
    client.hears(receipt(3));
  }
  SECTION("of another round: nothing happens") {
    client.is_training(3);
    CHECK(client.hears(wire::CancelTask{"job", 2, ""}).empty());
    CHECK(client.session.active() != nullptr);
    client.hears(wire::CancelTask{"job", 3, ""});
  }
  CHECK(client.session.idle());
}

TEST_CASE("a job's end ends its task") {
  Client client = ready();
  client.agrees("other");
  client.is_training(3);
  client.hears(task(1, "other"));
  const Effects effects = client.hears(wire::JobEnded{"job", ""});
  REQUIRE(effects.size() == 3);
  CHECK(std::holds_alternative<CancelTraining>(effects[0]));
  CHECK(std::holds_alternative<ObtainModel>(effects[1]));
  CHECK(std::holds_alternative<JobDone>(effects[2]));
  CHECK(sent<wire::TaskRefused>(client.hears(task(4))).size() == 1);
}

TEST_CASE("a model that does not arrive is fetched again, three times in all") {
  Client client = ready();
  client.hears(task(3));
  CHECK(all<ObtainModel>(client.session.model_failed("job", 2, "damaged")).size() == 1);
  CHECK(all<ObtainModel>(client.session.model_failed("job", 2, "damaged")).size() == 1);
  const Effects effects = client.session.model_failed("job", 2, "damaged");
  CHECK(all<ObtainModel>(effects).empty());
  REQUIRE(sent<wire::TaskRefused>(effects).size() == 1);
  CHECK(sent<wire::TaskRefused>(effects)[0].detail == "damaged");
  CHECK(client.session.idle());
}

TEST_CASE("training that fails is refused, and not cancelled once more") {
  Client client = ready();
  client.is_training(3);
  const Effects effects = client.session.training_failed("job", 3, "diverged");
  CHECK(all<CancelTraining>(effects).empty());
  REQUIRE(sent<wire::TaskRefused>(effects).size() == 1);
  CHECK(sent<wire::TaskRefused>(effects)[0].detail == "diverged");
  CHECK(client.session.idle());
}

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
  CHECK(all<SendOffer>(effects)[0].round == 1);
  CHECK(client.hears(wire::Admit{"job", 2, 5, 0}).empty());  // not the one that was offered
  CHECK(all<StartUpload>(client.hears(wire::Admit{"job", 1, 6, 0})).size() == 1);

  const Effects next = client.hears(receipt(1, wire::Outcome::discarded));
  REQUIRE(next.size() == 3);
  CHECK(std::holds_alternative<StopUpload>(next[0]));
  CHECK(std::holds_alternative<DropUpdate>(next[1]));
  REQUIRE(std::holds_alternative<SendOffer>(next[2]));
  CHECK(std::get<SendOffer>(next[2]).round == 2);

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
  CHECK(all<SendOffer>(effects)[0].round == 2);
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

TEST_CASE("training outlives the link; its update is offered over the next one") {
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
