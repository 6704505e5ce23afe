// What goes with noise, integers and hidden updates, and what is said of the rest.
#include "config/job.h"
#include "job_cases.h"

namespace fed::config {
namespace {

const std::string two = ", since each of two clients would learn the other's update from the sum";

TEST_CASE("privacy goes only with what its noise covers") {
  Json job = table_job();
  job["aggregation"] = {{"weighting", "uniform"}};
  job["privacy"] = {{"clipping_norm", 2}, {"noise_multiplier", 1.5}, {"epsilon_max", 8}};
  const auto parsed = parse_job(job.dump()).value();
  CHECK(parsed.privacy ==
        PrivacySpec{.clipping_norm = 2, .noise_multiplier = 1.5, .delta = 1e-5, .epsilon_max = 8});
  const std::string no = "does not go with \"privacy\"; allowed: ";
  expect(job, R"({"aggregation": {"weighting": null}})",
         {{"/aggregation/weighting",
           no + "\"uniform\", so that no client counts more than its norm"}});
  expect(
      job, R"({"training": {"update": "gradient"}})",
      {{"/training/update",
        no + "\"delta\" with noise of the server; \"gradient\" goes with noise of the clients"}});
  expect(job, R"({"training": {"update": "weights"}})",
         {{"/training/update", no + "\"delta\", since clipping would shrink whole weights"}});
  expect(job, R"({"privacy": {"clipping_norm": 65}})",
         {{"/aggregation/update_limit",
           no + "at least \"clipping_norm\", which is 65.0, since updates of that length would be "
                "refused"}});
  expect(
      job, R"({"rounds": {"staleness": {"max": 1}}})",
      {{"/rounds/staleness/max",
        no + "0, since what a version costs is counted for rounds that each client is in once"}});
  expect(job, R"({"rounds": {"selection": {"by": "loss"}}})",
         {{"/rounds/selection/by", no + "\"uniform\", so that nobody's data say who is asked"}});
  expect(job, R"({"keep": {"rounds": 1}})",
         {{"/keep/rounds", no + "0, since noise cannot be made again"}});
  expect(
      job, R"({"inputs": {"scaling": "federated"}})",
      {{"/inputs/scaling", no + "\"none\" or \"constants\", since sums of columns have no noise"}});
  expect(job, R"({"privacy": {"delta": 0.1}, "rounds": {"cohort": 10}})",
         {{"/privacy/delta",
           "is 0.1; allowed: below 1 / \"cohort\" of \"rounds\", which is 10, since with such a "
           "chance some site may be given away whole"}});
  expect(job, R"({"privacy": {"epsilon_max": null}})",
         {{"/privacy/epsilon_max", "is missing; needed: a number above 0 and at most 1000000"}});
}

TEST_CASE("an early end under noise needs test rows of the server, whoever adds it") {
  Json job = table_job();
  job["aggregation"] = {{"weighting", "uniform"}};
  job["rounds"] = {{"max", 3}, {"cohort", 20}};
  job["privacy"] = {{"clipping_norm", 2}, {"noise_multiplier", 1.5}, {"epsilon_max", 8}};
  for (const char* mechanism : {"central_gaussian", "local_gaussian", "distributed_gaussian"}) {
    CAPTURE(mechanism);
    job["privacy"]["mechanism"] = mechanism;
    if (job["privacy"]["mechanism"] == "distributed_gaussian") {
      job["secure_aggregation"] = Json::object();
    }
    const std::string no = "does not go with \"privacy\"; allowed: ";
    const std::string others =
        " without \"evaluation.data\", since no noise would cover the clients' metrics";
    expect(job, R"({"evaluation": {"target": 0.5, "patience": 2}})",
           {{"/evaluation/target", no + "none" + others},
            {"/evaluation/patience", no + "0" + others}});
    Json judged = job;
    judged["evaluation"] = {{"target", 0.5},
                            {"patience", 2},
                            {"data", {{"format", "csv"}, {"path", "test.csv"}, {"label", "y"}}}};
    CHECK(parse_job(judged.dump()).has_value());
  }
}

TEST_CASE("noise of the server in a secure sum: who is to add it instead is said") {
  Json job = table_job();
  job["aggregation"] = {{"weighting", "uniform"}};
  job["secure_aggregation"] = Json::object();
  expect(job, R"({"privacy": {"clipping_norm": 2, "noise_multiplier": 1.5, "epsilon_max": 8}})",
         {{"/privacy/mechanism",
           "is \"central_gaussian\"; allowed with \"secure_aggregation\": "
           "\"distributed_gaussian\", with which the clients add the noise themselves, since the "
           "server cannot check that integers are clipped, which its own noise relies on"}});
}

TEST_CASE("of a section that is wrong itself nothing else is said") {
  Json job = table_job();
  job["aggregation"] = {{"weighting", "uniform"}};
  job["privacy"] = {{"clipping_norm", 2}, {"noise_multiplier", 1.5}, {"epsilon_max", 8}};
  const Problems median{{"/aggregation/rule", "is \"median\"; allowed: \"mean\""}};
  expect(job, R"({"aggregation": {"rule": "median"}})", median);
  job["privacy"]["mechanism"] = "distributed_gaussian";
  job["secure_aggregation"] = Json::object();
  expect(job, R"({"aggregation": {"rule": "median"}})", median);
  expect(job, R"({"secure_aggregation": {"dropped": 2}})",
         {{"/secure_aggregation/dropped", "is 2; allowed: a number from 0 to 0.5"}});
  job.erase("privacy");
  job["quantisation"] = {{"weight_max", 1}};
  job["rounds"]["staleness"] = {{"max", 2}};
  expect(job, R"({"secure_aggregation": {"dropped": 2}})",
         {{"/secure_aggregation/dropped", "is 2; allowed: a number from 0 to 0.5"}});
}

TEST_CASE("noise of clients goes only with what it covers") {
  Json job = table_job();
  job["aggregation"] = {{"weighting", "uniform"}};
  job["privacy"] = {{"mechanism", "local_gaussian"},
                    {"clipping_norm", 2},
                    {"noise_multiplier", 1.5},
                    {"epsilon_max", 8}};
  job["rounds"] = {{"max", 3}, {"cohort", 20}, {"contributions", {{"min", 6}}}};
  const auto parsed = parse_job(job.dump()).value();
  CHECK(parsed.quantisation == QuantisationSpec{.clipping_norm = 2});
  CHECK(parse_job(parsed.text).value() == parsed);
  const std::string no = "does not go with \"privacy\"; allowed: ";
  const std::string others =
      " without \"evaluation.data\", since no noise would cover the clients' metrics";
  expect(job, R"({"quantisation": {"clipping_norm": 16}})",
         {{"/quantisation/clipping_norm",
           "is 16.0; allowed: 2.0, that of \"privacy\", which the noise is sized for, or none"}});
  expect(job, R"({"evaluation": {"target": 0.5}})", {{"/evaluation/target", no + "none" + others}});
  expect(job, R"({"evaluation": {"patience": 2}})", {{"/evaluation/patience", no + "0" + others}});
  expect(job, R"({"privacy": {"mechanism": "local_laplace"}, "quantisation": {"rotation": true}})",
         {{"/quantisation/rotation",
           no + "false with \"local_laplace\", since a rotation makes the sum of the magnitudes, "
                "which it clips, much longer"}});
  expect(job, R"({"privacy": {"mechanism": "distributed_gaussian"}})",
         {{"/privacy/mechanism",
           "is \"distributed_gaussian\"; allowed: with a section \"secure_aggregation\" only, "
           "since a client's own share of the noise protects it in a sum, and not by itself"}});
  for (const auto& changed :
       {R"({"training": {"update": "gradient"}})", R"({"quantisation": {"clipping_norm": 2}})",
        R"({"quantisation": {"rotation": true}})", R"({"keep": {"rounds": 1}})",
        R"({"secure_aggregation": {}})",
        R"({"privacy": {"mechanism": "distributed_gaussian"}, "secure_aggregation": {}})"}) {
    Json other = job;
    other.merge_patch(Json::parse(changed));
    CHECK(parse_job(other.dump()).has_value());
  }
}

TEST_CASE("a clipping norm adapts only under noise that covers what it follows") {
  Json job = table_job();
  job["aggregation"] = {{"weighting", "uniform"}};
  job["privacy"] = {{"mechanism", "local_gaussian"},
                    {"clipping_norm", 2},
                    {"noise_multiplier", 1.5},
                    {"epsilon_max", 8},
                    {"adaptive", {{"count_noise", 2}}}};
  const auto parsed = parse_job(job.dump()).value();
  CHECK(parsed.privacy->adaptive ==
        AdaptiveClipSpec{.quantile = 0.5, .learning_rate = 0.2, .count_noise = 2});
  CHECK(parse_job(parsed.text).value() == parsed);
  expect(job, R"({"privacy": {"adaptive": {"count_noise": 0.75}}})",
         {{"/privacy/adaptive/count_noise",
           "is 0.75; allowed: above 0.75, half of \"noise_multiplier\", since both noises share "
           "what that promises"}});
  expect(
      job, R"({"privacy": {"mechanism": "local_laplace"}})",
      {{"/privacy/adaptive",
        "does not go with \"local_laplace\"; allowed: none, since its noise would drown how many "
        "updates are within the norm"}});
  job["privacy"]["mechanism"] = "central_gaussian";
  CHECK(parse_job(job.dump()).has_value());
}

TEST_CASE("shares of noise are counted without those of who may tell them") {
  Json job = table_job();
  job["aggregation"] = {{"weighting", "uniform"}};
  job["privacy"] = {{"mechanism", "distributed_gaussian"},
                    {"clipping_norm", 2},
                    {"noise_multiplier", 1.5},
                    {"epsilon_max", 8}};
  job["secure_aggregation"] = {{"corrupted", 0.29}};
  job["rounds"] = {{"max", 3}, {"cohort", 100}, {"contributions", {{"min", 31}}}};
  CHECK(noise_sharers(parse_job(job.dump()).value()) == 2);
  expect(job, R"({"rounds": {"contributions": {"min": 30}}})",
         {{"/rounds/contributions/min",
           "is 30; allowed: at least 31 with \"distributed_gaussian\", since 29 of the cohort may "
           "be corrupted and tell their noise (\"corrupted\" of \"secure_aggregation\"), and that "
           "of 2 others is to be left"}});
  // Sums count in thousandths, and nobody is counted in by that.
  for (const auto& [share, told] : {std::pair{0.2896, 29}, {0.2904, 29}, {0.2999, 30}, {0.0, 0}}) {
    job["secure_aggregation"]["corrupted"] = share;
    job["rounds"]["contributions"]["min"] = 50;
    CHECK(noise_sharers(parse_job(job.dump()).value()) == 50 - told);
  }
}

TEST_CASE("integers go only with what can be summed and clipped as such") {
  Json job = table_job();
  job["quantisation"] = Json::object();
  const std::string no = "does not go with \"quantisation\"; allowed: ";
  expect(job, R"({"rounds": {"staleness": {"max": 1}}})",
         {{"/rounds/staleness/max",
           no + "0, since only integers of the same base version can be summed; or a section "
                "\"secure_aggregation\", with which those of one version are summed together"}});
  expect(job, R"({"training": {"update": "weights"}})",
         {{"/training/update",
           no + "\"delta\" or \"gradient\", since clipping would shrink whole weights"}});
  expect(job,
         R"({"aggregation": {"weighting": "uniform"},
          "privacy": {"clipping_norm": 2, "noise_multiplier": 1.5, "epsilon_max": 8}})",
         {{"/privacy/mechanism",
           "is \"central_gaussian\"; allowed with \"quantisation\": \"local_gaussian\" or "
           "\"local_laplace\", with which the clients add the noise themselves, since the server "
           "cannot check that integers are clipped, which its own noise relies on"}});
  expect(job, R"({"aggregation": {"weighting": "uniform"}, "quantisation": {"weight_max": 2}})",
         {{"/quantisation/weight_max",
           "is 2; allowed: 1 while \"aggregation.weighting\" is \"uniform\", since each client "
           "then counts once"}});
  job["training"] = {{"update", "gradient"}};
  job["aggregation"] = {{"weighting", "uniform"}};
  job["quantisation"] = {{"weight_max", 1}};
  CHECK(parse_job(job.dump()).has_value());
}

TEST_CASE("values of integers and of secure aggregation stay in their ranges") {
  expect(image_job(),
         R"({"quantisation": {"clipping_norm": 0, "steps": 16777217, "weight_max": 0,
                              "rotation": 1, "kept": 0, "bits": 8}})",
         {{"/quantisation/bits",
           "unknown key; allowed: \"clipping_norm\", \"kept\", \"rotation\", \"steps\", "
           "\"weight_max\""},
          {"/quantisation/clipping_norm", "is 0; allowed: a number above 0 and at most 1000000"},
          {"/quantisation/kept", "is 0; allowed: a number above 0 and at most 1"},
          {"/quantisation/rotation", "is 1; allowed: true or false"},
          {"/quantisation/steps", "is 16777217; allowed: a whole number from 2 to 16777216"},
          {"/quantisation/weight_max", "is 0; allowed: a whole number from 1 to 1048576"}});
  expect(image_job(),
         R"({"secure_aggregation": {"adversary": "malicious", "corrupted": 0.6, "dropped": -1,
                                    "phase_s": 0.5}})",
         {{"/secure_aggregation/adversary",
           "is \"malicious\"; allowed: \"curious\" or \"semi_malicious\""},
          {"/secure_aggregation/corrupted", "is 0.6; allowed: a number from 0 to 0.5"},
          {"/secure_aggregation/dropped", "is -1; allowed: a number from 0 to 0.5"},
          {"/secure_aggregation/phase_s", "is 0.5; allowed: a number from 1 to 3600"}});
}

TEST_CASE("secure aggregation goes only with what shows no single update") {
  Json job = table_job();
  job["secure_aggregation"] = Json::object();
  const std::string no = "does not go with \"secure_aggregation\"; allowed: ";
  expect(job, R"({"rounds": {"contributions": {"min": 2}}})",
         {{"/rounds/contributions/min",
           "is 2; allowed: at least 3 with \"secure_aggregation\"" + two}});
  expect(job, R"({"rounds": {"contributions": {"goal": 2}}})",
         {{"/rounds/contributions/goal",
           "is 2; allowed: at least 3 with \"secure_aggregation\"" + two}});
  expect(job, R"({"rounds": {"cohort": 2}})",
         {{"/rounds/cohort", "is 2; allowed: at least 3 with \"secure_aggregation\"" + two}});
  expect(job, R"({"keep": {"rounds": 1}})",
         {{"/keep/rounds", no + "0, since single updates are hidden and cannot be kept"}});
  for (const char* by : {"examples", "loss"}) {
    expect(job, Json({{"rounds", {{"selection", {{"by", by}}}}}}).dump(),
           {{"/rounds/selection/by",
             no + "\"uniform\" or \"speed\", since rows and losses of single clients stay "
                  "hidden"}});
  }
  expect(job,
         R"({"rounds": {"cohort": 3, "contributions": {"goal": 4, "min": 3},
                        "staleness": {"max": 2}}})",
         {{"/rounds/contributions/goal",
           no + "at most rounds.cohort, since each client waits with its update for the sum"}});
  expect(job,
         R"({"rounds": {"cohort": 4, "contributions": {"goal": 4, "min": 3}, "order": "seeded",
                        "staleness": {"max": 2}}})",
         {{"/rounds/order", no + "\"arrival\", since a sum is made of those who are there"}});
  job["rounds"] = {{"max", 5}, {"cohort", 4}, {"contributions", {{"min", 3}}}};
  job["rounds"]["selection"] = {{"by", "speed"}};
  job["inputs"]["scaling"] = "federated";
  CHECK(parse_job(job.dump()).has_value());
  job["rounds"]["staleness"] = {{"max", 3}};
  CHECK(parse_job(job.dump()).has_value());
}

// A person who wrote only one of the two sections reads about that one.
TEST_CASE("secure aggregation needs what its integers need") {
  Json job = table_job();
  job["secure_aggregation"] = Json::object();
  const std::string no = "does not go with \"secure_aggregation\"; allowed: ";
  expect(job, R"({"training": {"update": "weights"}})",
         {{"/training/update",
           no + "\"delta\" or \"gradient\", since clipping would shrink whole weights"}});
  // Nothing is said of what hangs on a section that is itself wrong.
  expect(job, R"({"rounds": {"max": 0}})",
         {{"/rounds/max", "is 0; allowed: a whole number from 1 to 1000000"}});
  expect(job, R"({"quantisation": {"steps": 0}})",
         {{"/quantisation/steps", "is 0; allowed: a whole number from 2 to 16777216"}});
}

TEST_CASE("homomorphic encryption needs what hides updates needs, and stands alone") {
  Json job = table_job();
  job["homomorphic_encryption"] = {{"key_holder", "uni"}, {"public_key", std::string(516, 'k')}};
  const std::string no = "does not go with \"homomorphic_encryption\"; allowed: ";
  expect(job, R"({"rounds": {"contributions": {"min": 2}}, "keep": {"rounds": 1}})",
         {{"/rounds/contributions/min",
           "is 2; allowed: at least 3 with \"homomorphic_encryption\"" + two},
          {"/keep/rounds", no + "0, since single updates are hidden and cannot be kept"}});
  expect(job, R"({"rounds": {"staleness": {"max": 3}}})",
         {{"/rounds/staleness/max",
           no + "0, since only integers of the same base version can be summed; or a section "
                "\"secure_aggregation\", with which those of one version are summed together"}});
  expect(job, R"({"homomorphic_encryption": {"public_key": "short"}})",
         {{"/homomorphic_encryption/public_key",
           "is \"short\"; allowed: a public key of `fedclient key`: 516 characters of A-Z, a-z, "
           "0-9, - and _"}});
  const std::string of_a_link(43, 'k');
  expect(job, R"({"homomorphic_encryption": {"public_key": ")" + of_a_link + R"("}})",
         {{"/homomorphic_encryption/public_key",
           "has 43 characters, as the keys of links and of identities have; needed: the one that "
           "`fedclient key FILE` prints on the key holder, of 516 characters"}});
  expect(job, R"({"secure_aggregation": {}})",
         {{"/homomorphic_encryption",
           "does not go with \"secure_aggregation\"; allowed: one of the two; masks do for large "
           "models too, and need no key holder"}});
}

}  // namespace
}  // namespace fed::config
