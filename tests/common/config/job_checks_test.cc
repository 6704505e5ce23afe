// Every mistake that a job file can have beyond a wrong value, with the whole message.
#include "config/job.h"
#include "job_cases.h"

namespace fed::config {
namespace {

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
