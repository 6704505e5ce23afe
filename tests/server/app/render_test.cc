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

const Json kHeldUp = {
    {"summary", "Round 4 is held up by south: it has stopped."},
    {"holds_up", "south"},
    {"seconds_left", 92.0},
    {"quorum", {{"min", 2}, {"goal", 3}, {"accepted", 1}, {"missing", 1}, {"outstanding", 2}}},
    {"disk",
     {{"free_bytes", 12'300'000'000},
      {"staged_bytes", 38'000'000},
      {"staged_bytes_max", 1'000'000'000},
      {"round_bytes", 152'000'000}}},
    {"memory", {{"jobs_bytes", 210'000'000}, {"bytes_max", 8'000'000'000}}},
    {"clients",
     {{{"client", "south"},
       {"state", "uploading"},
       {"member", true},
       {"outstanding", true},
       {"stands_still", true},
       {"done", 38'000'000},
       {"total", 76'000'000},
       {"bytes_per_s", 0.0},
       {"last_byte_s", 47.0},
       {"examples", 7}},
      {{"client", "north"},
       {"state", "training"},
       {"member", true},
       {"outstanding", true},
       {"done", 30},
       {"total", 60},
       {"rows_per_s", 1200.0},
       {"last_byte_s", 0.2},
       {"ready_s", 95.0},
       {"examples", 60}}}}};

TEST_CASE("why begins with the site and the cause, and shows pace, estimate and room") {
  Json why = kJob;
  why.update(kHeldUp);
  const std::string text = render_why(why);
  CHECK_THAT(text, Catch::StartsWith("Round 4 is held up by south: it has stopped.\n"));
  CHECK_THAT(text, Catch::Contains("1/3, at least 2 to count, deadline in 1 min 32 s"));
  CHECK_THAT(text, Catch::Contains("12.30 GB free, 152.0 MB of updates to come in this round, "
                                   "38.0 MB of at most 1.00 GB staged"));
  CHECK_THAT(text, Catch::Contains("210.0 MB of 8.00 GB for the jobs at work"));
  CHECK_THAT(text, Catch::Contains("> south  uploading, stands still") &&
                       Catch::Contains("50 % of 76.0 MB") && Catch::Contains("47 s ago"));
  CHECK_THAT(text, Catch::Contains("  north") && Catch::Contains("1200 rows/s") &&
                       Catch::Contains("1 min 35 s"));
  CHECK_THAT(text, !Catch::Contains("two clients"));  // said better by the first sentence
  CHECK_THAT(render_status({{"connected", 3}, {"staged_bytes", 0}, {"jobs", Json::array({why})}}),
             Catch::Contains("held up by south"));
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
       {"outstanding", true},
       {"last_byte_s", 2.0}},
      {{"client", "south"},
       {"state", "refused"},
       {"member", true},
       {"examples", 7},
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
  Json resting = clients;
  resting["clients"][0]["rest"] = "resting until 22:00";
  resting["clients"][0]["limits"] = "2 Mbit/s up";
  CHECK_THAT(render_clients(resting),
             Catch::Contains("a       resting until 22:00") && Catch::Contains("2 Mbit/s up"));
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

TEST_CASE("what privacy has cost is said with whom it hides, from whom, and for each institution") {
  const Json answer = {{"job", "noisy"},
                       {"mechanism", "local_laplace"},
                       {"clipping_norm", 2.5},
                       {"noise_multiplier", 1.25},
                       {"delta", 1e-5},
                       {"epsilon", 3.14159},
                       {"epsilon_max", 8},
                       {"versions", 4},
                       {"versions_paid", 9},
                       {"neighbours", "one client or another"},
                       {"adversary", "everybody"},
                       {"clients",
                        {{{"client", "site-1"},
                          {"versions", 3},
                          {"epsilon", 2.5},
                          {"versions_of_all_jobs", 5},
                          {"epsilon_of_all_jobs", 4.25}}}}};
  CHECK(render_privacy(answer) ==
        "noisy: epsilon 3.142 of 8 at delta 1e-05; 4 of 9 versions\n"
        "  mechanism  local_laplace, clipping norm 2.5, noise multiplier 1.25\n"
        "  neighbours one client or another\n"
        "  adversary  everybody\n\n"
        "institution  versions  epsilon  versions of all jobs  epsilon of all\n"
        "site-1       3         2.5      5                     4.25\n");
}

}  // namespace
}  // namespace fed::app
