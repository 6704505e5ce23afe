// A site's own limits in a session: rest and work, and jobs that share one client.
#include <catch2/catch.hpp>

#include "session_client.h"

using namespace fed;
using namespace fed::session;
using namespace fed::session::testing;

namespace {

Instant at(double s) { return kStart + from_seconds(s); }

wire::Availability resting(double change_s = 3600) {
  return {false, change_s, 0, 0, "20:00-06:00"};
}
wire::Availability working(double change_s = 3600) { return {true, change_s, 0, 0, "20:00-06:00"}; }

// Works through one task of whatever job is at work, to the receipt; returns the job's name.
std::string finish_task(Client& client) {
  const wire::Task task = *client.session.active();
  client.session.model_ready(task.job, task.base_version);
  client.session.trained(offer(task.task, task.job));
  client.hears(receipt(task.task, wire::Outcome::accepted, task.job));
  return task.job;
}

}  // namespace

TEST_CASE("the server is told what is news to it") {
  Client client;
  CHECK(client.session.availability(working(), at(0)).empty());  // nobody is there
  client.session.connected();
  const auto told = sent<wire::Availability>(client.session.availability(working(3000), at(600)));
  REQUIRE(told.size() == 1);
  CHECK(told[0].open);
  CHECK(told[0].change_s == 3000);
  CHECK(client.session.availability(working(2400), at(1200)).empty());
  CHECK(client.session.availability(working(2400), at(1190)).empty());

  SECTION("a clock that was put forward") {
    CHECK(sent<wire::Availability>(client.session.availability(working(100), at(1200))).size() ==
          1);
    CHECK(client.session.availability(working(90), at(1210)).empty());
  }
  SECTION("the end of the hours, and their beginning") {
    CHECK(sent<wire::Availability>(client.session.availability(resting(), at(3600))).size() == 1);
    CHECK_FALSE(client.session.open());
    CHECK(client.session.availability(resting(3000), at(4200)).empty());
    CHECK(sent<wire::Availability>(client.session.availability(working(), at(7200))).size() == 1);
    CHECK(client.session.open());
  }
  SECTION("another rate, other hours") {
    wire::Availability slower = working(2400);
    slower.upload_mbit_s = 2;
    CHECK(sent<wire::Availability>(client.session.availability(slower, at(1200))).size() == 1);
    slower.detail = "always";
    slower.change_s = 0;
    CHECK(sent<wire::Availability>(client.session.availability(slower, at(1200))).size() == 1);
    CHECK(client.session.availability(slower, at(9000)).empty());
  }
  SECTION("a new connection knows nothing") {
    client.session.disconnected();
    client.session.connected();
    CHECK(sent<wire::Availability>(client.session.availability(working(2400), at(1200))).size() ==
          1);
  }
}

TEST_CASE("when the hours end, a training is stopped and its task given back") {
  Client client = ready();
  client.session.availability(working(), kStart);
  client.is_training(3);
  const Effects effects = client.session.availability(resting(), kStart);
  REQUIRE(effects.size() == 3);
  CHECK(std::holds_alternative<CancelTraining>(effects[0]));
  const auto refused = sent<wire::TaskRefused>(effects);
  REQUIRE(refused.size() == 1);
  CHECK(refused[0].task == 3);
  CHECK(refused[0].detail == "this site's hours have ended (20:00-06:00)");
  CHECK(sent<wire::Availability>({effects[2]}).size() ==
        1);  // the last word, after what it explains
  CHECK(client.session.idle());

  SECTION("what comes although the client rests is refused") {
    const Effects task_at_rest = client.hears(task(4));
    REQUIRE(sent<wire::TaskRefused>(task_at_rest).size() == 1);
    CHECK(sent<wire::TaskRefused>(task_at_rest)[0].detail ==
          "outside this site's hours (20:00-06:00)");
    CHECK(client.session.idle());
  }
  SECTION("a new job is answered all the same") {
    CHECK(all<LoadJob>(client.hears(wire::JobOffer{"new", "spec"})).size() == 1);
    CHECK(sent<wire::JobAnswer>(client.session.job_loaded("new", std::int64_t{5})).size() == 1);
  }
  SECTION("when they begin again, the task may come again") {
    client.session.availability(working(), kStart);
    CHECK(all<ObtainModel>(client.hears(task(3))).size() == 1);
  }
}

TEST_CASE("tasks that wait are given back as well") {
  Client client = ready();
  client.agrees("other");
  client.is_training(3);
  client.hears(task(1, "other"));
  const auto refused = sent<wire::TaskRefused>(client.session.availability(resting(), kStart));
  REQUIRE(refused.size() == 2);
  CHECK(refused[0].job == "job");
  CHECK(refused[1].job == "other");
  CHECK(client.session.idle());
}

TEST_CASE("a download that the hours end is stopped by a new connection, which says why") {
  Client client = ready();
  client.hears(task(3));
  client.session.model_partial("job", 2, 0);
  const Effects effects = client.session.availability(resting(), kStart);
  CHECK(all<StopDownload>(effects).size() == 1);
  CHECK(sent<wire::TaskRefused>(effects).empty());
  CHECK(client.session.model_ready("job", 2).empty());
  client.session.disconnected();
  CHECK(client.session.idle());
  const auto refused = sent<wire::TaskRefused>(client.connects());
  REQUIRE(refused.size() == 1);
  CHECK(refused[0].task == 3);
  client.session.disconnected();
  CHECK(sent<wire::TaskRefused>(client.connects()).empty());  // once
}

TEST_CASE("a task whose model is there already needs no new connection") {
  Client client = ready();
  client.hears(task(3));
  const Effects effects = client.session.availability(resting(), kStart);
  CHECK(all<StopDownload>(effects).empty());
  CHECK(sent<wire::TaskRefused>(effects).size() == 1);
}

TEST_CASE("hours that end while the link is down: the task is given back when it is up") {
  Client client = ready();
  client.is_training(3);
  client.session.disconnected();
  const Effects effects = client.session.availability(resting(), kStart);
  REQUIRE(effects.size() == 1);
  CHECK(std::holds_alternative<CancelTraining>(effects[0]));
  CHECK(sent<wire::TaskRefused>(client.connects()).size() == 1);
}

TEST_CASE("an update waits in the outbox for the hours") {
  Client client = ready();
  client.session.availability(working(), kStart);
  client.is_training(3);
  client.session.trained(offer(3));
  client.hears(wire::Admit{"job", 3, 7, 0});
  const Effects end = client.session.availability(resting(), kStart);
  CHECK(all<StopUpload>(end).size() == 1);
  CHECK(sent<wire::TaskRefused>(end).empty());  // it is done, not given back
  REQUIRE(client.session.kept({"job", 3}) != nullptr);
  CHECK(client.hears(wire::Admit{"job", 3, 8, 0}).empty());
  CHECK(client.session.tick(at(60)).empty());

  SECTION("and goes when they begin") {
    const auto offers = all<SendOffer>(client.session.availability(working(), at(60)));
    REQUIRE(offers.size() == 1);
    CHECK(offers[0].task == 3);
    CHECK(all<StartUpload>(client.hears(wire::Admit{"job", 3, 9, 100})).size() == 1);
  }
  SECTION("also over a new connection") {
    client.session.disconnected();
    CHECK(all<SendOffer>(client.connects()).empty());
    CHECK(all<SendOffer>(client.session.availability(resting(), at(60))).empty());
    CHECK(all<SendOffer>(client.hears(task(3))).empty());  // the server asks again: not now
    CHECK(all<SendOffer>(client.session.availability(working(), at(90))).size() == 1);
  }
  SECTION("unless the server has answered before") {
    CHECK(all<DropUpdate>(client.hears(receipt(3))).size() == 1);
    CHECK(all<SendOffer>(client.session.availability(working(), at(60))).empty());
  }
}

TEST_CASE("a client that starts outside its hours says so first") {
  Client client({offer(1)});
  Effects effects = client.session.connected();
  for (Effect& effect : client.session.availability(resting(), kStart)) {
    effects.push_back(std::move(effect));
  }
  REQUIRE(effects.size() == 2);
  CHECK(sent<wire::Hello>({effects[0]}).size() == 1);
  CHECK(sent<wire::Availability>({effects[1]}).size() == 1);
  CHECK(client.hears(wire::Welcome{"c", "s", 1}).empty());
  CHECK(all<SendOffer>(client.session.availability(working(), kStart)).size() == 1);
}

TEST_CASE("Standby is for people, of jobs that this client knows") {
  Client client = ready();
  const auto told = all<StandBy>(client.hears(wire::Standby{"job", "2 of 5 clients", 120}));
  REQUIRE(told.size() == 1);
  CHECK(told[0].standby.after_s == 120);
  CHECK(client.hears(wire::Standby{"stranger", "", 1}).empty());
}

TEST_CASE("a client shared by two jobs alternates, whoever asks more often") {
  Client client = ready();
  client.agrees("other");
  std::map<std::string, std::int64_t> next{{"job", 1}, {"other", 1}};
  client.hears(task(next["job"]++));
  client.hears(task(next["other"]++, "other"));
  std::string order;
  for (int i = 0; i < 20; ++i) {
    // The next task of a job comes before its last one has its receipt, as in asynchronous jobs.
    const std::string at_work = client.session.active()->job;
    const wire::Task now = *client.session.active();
    client.session.model_ready(now.job, now.base_version);
    client.session.trained(offer(now.task, now.job));
    client.hears(task(next[at_work]++, at_work));
    order += at_work[0];
  }
  CHECK(order == "jojojojojojojojojojo");
}

TEST_CASE("of several that wait, the job that was served least comes first") {
  Client client = ready();
  for (const char* job : {"b", "c"}) client.agrees(job);
  client.hears(task(1));
  for (std::int64_t round = 1; round <= 3; ++round) {  // three tasks of "job", nobody else asks
    client.hears(task(round));
    CHECK(finish_task(client) == "job");
  }
  client.hears(task(4));
  client.hears(task(1, "b"));
  client.hears(task(1, "c"));
  // Those that come late begin with as many as the least served one has, not with none.
  // Those that come late begin with as many as the least served one has, not with none.
  CHECK(finish_task(client) == "job");
  CHECK(finish_task(client) == "b");
  client.hears(task(2, "b"));
  client.hears(task(5));
  CHECK(finish_task(client) == "c");
  client.hears(task(2, "c"));
  CHECK(finish_task(client) == "job");  // before b, which came earlier and has had more
  CHECK(finish_task(client) == "b");
  CHECK(finish_task(client) == "c");
  CHECK(client.session.idle());
}
