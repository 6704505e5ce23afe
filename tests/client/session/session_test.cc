// Jobs and tasks.
#include <catch2/catch.hpp>

#include "session_client.h"

using namespace fed;
using namespace fed::session;
using namespace fed::session::testing;

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
  CHECK(refusals[0].task == 1);
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
  CHECK(trains[0].task.task == 3);

  CHECK(sent<wire::Progress>(client.session.progress({"job", 3, wire::Phase::training, 1, 2}))
            .size() == 1);

  const auto offers = all<SendOffer>(client.session.trained(offer(3)));
  REQUIRE(offers.size() == 1);
  CHECK(offers[0].task == 3);
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
  SECTION("of another task: nothing happens") {
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

TEST_CASE("the end of a job that this client never knew is none of its business") {
  Client client = ready();
  client.is_training(3);
  CHECK(client.hears(wire::JobEnded{"older", "done"}).empty());
  CHECK(client.session.active() != nullptr);
}
