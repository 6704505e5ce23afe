// The sections `limits` and `jobs` of a client file.
#include "config/site.h"

#include "config/client.h"
#include "helpers.h"

namespace fed::config {
namespace {

Json client_json() {
  return {{"server", "fl.example.org:7600"},
          {"server_key", std::string(43, 'A')},
          {"data", {{"format", "csv"}, {"path", "p.csv"}, {"label", "y"}}}};
}

Checked<ClientSpec> parse(const char* patch) {
  Json file = client_json();
  file.merge_patch(Json::parse(patch));
  return parse_client(file.dump());
}

Problems problems(const char* patch) {
  const auto parsed = parse(patch);
  return parsed ? Problems() : parsed.error();
}

TEST_CASE("a site that says nothing lends itself always, and agrees to every job") {
  const ClientSpec spec = parse("{}").value();
  CHECK(spec.limits == SiteLimitsSpec{});
  CHECK(spec.jobs == AgreementSpec{});
  CHECK(parse(R"({"limits": {}, "jobs": {}})").value() == spec);
}

TEST_CASE("a site's limits become the values they say, and are written again") {
  const ClientSpec spec = parse(R"({"limits": {
      "hours": [{"from": "20:30", "to": "06:00", "days": ["fri", "mon"]}, {"from": "00:00", "to": "24:00"}],
      "upload_mbit_s_max": 2, "download_mbit_s_max": 0.5, "nice": 19},
    "jobs": {"names": ["heart-*", "stay?"], "names_declined": ["heart-test"], "models": ["linear"],
             "leaves": ["gradient", "statistics"], "rows_min": 50, "update_bytes_max": 1000000}})")
                              .value();
  SiteLimitsSpec limits;
  limits.hours = {{20 * 60 + 30, 6 * 60, {true, false, false, false, true, false, false}},
                  {0, kMinutesOfDay, {true, true, true, true, true, true, true}}};
  limits.upload_mbit_s_max = 2;
  limits.download_mbit_s_max = 0.5;
  limits.nice = 19;
  CHECK(spec.limits == limits);
  AgreementSpec jobs;
  jobs.names = {"heart-*", "stay?"};
  jobs.names_declined = {"heart-test"};
  jobs.models = {"linear"};
  jobs.delta = jobs.metrics = false;
  jobs.rows_min = 50;
  jobs.update_bytes_max = 1000000;
  CHECK(spec.jobs == jobs);
  CHECK(parse_client(to_text(spec)).value() == spec);
}

TEST_CASE(
    "what a site asks of secure aggregation becomes the values it says, and is written again") {
  const ClientSpec spec = parse(R"({"jobs": {"secure_aggregation": {
      "required": true, "clients_min": 20, "adversary": "curious", "corrupted_min": 0.1,
      "peers": "pinned"}}})")
                              .value();
  CHECK(spec.jobs.secure_aggregation ==
        SecureAgreementSpec{true, 20, SecureAgreementSpec::Adversary::curious, 0.1,
                            SecureAgreementSpec::Peers::pinned});
  CHECK(parse_client(to_text(spec)).value() == spec);
  CHECK(parse(R"({"jobs": {"secure_aggregation": {}}})").value().jobs == AgreementSpec{});
  CHECK(problems(R"({"jobs": {"secure_aggregation": {
                      "required": "yes", "clients_min": 2, "adversary": "honest",
                      "corrupted_min": 0.9, "peers": "any"}}})") ==
        Problems{
            {"/jobs/secure_aggregation/adversary",
             "is \"honest\"; allowed: \"curious\" or \"semi_malicious\""},
            {"/jobs/secure_aggregation/clients_min",
             "is 2; allowed: a whole number from 3 to 100000"},
            {"/jobs/secure_aggregation/corrupted_min", "is 0.9; allowed: a number from 0 to 0.5"},
            {"/jobs/secure_aggregation/peers", "is \"any\"; allowed: \"first_use\" or \"pinned\""},
            {"/jobs/secure_aggregation/required", "is \"yes\"; allowed: true or false"}});
}

TEST_CASE("a written client file has every key of both sections") {
  ClientSpec spec = parse("{}").value();
  const Json written = Json::parse(to_text(spec));
  const Json schema = schema_of_kind(Kind::client);
  for (const char* section : {"limits", "jobs"}) {
    for (const auto& [name, property] : schema["properties"][section]["properties"].items()) {
      INFO(section << " " << name);
      CHECK(written[section].contains(name));
    }
  }
}

TEST_CASE("hours in words") {
  CHECK(hours_text({}) == "always");
  HoursSpec window{.from_min = 20 * 60, .to_min = 6 * 60};
  CHECK(hours_text({window}) == "20:00-06:00");
  window.days = {true, true, true, true, true, false, false};
  const HoursSpec weekend{0, kMinutesOfDay, {false, false, false, false, false, true, true}};
  CHECK(hours_text({window, weekend}) == "mon-fri 20:00-06:00, sat,sun 00:00-24:00");
  window.days = {true, false, true, true, false, false, true};
  window.from_min = 9;
  CHECK(hours_text({window}) == "mon,wed,thu,sun 00:09-06:00");
}

TEST_CASE("mistakes in a site's hours are named") {
  CHECK(problems(R"({"limits": {"hours": [{"from": "8:00", "to": "25:00", "days": []}]}})") ==
        Problems{
            {"/limits/hours/0/days", "is a list of 0 items; allowed: a list of 1 to 7 items"},
            {"/limits/hours/0/from", "is \"8:00\"; allowed: a time from \"00:00\" to \"23:59\""},
            {"/limits/hours/0/to", "is \"25:00\"; allowed: a time from \"00:00\" to \"24:00\""}});
  CHECK(problems(R"({"limits": {"hours": [{"from": "24:00", "til": "12:00"}]}})") ==
        Problems{
            {"/limits/hours/0/til", "unknown key; allowed: \"days\", \"from\", \"to\""},
            {"/limits/hours/0/from", "is \"24:00\"; allowed: a time from \"00:00\" to \"23:59\""},
            {"/limits/hours/0/to", "is missing; needed: a time from \"00:00\" to \"24:00\""}});
  CHECK(problems(R"({"limits": {"hours": [{"from": "06:00", "to": "06:00",
                                           "days": ["mon", "tue", "mon"]}]}})") ==
        Problems{{"/limits/hours/0/to",
                  "is \"06:00\", when the window begins; allowed: another time, \"24:00\" for the "
                  "end of the day"},
                 {"/limits/hours/0/days/2", "is \"mon\", as an earlier item"}});
  CHECK(problems(
            R"({"limits": {"hours": [{"from": "06:00", "to": "07:00", "days": ["monday"]}]}})")[0]
            .pointer == "/limits/hours/0/days/0");
  CHECK(problems(R"({"limits": {"hours": "20:00-06:00"}})") ==
        Problems{{"/limits/hours", "is \"20:00-06:00\"; allowed: a list of at most 100 items"}});
}

TEST_CASE("mistakes in a site's rates and in its nice level are named") {
  CHECK(problems(R"({"limits": {"upload_mbit_s_max": 0.001, "download_mbit_s_max": -1,
                                "nice": -5}})") ==
        Problems{{"/limits/download_mbit_s_max", "is -1; allowed: a number from 0 to 1000000"},
                 {"/limits/nice", "is -5; allowed: a whole number from 0 to 19"}});
  CHECK(problems(R"({"limits": {"upload_mbit_s_max": 0.001, "download_mbit_s_max": 0.01}})") ==
        Problems{
            {"/limits/upload_mbit_s_max", "is 0.001; allowed: 0 for no limit, or at least 0.01"}});
  CHECK(problems(R"({"limits": {"upload_mbits_max": 1}})") ==
        Problems{{"/limits/upload_mbits_max", "unknown key; did you mean \"upload_mbit_s_max\"?"}});
}

TEST_CASE("mistakes in what a site agrees to are named") {
  CHECK(problems(R"({"jobs": {"names": ["Heart"], "models": ["cnn"], "leaves": [],
                              "rows_min": 0, "update_bytes_max": 1.5}})") ==
        Problems{
            {"/jobs/leaves", "is a list of 0 items; allowed: a list of 1 to 4 items"},
            {"/jobs/models/0",
             "is \"cnn\"; allowed: \"linear\", \"logistic\", \"softmax\" or \"mlp\""},
            {"/jobs/names/0",
             "is \"Heart\"; allowed: a pattern of 1 to 63 characters of a-z, 0-9, -, _, * and ?"},
            {"/jobs/rows_min", "is 0; allowed: a whole number from 1 to 9007199254740991"},
            {"/jobs/update_bytes_max",
             "is 1.5; allowed: a whole number from 0 to 9007199254740991"}});
  CHECK(problems(R"({"jobs": {"names": ["a", "a"], "names_declined": ["b*", "c", "c"],
                              "leaves": ["delta", "delta"]}})") ==
        Problems{{"/jobs/names/1", "is \"a\", as an earlier item"},
                 {"/jobs/names_declined/2", "is \"c\", as an earlier item"},
                 {"/jobs/leaves/1", "is \"delta\", as an earlier item"}});
}

}  // namespace
}  // namespace fed::config
