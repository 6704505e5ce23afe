#include "app/render.h"

#include <catch2/catch.hpp>

namespace fed::app {
namespace {

using Json = nlohmann::json;

const Json kJob = {{"name", "fashion"},
                   {"state", "running"},
                   {"detail", ""},
                   {"version", 3},
                   {"rounds_max", 10},
                   {"round", 4},
                   {"attempt", 1},
                   {"kind", "training"},
                   {"phase", "collecting"},
                   {"cohort", 3},
                   {"accepted", 1},
                   {"available", 3},
                   {"min", 2},
                   {"goal", 3},
                   {"metric", "accuracy"},
                   {"best", {{"round", 2}, {"value", 0.75}}},
                   {"parameters", 42},
                   {"waiting_for", "two clients"},
                   {"rounds",
                    {{{"round", 3},
                      {"attempt", 1},
                      {"state", "committed"},
                      {"accepted", 3},
                      {"cohort", 3},
                      {"refused", 0},
                      {"metrics", {{"server", {{"accuracy", 0.7}}}}}}}}};

TEST_CASE("status says what is done, what is best and what is waited for") {
  const std::string text = render_status({{"connected", 3},
                                          {"staged_bytes", 1500000},
                                          {"disk_free_bytes", 2000000},
                                          {"jobs", Json::array({kJob})}});
  CHECK_THAT(text,
             Catch::Contains("3 clients connected") && Catch::Contains("1.5 MB of updates staged"));
  CHECK_THAT(text, Catch::Contains("3/10") && Catch::Contains("accuracy 0.7500 in round 2"));
  CHECK_THAT(text, Catch::Contains("two clients") && Catch::Contains("0.7000"));
}

TEST_CASE("why has a line for each client, with its reason") {
  Json why = kJob;
  why["clients"] = {
      {{"client", "north"},
       {"state", "uploading"},
       {"member", true},
       {"done", 5},
       {"total", 10},
       {"examples", 7},
       {"last_activity_s", 2.0}},
      {{"client", "south"},
       {"state", "refused"},
       {"member", true},
       {"last_refusal", {{"reason", "not_finite"}, {"detail", "it has NaN"}}}},
      {{"client", "west"}, {"state", "unable"}, {"member", false}, {"detail", "no such column"}}};
  const std::string text = render_why(why);
  CHECK_THAT(text, Catch::Contains("50 %") && Catch::Contains("it has NaN") &&
                       Catch::Contains("no such column"));
}

TEST_CASE("clients are connected, away or revoked") {
  const Json clients = {{"clients",
                         {{{"name", "a"},
                           {"connected", true},
                           {"revoked", false},
                           {"joined_at", 1},
                           {"last_seen", 0}},
                          {{"name", "b"},
                           {"connected", false},
                           {"revoked", true},
                           {"joined_at", 1},
                           {"last_seen", 5}}}}};
  const std::string text = render_clients(clients);
  CHECK_THAT(text, Catch::Contains("a       connected") && Catch::Contains("b       revoked"));
}

TEST_CASE("a job that is loading or failed is shown without numbers") {
  const Json loading = {
      {"name", "x"}, {"state", "failed"}, {"detail", "checkpoint damaged"}, {"rounds_max", 3}};
  CHECK_THAT(render_jobs({{"jobs", Json::array({loading})}}),
             Catch::Contains("failed") && Catch::Contains("checkpoint damaged"));
  CHECK_THAT(
      render_status({{"connected", 0}, {"staged_bytes", 0}, {"jobs", Json::array({loading})}}),
      Catch::Contains("checkpoint damaged"));
}

}  // namespace
}  // namespace fed::app
