#include "app/why.h"

#include <catch2/catch.hpp>

namespace fed::app {
namespace {

using Catch::Contains;
using Catch::EndsWith;
using Catch::StartsWith;

Site site(const std::string& name, const std::string& state) {
  return {.name = name,
          .state = state,
          .member = true,
          .outstanding = true,
          .connected = true,
          .examples = 10,
          .silent_s = 0.1};
}

Site uploader(const std::string& name, double rate) {
  Site result = site(name, "uploading");
  result.done = 38'000'000;
  result.total = 76'000'000;
  result.rate = rate;
  if (rate > 0) result.ready_s = 38e6 / rate;
  return result;
}

Site accepted(const std::string& name) {
  Site result = site(name, "accepted");
  result.outstanding = false;
  return result;
}

// Collecting: as many wanted as there are sites, and that many needed.
View view(std::vector<Site> sites) {
  View result{.job = "fashion", .sites = std::move(sites)};
  round::Report& report = result.report;
  report.phase = round::Phase::collecting;
  report.round = 12;
  report.attempt = 1;
  report.contributions_min = report.contributions_goal = std::ssize(result.sites);
  for (const Site& each : result.sites) {
    report.accepted += each.state == "accepted" ? 1 : 0;
    report.outstanding += each.outstanding ? 1 : 0;
  }
  result.deadline_s = 41;
  by_urgency(result);
  return result;
}

std::string first_sentence_of(const View& view) {
  const std::string text = explain(view);
  return text.substr(0, text.find(". ") + 1);
}

TEST_CASE("a slow upload is named with its pace and when it will be done") {
  const View seen = view({accepted("north"), uploader("south", 400'000), accepted("west")});
  CHECK(first_sentence_of(seen) ==
        "Round 12 waits for south: it uploads its update at 400.0 kB/s, 38.0 MB of 76.0 MB are "
        "here, about 1 min 35 s to go.");
  CHECK_THAT(explain(seen), Contains("It has 2 of 3 updates and needs 1 more to count; its "
                                     "deadline is in 41 s."));
  CHECK(holding_up(seen)->name == "south");
}

TEST_CASE("an upload that stands still is told from one that is slow") {
  Site silent = uploader("south", 0);
  silent.silent_s = 47;
  CHECK(first_sentence_of(view({accepted("north"), silent})) ==
        "Round 12 is held up by south: it has stopped uploading its update at 38.0 MB of 76.0 MB: "
        "nothing has come from it for 47 s.");
  Site alive = uploader("south", 0);
  CHECK_THAT(explain(view({alive})), Contains("38.0 MB of 76.0 MB; its connection is alive"));
  Site pausing = uploader("south", 10);
  pausing.silent_s = 3;
  CHECK_FALSE(pausing.stands_still(45));
}

TEST_CASE("a site whose connection is lost is named with the reason and since when") {
  Site gone = site("south", "gone");
  gone.connected = false;
  gone.silent_s = 125;
  gone.detail = "no byte has moved for 120 seconds";
  CHECK(first_sentence_of(view({uploader("north", 5), gone, accepted("west")})) ==
        "Round 12 is held up by south, and waits for 2 sites in all: south is not connected for 2 "
        "min 5 s (no byte has moved for 120 seconds).");
  gone.silent_s = 0.02;
  CHECK_THAT(cause(gone, 45), Catch::StartsWith("is not connected since a moment ago ("));
}

TEST_CASE("each state has its words") {
  Site other = site("x", "training");
  CHECK(cause(other, 45) == "trains");
  other.done = 30;
  other.total = 60;
  other.ready_s = 5;
  CHECK(cause(other, 45) == "trains, 50 % done, about 5.0 s to go");
  other.silent_s = 60;
  CHECK_THAT(cause(other, 45), Contains("nothing has come from it for 1 min 0 s"));
  other.silent_s = 40;
  CHECK_THAT(cause(other, 45), !Contains("nothing has come"));
  other = site("x", "asked");
  CHECK(cause(other, 45) == "has its task and has not begun");
  other.last_refusal = {round::Reason::storage_failed, "the disk is full"};
  CHECK_THAT(cause(other, 45), Contains("(the disk is full)"));
  other = site("x", "downloading");
  CHECK(cause(other, 45) == "fetches the model");
  other.silent_s = 6;
  CHECK_THAT(cause(other, 45), Contains("has stopped fetching the model"));
  CHECK_THAT(cause(site("x", "storing"), 45), Contains("has delivered"));
  CHECK_THAT(cause(site("x", "not_asked"), 45), Contains("has not been asked yet"));
  other = site("x", "unable");
  other.detail = "its data does not fit";
  CHECK(cause(other, 45) == "cannot take part: its data does not fit");
  CHECK(cause(site("x", "reading"), 45) == "is still reading its data");
}

TEST_CASE("a site that rests is named with until when, and one that is not asked with why") {
  Site resting = site("south", "resting");
  resting.outstanding = false;
  resting.member = false;
  resting.detail = "resting until 22:00";
  CHECK(cause(resting, 45) == "is resting until 22:00, by its own hours");
  View seen = view({resting});
  seen.report.phase = round::Phase::selecting;
  seen.report.contributions_min = 1;
  CHECK_THAT(explain(seen), Contains("Missing: south is resting until 22:00, by its own hours."));

  Site narrow = site("west", "left out");
  narrow.detail = "its site's hours end in 10 min; its tasks take 20 min";
  CHECK_THAT(cause(narrow, 45), StartsWith("is not asked now: its site's hours end in 10 min"));

  Site waiting = site("north", "resting");  // its update is in its outbox
  waiting.detail = "resting until 22:00";
  CHECK(first_sentence_of(view({waiting, uploader("east", 10)})) ==
        "Round 12 is held up by north, and waits for 2 sites in all: north is resting until 22:00, "
        "by its own hours.");
}

TEST_CASE("of those that are not all needed, the slowest that is needed is named") {
  View over = view({uploader("a", 1'000), uploader("b", 10'000), uploader("c", 100'000),
                    accepted("d"), accepted("e")});
  over.report.contributions_goal = 3;
  over.report.contributions_min = 3;
  CHECK(holding_up(over)->name == "c");
  over.report.contributions_goal = 4;
  CHECK(holding_up(over)->name == "b");
  over.report.contributions_goal = 9;
  CHECK(holding_up(over)->name == "a");
}

TEST_CASE("with enough updates the deadline closes the round") {
  View enough = view({accepted("north"), uploader("south", 10)});
  enough.report.contributions_min = 1;
  CHECK_THAT(explain(enough), Contains("enough to count, and closes at its deadline in 41 s"));
}

TEST_CASE("what was refused is told with its reason") {
  Site bad = site("east", "refused");
  bad.outstanding = false;
  bad.last_refusal = {round::Reason::not_finite, "The update has NaN."};
  CHECK_THAT(explain(view({uploader("south", 10), bad})),
             Contains("Not counted: east (The update has NaN.)."));
}

TEST_CASE("a round that cannot begin names who is missing, and why") {
  Site away = site("north", "away"), unable = site("east", "unable"),
       there = site("west", "available");
  for (Site* each : {&away, &unable, &there}) each->member = each->outstanding = false;
  away.connected = false;
  away.silent_s = 7200;
  unable.detail = "no such column";
  View selecting = view({there, away, unable});
  selecting.report.phase = round::Phase::selecting;
  selecting.report.available = 1;
  selecting.report.contributions_min = 3;
  const std::string text = explain(selecting);
  CHECK_THAT(text, StartsWith("Round 12 cannot begin: it needs 3 sites, and 1 can take part now."));
  CHECK_THAT(text, Contains("north is not connected for 2 h 0 min") &&
                       Contains("east cannot take part: no such column") && !Contains("west"));
  CHECK(holding_up(selecting) == nullptr);
  for (int i = 0; i < 5; ++i) selecting.sites.push_back(away);
  CHECK_THAT(explain(selecting), Contains("and 4 more"));
  selecting.sites = {there};
  CHECK_THAT(explain(selecting), Contains("Invite more sites"));
}

TEST_CASE("until when clients are waited for is told") {
  View waits = view({site("west", "available")});
  waits.report.phase = round::Phase::selecting;
  waits.report.available = waits.report.contributions_min = 1;
  waits.deadline_s = 12;
  CHECK_THAT(explain(waits), EndsWith("It begins in 12 s with those who are there by then."));

  View sum = view({site("west", "ready"), site("east", "ready")});
  sum.report.phase = round::Phase::securing;
  sum.sum_step = "shares";
  sum.sum_waits_for = {"east"};
  sum.deadline_s = 7.2;
  CHECK_THAT(explain(sum),
             EndsWith("waits for east; who does not answer in time is left out (7.2 s "
                      "left)."));
}

TEST_CASE("who has its update in a sum is not said to be left out of it") {
  View sum = view({site("west", "ready"), site("east", "ready")});
  sum.report.phase = round::Phase::securing;
  sum.sum_step = "reveal";
  sum.sum_waits_for = {"east"};
  CHECK_THAT(explain(sum),
             EndsWith("waits for east; who does not answer in time is done without (41 s left)."));
}

TEST_CASE("when a failed attempt is made again is told") {
  View failed = view({site("west", "failed")});
  failed.report.phase = round::Phase::abandoned;
  failed.report.last_failure = {round::Reason::not_secured, "No sum."};
  failed.retry_s = 48;
  CHECK_THAT(explain(failed), EndsWith("No sum. The next try is in 48 s."));
}

TEST_CASE("a key holder that is not there is told while there is time to start it") {
  View early = view({uploader("south", 10)});
  CHECK_THAT(explain(early), !Contains("key holder"));
  early.key_holder_missing = "notary";
  CHECK_THAT(explain(early), Contains("No version can be made without its key holder notary"));
  early.decryption = "Round 12 waits for the key holder notary.";
  CHECK_THAT(explain(early), !Contains("No version"));
}

TEST_CASE("a pause, an earlier failure and a full disk are told") {
  View seen = view({uploader("south", 10)});
  seen.report.last_failure = {round::Reason::deadline_passed, "The deadline has passed."};
  CHECK_THAT(explain(seen), Contains("The attempt before failed: The deadline has passed."));
  seen.room.disk_free_bytes = 1'000'000;
  CHECK_THAT(explain(seen), !Contains("disk"));
  seen.room.round_bytes = 76'000'000;
  CHECK_THAT(explain(seen), Contains("The disk is too full: 1.0 MB are free, this round's updates "
                                     "need 76.0 MB."));
  seen.report.job = round::JobState::paused;
  CHECK_THAT(explain(seen), StartsWith("The job is paused") &&
                                Contains("`fedserver resume fashion` lets it go on."));
}

TEST_CASE("the worst comes first, then the others by what they are") {
  Site gone = site("gone", "gone"), away = site("away", "away"), spare = site("spare", "available");
  gone.connected = away.connected = false;
  for (Site* each : {&away, &spare}) each->member = each->outstanding = false;
  Site refused = site("refused", "refused");
  refused.outstanding = false;
  const View seen =
      view({spare, away, accepted("b"), accepted("a"), uploader("slow", 10), refused,
            uploader("quick", 1e6), uploader("still", 0), site("new", "asked"), gone});
  std::vector<std::string> names;
  for (const Site& each : seen.sites) names.push_back(each.name);
  CHECK(names == std::vector<std::string>{"gone", "still", "new", "slow", "quick", "refused", "a",
                                          "b", "away", "spare"});
}

}  // namespace
}  // namespace fed::app
