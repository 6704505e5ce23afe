// A site's hours in the client's core: the whole of `fedclient run` but for threads, sockets and
// clocks, which the test plays.
#include "core_bench.h"

using namespace fed;
using namespace fed::app;
using fed::test::kUnixStart;
using fed::test::Site;

TEST_CASE("a client says its limits right after Hello, and dials with its rates") {
  Site site;
  const auto& heard = site.lines.last().heard;
  REQUIRE(heard.size() == 2);
  CHECK(std::holds_alternative<wire::Hello>(heard[0]));
  const auto said = site.lines.last().all<wire::Availability>();
  REQUIRE(said.size() == 1);
  CHECK(said[0].open);
  CHECK(said[0].change_s > 540);
  CHECK(said[0].change_s <= 600);
  CHECK(said[0].upload_mbit_s == 2);
  CHECK(site.lines.asked.send_mbit_s_max == 2);
  CHECK(site.lines.asked.receive_mbit_s_max == 3);
}

TEST_CASE("the end of the hours stops a training and their beginning is told") {
  Site site;
  site.agrees();
  site.is_training();
  site.loop.pass(500);
  CHECK(site.lines.last().all<wire::Availability>().size() == 1);  // nothing new all the while
  site.loop.pass(101);
  const auto refused = site.lines.last().all<wire::TaskRefused>();
  REQUIRE(refused.size() == 1);
  CHECK(refused[0].detail.find("this site's hours have ended (") == 0);
  const auto said = site.lines.last().all<wire::Availability>();
  REQUIRE(said.size() == 2);
  CHECK_FALSE(said[1].open);
  CHECK(said[1].change_s > 23 * 3600);
  site.finishes_training();  // it sees that it is to stop
  CHECK(site.lines.last().all<wire::Offer>().empty());
  CHECK(site.kept() == 0);

  site.loop.pass(24 * 3600 - 600);
  REQUIRE(site.lines.last().all<wire::Availability>().size() == 3);
  CHECK(site.lines.last().all<wire::Availability>()[2].open);
  CHECK(site.lines.made.size() == 1);  // one connection all the time
}

TEST_CASE("an upload stops with the hours, and goes on with them") {
  Site site;
  site.agrees();
  site.is_training();
  site.finishes_training();
  REQUIRE(site.lines.last().all<wire::Offer>().size() == 1);
  site.says(wire::Admit{"job", 1, 5, 0});
  CHECK(site.lines.last().uploading);
  site.loop.pass(601);
  CHECK_FALSE(site.lines.last().uploading);
  CHECK(site.kept() == 1);
  site.loop.pass(24 * 3600 - 300);
  CHECK(site.lines.last().all<wire::Offer>().size() == 2);
  site.says(wire::Admit{"job", 1, 6, 50'000});
  CHECK(site.lines.last().uploading);
}

TEST_CASE("a clock that is put forward is noticed within a minute") {
  Site site;
  site.agrees();
  site.is_training();
  site.loop.clock_jump_s = 3600;
  site.loop.pass(61);
  CHECK(site.lines.last().all<wire::TaskRefused>().size() == 1);
}

TEST_CASE("a job that is declined is in the status until it has ended") {
  Site site;
  site.says(wire::JobOffer{"unwanted", "spec"});
  site.loading.release();
  site.loop.pass(0);
  const auto answers = site.lines.last().all<wire::JobAnswer>();
  REQUIRE(answers.size() == 1);
  CHECK_FALSE(answers[0].able);
  CHECK(load_status(real_disk(), site.spec.state_dir)->declined.at("unwanted") ==
        "this site does not agree: no");
  site.says(wire::JobEnded{"unwanted", ""});
  CHECK(load_status(real_disk(), site.spec.state_dir)->declined.empty());
}

TEST_CASE("who stands by sees it in the status until its task comes") {
  Site site;
  site.agrees();
  site.says(wire::Standby{"job", "round 1 asks 2 of 3 clients", 120});
  const auto status = load_status(real_disk(), site.spec.state_dir);
  CHECK(status->standby.detail == "round 1 asks 2 of 3 clients");
  CHECK(status->standby.until == kUnixStart + 120);
  site.is_training();
  CHECK(load_status(real_disk(), site.spec.state_dir)->standby.job.empty());
}
