// Every mistake that a job file can have beyond a wrong value, with the whole message.
#include "config/job.h"
#include "helpers.h"

namespace fed::config {
namespace {

Json image_job() {
  return Json::parse(R"({"name": "a", "rounds": {"max": 5, "cohort": 4},
    "model": {"type": "mlp", "inputs": 3, "hidden": [4], "outputs": 2}})");
}

Json table_job() {
  return Json::parse(
      R"({"name": "a", "rounds": {"max": 5, "cohort": 4}, "model": {"type": "logistic"},
    "inputs": {"columns": [{"name": "age"}, {"name": "pain", "type": "category", "values": ["1", "2"]}],
               "label": {"name": "y", "classes": ["no", "yes"]}}})");
}

// `job` with the values of `patch`, merged as RFC 7396 says (null removes a key), has exactly these
// problems.
void expect(Json job, const std::string& patch, const Problems& problems) {
  INFO(patch);
  REQUIRE(parse_job(job.dump()).has_value());
  job.merge_patch(Json::parse(patch));
  const auto parsed = parse_job(job.dump());
  REQUIRE_FALSE(parsed.has_value());
  CHECK(parsed.error() == problems);
}

TEST_CASE("what belongs to one type of model, optimizer or column is refused with another") {
  expect(image_job(), R"({"model": {"type": "softmax"}})",
         {{"/model/hidden", "is not allowed unless \"type\" is \"mlp\""}});
  expect(image_job(), R"({"model": {"hidden": null}})",
         {{"/model/hidden", "is missing; needed when \"type\" is \"mlp\""}});
  expect(image_job(), R"({"model": {"type": "linear", "hidden": null}})",
         {{"/model/outputs", "is 2; allowed: at most 1 when \"type\" is \"linear\""}});
  expect(image_job(), R"({"model": {"type": "softmax", "hidden": null, "loss": "squared_error"}})",
         {{"/model/loss",
           "is \"squared_error\"; allowed: \"cross_entropy\" when \"type\" is \"softmax\""}});
  expect(image_job(), R"({"training": {"optimizer": {"type": "adam", "momentum": 0.9}}})",
         {{"/training/optimizer/momentum", "is not allowed when \"type\" is \"adam\""}});
  expect(image_job(),
         R"({"aggregation": {"server_optimizer": {"type": "sgd", "epsilon": 0.1, "beta1": 0}}})",
         {{"/aggregation/server_optimizer/beta1", "is not allowed when \"type\" is \"sgd\""},
          {"/aggregation/server_optimizer/epsilon", "is not allowed when \"type\" is \"sgd\""}});
  expect(image_job(), R"({"aggregation": {"server_optimizer": {"type": "yogi", "momentum": 0}}})",
         {{"/aggregation/server_optimizer/momentum",
           "is not allowed when \"type\" is \"adam\" or \"yogi\""}});
  expect(table_job(), R"({"inputs": {"columns": [{"name": "a", "type": "category"}]}})",
         {{"/inputs/columns/0/values", "is missing; needed when \"type\" is \"category\""}});
  expect(table_job(), R"({"inputs": {"columns": [{"name": "a", "values": ["1"]}]}})",
         {{"/inputs/columns/0/values", "is not allowed unless \"type\" is \"category\""}});
  expect(
      table_job(),
      R"({"inputs": {"columns": [{"name": "a", "type": "category", "values": ["1"], "mean": 1}]}})",
      {{"/inputs/columns/0/mean", "is not allowed when \"type\" is \"category\""}});
}

TEST_CASE("a gradient job refuses what belongs to local training") {
  expect(
      image_job(),
      R"({"training": {"update": "gradient", "epochs": 2, "proximal": 0.1, "optimizer": {"type": "sgd"}}})",
      {{"/training/epochs", "is 2; allowed: at most 1 when \"update\" is \"gradient\""},
       {"/training/optimizer", "is not allowed when \"update\" is \"gradient\""},
       {"/training/proximal", "is 0.1; allowed: at most 0 when \"update\" is \"gradient\""}});
}

TEST_CASE("contributions stay within the cohort") {
  expect(image_job(), R"({"rounds": {"contributions": {"goal": 5}}})",
         {{"/rounds/contributions/goal", "is 5; allowed: at most \"cohort\", which is 4"}});
  expect(image_job(), R"({"rounds": {"contributions": {"min": 4, "goal": 3}}})",
         {{"/rounds/contributions/min", "is 4; allowed: at most \"goal\", which is 3"}});
  expect(image_job(), R"({"rounds": {"contributions": {"min": 0}}})",
         {{"/rounds/contributions/min", "is 0; allowed: a whole number from 1 to 1000000"}});
}

TEST_CASE("the model fits the inputs, the classes and the loss") {
  expect(image_job(), R"({"model": {"inputs": null}})",
         {{"/model/inputs",
           "is missing; needed: a whole number from 1 to 10000000, or the section \"inputs\""}});
  expect(image_job(), R"({"model": {"outputs": null}})",
         {{"/model/outputs", "is missing; needed: the number of classes"}});
  expect(image_job(), R"({"model": {"outputs": 1, "loss": "cross_entropy"}})",
         {{"/model/outputs", "is 1; allowed: at least 2 when \"loss\" is \"cross_entropy\""}});
  expect(image_job(), R"({"model": {"loss": "squared_error"}})",
         {{"/model/outputs", "is 2; allowed: 1 when \"loss\" is \"squared_error\""}});
  expect(table_job(), R"({"model": {"inputs": 5}})",
         {{"/model/inputs", "is 5; allowed: 3, which is what \"inputs\" encodes to"}});
  expect(table_job(), R"({"model": {"type": "softmax", "outputs": 3}})",
         {{"/inputs/label/classes", "has 2 items; allowed: 3, as the model tells apart"}});
  expect(table_job(), R"({"inputs": {"label": {"classes": ["1", "2", "3"]}}})",
         {{"/inputs/label/classes", "has 3 items; allowed: 2, as the model tells apart"}});
  expect(table_job(), R"({"model": {"type": "linear"}})",
         {{"/inputs/label/classes",
           "has 2 items; allowed: none when the model's loss is \"squared_error\", which predicts "
           "a number"}});
  expect(table_job(), R"({"model": {"type": "softmax"}, "inputs": {"label": {"classes": null}}})",
         {{"/model/outputs", "is missing; needed: the number of classes"}});
}

TEST_CASE("class weights are one for each class") {
  expect(image_job(), R"({"training": {"class_weights": [1, 2, 3]}})",
         {{"/training/class_weights", "has 3 items; allowed: 2, one for each class, or none"}});
  expect(table_job(), R"({"training": {"class_weights": [1]}})",
         {{"/training/class_weights", "has 1 item; allowed: 2, one for each class, or none"}});
  expect(
      image_job(), R"({"model": {"outputs": 1}, "training": {"class_weights": [1]}})",
      {{"/training/class_weights", "has 1 item; allowed: none when the model predicts a number"}});
  expect(image_job(), R"({"training": {"class_weights": [1, 0]}})",
         {{"/training/class_weights/1", "is 0; allowed: a number above 0 and at most 1000000"}});
}

TEST_CASE("the metric fits the model, the target fits the metric") {
  expect(image_job(), R"({"evaluation": {"metric": "rmse"}})",
         {{"/evaluation/metric",
           "is \"rmse\"; allowed: \"accuracy\", \"auc\" or \"loss\" for classes"}});
  expect(image_job(), R"({"model": {"outputs": 1}, "evaluation": {"metric": "accuracy"}})",
         {{"/evaluation/metric",
           "is \"accuracy\"; allowed: \"rmse\", \"mae\", \"r2\" or \"loss\" for a number"}});
  expect(image_job(), R"({"model": {"outputs": 3}, "evaluation": {"metric": "auc"}})",
         {{"/evaluation/metric",
           "is \"auc\", which needs 2 classes; allowed: \"accuracy\" or \"loss\""}});
  expect(image_job(), R"({"evaluation": {"target": 87}})",
         {{"/evaluation/target",
           "is 87.0; allowed: a number from 0 to 1 when \"metric\" is \"accuracy\""}});
  expect(image_job(), R"({"evaluation": {"metric": "loss", "target": -0.1}})",
         {{"/evaluation/target",
           "is -0.1; allowed: a number at least 0 when \"metric\" is \"loss\""}});
  expect(image_job(), R"({"model": {"outputs": 1}, "evaluation": {"metric": "r2", "target": 2}})",
         {{"/evaluation/target", "is 2.0; allowed: a number at most 1 when \"metric\" is \"r2\""}});
  expect(image_job(), R"({"evaluation": {"every": 0, "target": 0.5, "patience": 3}})",
         {{"/evaluation/target", "is never compared, since \"every\" is 0; allowed: none"},
          {"/evaluation/patience", "never ends, since \"every\" is 0; allowed: 0"}});
}

TEST_CASE("a negative r2 is a target like another") {
  Json job = image_job();
  job.merge_patch(
      Json::parse(R"({"model": {"outputs": 1}, "evaluation": {"metric": "r2", "target": -1}})"));
  CHECK(parse_job(job.dump()).value().evaluation.target == -1);
}

TEST_CASE("columns, categories and classes have distinct names") {
  expect(table_job(), R"({"inputs": {"columns": [{"name": "a"}, {"name": "b"}, {"name": "a"}]}})",
         {{"/inputs/columns/2/name", "is \"a\", as of an earlier column"}});
  expect(table_job(), R"({"inputs": {"columns": [{"name": "y"}]}})",
         {{"/inputs/label/name", "is \"y\", which is also a column"}});
  expect(
      table_job(),
      R"({"inputs": {"columns": [{"name": "a", "type": "category", "values": ["1", "2", "1"]}]}})",
      {{"/inputs/columns/0/values/2", "is \"1\", as an earlier item"}});
  expect(table_job(), R"({"inputs": {"label": {"classes": ["no", "no"]}}})",
         {{"/inputs/label/classes/1", "is \"no\", as an earlier item"}});
}

TEST_CASE("constants are given for every number, and only for constants") {
  expect(table_job(), R"({"inputs": {"scaling": "constants"}})",
         {{"/inputs/columns/0/mean", "is missing; needed when \"scaling\" is \"constants\""},
          {"/inputs/columns/0/deviation", "is missing; needed when \"scaling\" is \"constants\""}});
  expect(table_job(), R"({"inputs": {"columns": [{"name": "a", "mean": 1, "deviation": 2}]}})",
         {{"/inputs/columns/0/mean", "is not allowed unless \"scaling\" is \"constants\""},
          {"/inputs/columns/0/deviation", "is not allowed unless \"scaling\" is \"constants\""}});
  expect(table_job(), R"({"inputs": {"columns": [{"name": "a", "mean": 1, "deviation": 0}]}})",
         {{"/inputs/columns/0/deviation", "is 0; allowed: a number above 0"}});
}

TEST_CASE("test data of the server fits the inputs") {
  expect(table_job(),
         R"({"evaluation": {"data": {"format": "idx", "images": "i", "labels": "l"}}})",
         {{"/evaluation/data/format",
           "is \"idx\"; allowed: \"csv\", since \"inputs\" names columns"}});
  expect(table_job(), R"({"evaluation": {"data": {"format": "csv", "path": "p", "label": "z"}}})",
         {{"/evaluation/data/label", "is \"z\"; allowed: \"y\", the label of \"inputs\""}});
  expect(
      table_job(),
      R"({"evaluation": {"data": {"format": "csv", "path": "p", "columns": {"agee": "A", "q": "B"}}}})",
      {{"/evaluation/data/columns/agee", "is no column of \"inputs\"; did you mean \"age\"?"},
       {"/evaluation/data/columns/q", "is no column of \"inputs\"; did you mean \"y\"?"}});
  expect(image_job(), R"({"evaluation": {"data": {"format": "csv", "path": "p"}}})",
         {{"/evaluation/data/label", "is missing; needed: the name of the label's column"}});
  expect(image_job(), R"({"evaluation": {"data": {"format": "idx", "path": "p", "images": "i"}}})",
         {{"/evaluation/data/path", "is not allowed when \"format\" is \"idx\""},
          {"/evaluation/data/labels", "is missing; needed when \"format\" is \"idx\""}});
  expect(
      image_job(),
      R"({"evaluation": {"data": {"format": "csv", "path": "p", "label": "y", "features": "some"}}})",
      {{"/evaluation/data/features",
        "is \"some\"; allowed: \"all\" or a list of 1 to 10000 items"}});
}

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
  expect(job, R"({"training": {"update": "gradient"}})", {{"/training/update", no + "\"delta\""}});
  expect(job, R"({"privacy": {"clipping_norm": 65}})",
         {{"/aggregation/update_limit", no + "at least \"clipping_norm\", which is 65.0"}});
  expect(job, R"({"rounds": {"staleness": {"max": 1}}})", {{"/rounds/staleness/max", no + "0"}});
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
           no + "no section \"privacy\", since the server cannot check the clipping of integers"}});
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
           no + "at least 3, since each of two clients would learn the other's update from the "
                "sum"}});
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
           no + "at least 3, since each of two clients would learn the other's update from the "
                "sum"},
          {"/keep/rounds", no + "0, since single updates are hidden and cannot be kept"}});
  expect(job, R"({"rounds": {"staleness": {"max": 3}}})",
         {{"/rounds/staleness/max",
           no + "0, since only integers of the same base version can be summed; or a section "
                "\"secure_aggregation\", with which those of one version are summed together"}});
  expect(job, R"({"homomorphic_encryption": {"public_key": "short"}})",
         {{"/homomorphic_encryption/public_key",
           "is \"short\"; allowed: a public key of `fedclient key`: 516 characters of A-Z, a-z, "
           "0-9, - and _"}});
  expect(job, R"({"secure_aggregation": {}})",
         {{"/homomorphic_encryption",
           "does not go with \"secure_aggregation\"; allowed: one of the two; masks do for large "
           "models too, and need no key holder"}});
}

TEST_CASE("all problems of a job come at once") {
  expect(image_job(),
         R"({"name": "My job", "model": {"inputs": 0, "depth": 3}, "rounds": {"cohort": "ten"},
             "training": {"batchsize": 1, "optimizer": {"learning_rate": 1}}, "evaluation": {"every": -1}})",
         {{"/evaluation/every", "is -1; allowed: a whole number from 0 to 1000000"},
          {"/model/depth",
           "unknown key; allowed: \"activation\", \"hidden\", \"inputs\", \"loss\", \"outputs\", "
           "\"seed\", \"type\""},
          {"/model/inputs", "is 0; allowed: a whole number from 1 to 10000000"},
          {"/name",
           "is \"My job\"; allowed: a name of 1 to 63 characters of a-z, 0-9, - and _, the first a "
           "letter or digit"},
          {"/rounds/cohort", "is \"ten\"; allowed: a whole number from 1 to 1000000"},
          {"/training/batchsize", "unknown key; did you mean \"batch_size\"?"},
          {"/training/optimizer/type", "is missing; needed: \"sgd\" or \"adam\""}});
}

TEST_CASE("problems between keys come at once too") {
  expect(
      image_job(),
      R"({"model": {"inputs": null}, "rounds": {"contributions": {"goal": 9}}, "evaluation": {"metric": "mae"}})",
      {{"/model/inputs",
        "is missing; needed: a whole number from 1 to 10000000, or the section \"inputs\""},
       {"/rounds/contributions/goal", "is 9; allowed: at most \"cohort\", which is 4"},
       {"/evaluation/metric",
        "is \"mae\"; allowed: \"accuracy\", \"auc\" or \"loss\" for classes"}});
}

TEST_CASE(
    "problems between keys come with those of single values, where they do not hang on them") {
  const Problem typo{"/training/epochs", "is 0; allowed: a whole number from 1 to 10000"};
  const Problem min{"/rounds/seconds/min", "is 9.0; allowed: at most \"max\", which is 2.0"};
  const Problem metric{"/evaluation/metric",
                       "is \"mae\"; allowed: \"accuracy\", \"auc\" or \"loss\" for classes"};
  const std::string rounds = R"("rounds": {"seconds": {"min": 9, "max": 2}})";
  expect(image_job(),
         R"({"training": {"epochs": 0}, "evaluation": {"metric": "mae"}, )" + rounds + "}",
         {typo, min, metric});
  // What fits a metric is not known while the model's loss is not.
  expect(image_job(),
         R"({"model": {"loss": "mse"}, "evaluation": {"metric": "mae"}, )" + rounds + "}",
         {{"/model/loss",
           "is \"mse\"; allowed: \"squared_error\", \"binary_cross_entropy\" or \"cross_entropy\""},
          min});
  expect(image_job(), R"({"rounds": {"cohort": "ten", "seconds": {"min": 9, "max": 2}}})",
         {{"/rounds/cohort", "is \"ten\"; allowed: a whole number from 1 to 1000000"}});
  expect(
      table_job(),
      R"({"inputs": {"scaling": "no"}, "evaluation": {"metric": "mae"}, )" + rounds + "}",
      {{"/inputs/scaling", "is \"no\"; allowed: \"none\", \"federated\" or \"constants\""}, min});
}

TEST_CASE(
    "a job that its defaults make too large is refused, since its text could not be read again") {
  Json job = table_job();
  Json& columns = job["inputs"]["columns"];
  columns = Json::array();
  const std::string stem(80, 'c');
  for (int i = 0; i < 10000; ++i) columns.push_back({{"name", stem + std::to_string(i)}});
  const auto parsed = parse_job(job.dump());
  REQUIRE_FALSE(parsed.has_value());
  CHECK(parsed.error() == Problems{{"", "has more than 1048576 bytes with its defaults"}});
}

}  // namespace
}  // namespace fed::config
