#include "config/job.h"

#include <fstream>

#include "helpers.h"

namespace fed::config {
namespace {

const char* shortest =
    R"({"name": "a", "model": {"type": "linear", "inputs": 3}, "rounds": {"max": 5, "cohort": 4}})";

TEST_CASE("the interface document's example becomes the values it says") {
  const JobSpec job = load_job_file(source_folder() / "configs/jobs/fashion.json").value();
  CHECK(job.name == "fashion");
  CHECK(job.model.type == "mlp");
  CHECK(job.model.inputs == 784);
  CHECK(job.model.hidden == std::vector<std::int64_t>{200, 200});
  CHECK(job.model.outputs == 10);
  CHECK(job.model.activation == "relu");
  CHECK(job.model.loss == "cross_entropy");
  CHECK(job.training.update == TrainingSpec::Update::delta);
  CHECK(job.training.optimizer.learning_rate == 0.05);
  CHECK(job.training.optimizer.momentum == 0.9);
  CHECK(job.rounds.max == 50);
  CHECK(job.rounds.cohort == 10);
  CHECK(job.rounds.contributions_min == 8);
  CHECK(job.rounds.contributions_goal == 10);
  CHECK(job.rounds.seconds_max == 120);
  CHECK(job.rounds.seconds_select == 30);
  CHECK(job.rounds.seed == 7);
  CHECK(job.aggregation.update_limit == 64);
  CHECK(job.aggregation.server_optimizer.learning_rate == 1);
  CHECK(job.evaluation.metric == "accuracy");
  CHECK(job.evaluation.target == 0.87);
  CHECK_FALSE(job.inputs);
}

TEST_CASE(
    "a short job gets the defaults, those of the struct and those that follow from other keys") {
  const JobSpec job = parse_job(shortest).value();
  JobSpec expected;
  expected.name = "a";
  expected.model = {.type = "linear", .inputs = 3, .hidden = {}, .loss = "squared_error"};
  expected.rounds = {.max = 5, .cohort = 4, .contributions_min = 4, .contributions_goal = 4};
  expected.evaluation.metric = "rmse";
  expected.text = job.text;
  CHECK(job == expected);
  CHECK(
      job.text ==
      R"({"aggregation":{"rule":"mean","server_optimizer":{"learning_rate":1.0,"momentum":0.0,"type":"sgd"},)"
      R"("update_limit":64.0,"weighting":"examples"},"evaluation":{"every":1,"metric":"rmse","patience":0},"keep":{"rounds":0},)"
      R"("model":{"inputs":3,"loss":"squared_error","outputs":1,"seed":1,"type":"linear"},"name":"a",)"
      R"("rounds":{"cohort":4,"contributions":{"goal":4,"min":4},"max":5,"order":"arrival",)"
      R"("seconds":{"deviations":0.0,"max":600.0,"min":0.0,"select":30.0},)"
      R"("seed":1,"selection":{"by":"uniform","candidates":0},)"
      R"("staleness":{"exponent":0.5,"grace":4,"max":0,"slope":10.0,"weight":"polynomial"}},"training":{"batch_size":32,"class_weights":[],"epochs":1,)"
      R"("optimizer":{"learning_rate":0.01,"momentum":0.0,"type":"sgd"},"proximal":0.0,"update":"delta",)"
      R"("weight_decay":0.0}})");
}

JobSpec with(const char* key, const char* section) {
  Json job = Json::parse(shortest);
  job[key] = Json::parse(section);
  return parse_job(job.dump()).value();
}

TEST_CASE("an optimizer's defaults depend on its type and its side") {
  CHECK(with("training", R"({"optimizer": {"type": "adam"}})").training.optimizer ==
        OptimizerSpec{"adam", 0.001, 0, 0.9, 0.999, 1e-8});
  CHECK(with("training", R"({"optimizer": {"type": "sgd"}})").training.optimizer ==
        OptimizerSpec{"sgd", 0.01, 0, 0.9, 0.999, 1e-8});
  const auto server = [](const char* type) {
    const std::string section = std::string(R"({"server_optimizer": {"type": ")") + type + "\"}}";
    return with("aggregation", section.c_str()).aggregation.server_optimizer;
  };
  CHECK(server("sgd") == OptimizerSpec{"sgd", 1, 0, 0.9, 0.999, 1e-8});
  CHECK(server("adam") == OptimizerSpec{"adam", 0.01, 0, 0.9, 0.99, 1e-3});
  CHECK(server("yogi") == OptimizerSpec{"yogi", 0.01, 0, 0.9, 0.99, 1e-3});
  CHECK(server("adagrad") == OptimizerSpec{"adagrad", 0.01, 0, 0, 0.999, 1e-3});
}

TEST_CASE("contributions follow the cohort, the least follows the goal") {
  const auto rounds = [](const char* section) { return with("rounds", section).rounds; };
  CHECK(rounds(R"({"max": 1, "cohort": 9})").contributions_min == 9);
  const auto goal = rounds(R"({"max": 1, "cohort": 9, "contributions": {"goal": 7}})");
  CHECK(goal.contributions_goal == 7);
  CHECK(goal.contributions_min == 7);
  const auto least = rounds(R"({"max": 1, "cohort": 9, "contributions": {"min": 2}})");
  CHECK(least.contributions_goal == 9);
  CHECK(least.contributions_min == 2);
}

// A job over three inputs (age: 1, pain: 2 values), with the model and label given.
Checked<JobSpec> table(const char* model, const char* label, const char* rest = "{}") {
  Json job = Json::parse(shortest);
  job["model"] = Json::parse(model);
  job["inputs"] = Json::parse(R"({"columns": [{"name": "age"},
    {"name": "pain", "type": "category", "values": ["1", "2"]}]})");
  job["inputs"]["label"] = Json::parse(label);
  job["inputs"].update(Json::parse(rest));
  return parse_job(job.dump());
}

TEST_CASE("a table's model takes its inputs, outputs and loss from the columns and the label") {
  const auto model = [](const char* given, const char* label) {
    return table(given, label).value().model;
  };
  const char *number = R"({"name": "y"})", *two = R"({"name": "y", "classes": ["a", "b"]})",
             *three = R"({"name": "y", "classes": ["a", "b", "c"]})";
  CHECK(model(R"({"type": "linear"})", number).inputs == 3);
  CHECK(model(R"({"type": "logistic"})", two).loss == "binary_cross_entropy");
  CHECK(model(R"({"type": "softmax"})", two).outputs == 2);
  CHECK(model(R"({"type": "softmax"})", three).outputs == 3);
  const auto mlp_number = model(R"({"type": "mlp", "hidden": [4]})", number);
  CHECK(mlp_number.outputs == 1);
  CHECK(mlp_number.loss == "squared_error");
  const auto mlp_two = model(R"({"type": "mlp", "hidden": [4]})", two);
  CHECK(mlp_two.outputs == 2);
  CHECK(mlp_two.loss == "cross_entropy");
  const auto mlp_yes_no = model(R"({"type": "mlp", "hidden": [4], "outputs": 1})", two);
  CHECK(mlp_yes_no.loss == "binary_cross_entropy");
  CHECK(model(R"({"type": "mlp", "hidden": [4], "loss": "binary_cross_entropy"})", two).outputs ==
        1);
  CHECK(model(R"({"type": "mlp", "hidden": [4]})", three).outputs == 3);
}

TEST_CASE("the encoded width counts indicators and the category for others") {
  const auto width = [](const char* rest) {
    return table(R"({"type": "linear"})", R"({"name": "y"})", rest).value().model.inputs;
  };
  CHECK(width("{}") == 1 + 2);
  CHECK(width(R"({"missing": "refuse"})") == 1 + 2);
  CHECK(width(R"({"missing": "mean_and_indicator"})") == 2 + 2);
  CHECK(width(R"({"unknown_category": "other"})") == 1 + 3);
  CHECK(width(R"({"missing": "mean_and_indicator", "unknown_category": "other"})") == 2 + 3);
}

TEST_CASE("the inputs section becomes the values it says") {
  const JobSpec job = load_job_file(source_folder() / "configs/jobs/heart.json").value();
  REQUIRE(job.inputs);
  CHECK(job.inputs->columns.size() == 6);
  CHECK(job.inputs->columns[0] ==
        ColumnSpec{"age", ColumnSpec::Type::number, {}, std::nullopt, std::nullopt});
  CHECK(job.inputs->columns[5] ==
        ColumnSpec{"sex", ColumnSpec::Type::category, {"0", "1"}, std::nullopt, std::nullopt});
  CHECK(job.inputs->label == "outcome");
  CHECK(job.inputs->classes == std::vector<std::string>{"0", "1"});
  CHECK(job.inputs->scaling == InputsSpec::Scaling::federated);
  CHECK(job.inputs->missing == InputsSpec::Missing::mean_and_indicator);
  CHECK(job.inputs->unknown_category == InputsSpec::Unknown::other);
  CHECK(job.model.inputs == 4 * 2 + 5 + 3);
  CHECK(job.training.class_weights == std::vector<double>{1, 1.2});
  CHECK(job.evaluation.metric == "auc");
}

TEST_CASE("a gradient job has one pass and no local optimizer") {
  const JobSpec job = with("training", R"({"update": "gradient"})");
  CHECK(job.training.update == TrainingSpec::Update::gradient);
  CHECK(job.training.optimizer == OptimizerSpec{.type = "sgd"});
  CHECK(Json::parse(job.text)["training"].contains("optimizer") == false);
}

TEST_CASE("test data of the server: paths from the job's folder, the label from the inputs") {
  const char* evaluation = R"({"data": {"format": "idx", "images": "i", "labels": "/abs/l"}})";
  Json job = Json::parse(shortest);
  job["evaluation"] = Json::parse(evaluation);
  const JobSpec from_folder = parse_job(job.dump(), "/jobs/here").value();
  REQUIRE(from_folder.evaluation.data);
  CHECK(from_folder.evaluation.data->images == "/jobs/here/i");
  CHECK(from_folder.evaluation.data->labels == "/abs/l");
  CHECK(from_folder.evaluation.data->test_fraction == 0);
  CHECK(Json::parse(from_folder.text)["evaluation"]["data"]["images"] == "/jobs/here/i");
  CHECK(parse_job(from_folder.text, "/somewhere/else").value() == from_folder);
  CHECK(parse_job(job.dump()).value().evaluation.data->images == "i");
  const JobSpec stay = load_job_file(source_folder() / "configs/jobs/stay-length.json").value();
  CHECK(stay.evaluation.data->label == "days");
  CHECK(stay.evaluation.data->delimiter == ',');
}

TEST_CASE("a job's text is canonical: it gives the same job and the same text") {
  for (const auto& path : examples("configs/jobs")) {
    INFO(path);
    const JobSpec job = load_job_file(path).value();
    CHECK(parse_job(job.text).value() == job);
    CHECK(parse_job(Json::parse(job.text).dump(4)).value().text == job.text);
  }
}

TEST_CASE("the order of keys, spaces and the form of numbers do not change the text") {
  const JobSpec job = parse_job(shortest).value();
  CHECK(
      parse_job(
          "\xef\xbb\xbf{ \"rounds\": {\"cohort\": 4.0, \"max\": 5e0, \"seconds\": {\"max\": 600}},"
          "\"name\": \"\\u0061\", \"model\": {\"inputs\": 3, \"type\": \"linear\"}}\r\n")
          .value() == job);
}

TEST_CASE("no cut or changed byte does more than give problems, or another good job") {
  const std::string text = content_of(source_folder() / "configs/jobs/heart.json");
  int good = 0, bad = 0;
  const auto check = [&](const std::string& changed) {
    const auto parsed = parse_job(changed);
    if (!parsed) {
      CHECK_FALSE(parsed.error().empty());
      ++bad;
      return;
    }
    CHECK(parse_job(parsed->text).value() == *parsed);
    ++good;
  };
  const std::string bytes("\"0-}\0\xff", 6);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i + 2 < text.size()) CHECK(parse_json(text.substr(0, i)).has_error());
    std::string changed = text;
    changed[i] = bytes[i % bytes.size()];
    check(changed);
  }
  CHECK(good > 0);
  CHECK(bad > good);
}

TEST_CASE("a folder that is no UTF-8 does not stop a job from being read") {
  Json job = Json::parse(shortest);
  job["evaluation"] = Json::parse(R"({"data": {"format": "csv", "path": "t", "label": "y"}})");
  const JobSpec parsed = parse_job(job.dump(), "/\xff").value();
  CHECK(parse_job(parsed.text).value().evaluation.data->path == "/\xef\xbf\xbd/t");
}

TEST_CASE("a job file is read from where it lies") {
  const auto folder = std::filesystem::temp_directory_path() / "fed_config_job_test";
  std::filesystem::create_directories(folder);
  Json job = Json::parse(shortest);
  job["evaluation"] =
      Json::parse(R"({"data": {"format": "csv", "path": "../t.csv", "label": "y"}})");
  std::ofstream(folder / "job.json") << job;
  const JobSpec loaded = load_job_file(folder / "job.json").value();
  CHECK(loaded.evaluation.data->path == folder.parent_path() / "t.csv");
  std::filesystem::remove_all(folder);
  CHECK(load_job_file(folder / "job.json").error() == Problems{{"", "there is no such file"}});
}

JobSpec with(const char* patch) {
  Json job = Json::parse(shortest);
  job.merge_patch(Json::parse(patch));
  return parse_job(job.dump()).value();
}

TEST_CASE("a job without the sections of sums has none, also in its text") {
  const JobSpec job = with("{}");
  CHECK_FALSE(job.quantisation);
  CHECK_FALSE(job.secure_aggregation);
  CHECK_FALSE(Json::parse(job.text).contains("quantisation"));
}

TEST_CASE("an empty section of integers gets its defaults, by the weighting") {
  const JobSpec by_rows = with(R"({"quantisation": {}})");
  CHECK(by_rows.quantisation == QuantisationSpec{.weight_max = 65536});
  CHECK_FALSE(by_rows.secure_aggregation);
  const JobSpec uniform = with(R"({"quantisation": {}, "aggregation": {"weighting": "uniform"}})");
  CHECK(uniform.quantisation == QuantisationSpec{});
  CHECK(Json::parse(uniform.text)["quantisation"] ==
        Json::parse(R"({"clipping_norm": 16.0, "steps": 65536, "weight_max": 1, "rotation": false,
                        "kept": 1.0})"));
}

TEST_CASE("an empty section of secure aggregation is enough, and brings its integers") {
  const JobSpec job = with(R"({"secure_aggregation": {}})");
  CHECK(job.secure_aggregation == SecureAggregationSpec{});
  CHECK(job.quantisation == QuantisationSpec{.weight_max = 65536});
  const JobSpec both = with(R"({"secure_aggregation": {}, "quantisation": {}})");
  CHECK(job.text == both.text);  // the defaults of the struct are those of the schema
  CHECK(Json::parse(job.text)["secure_aggregation"] ==
        Json::parse(R"({"adversary": "semi_malicious", "corrupted": 0.05, "dropped": 0.05,
                        "phase_s": 30.0})"));
}

TEST_CASE("homomorphic encryption brings its integers too") {
  const std::string key(516, 'k');
  const JobSpec job =
      with((R"({"homomorphic_encryption": {"key_holder": "uni", "public_key": ")" + key + "\"}}")
               .c_str());
  CHECK(job.homomorphic_encryption == HomomorphicEncryptionSpec{key, "uni"});
  CHECK(job.quantisation == QuantisationSpec{.weight_max = 65536});
  CHECK(job.hides_updates());
  CHECK(parse_job(job.text).value() == job);
}

TEST_CASE("what the sections of sums say is what the job has, and its text says it again") {
  const JobSpec job = with(R"({
    "quantisation": {"clipping_norm": 2.5, "steps": 255, "weight_max": 1048576, "rotation": true,
                     "kept": 0.25},
    "secure_aggregation": {"adversary": "curious", "corrupted": 0, "dropped": 0.5,
                           "phase_s": 1}})");
  CHECK(job.quantisation == QuantisationSpec{2.5, 255, 1048576, true, 0.25});
  CHECK(job.secure_aggregation ==
        SecureAggregationSpec{SecureAggregationSpec::Adversary::curious, 0, 0.5, 1});
  CHECK(parse_job(job.text).value() == job);
  const JobSpec filled = with(R"({"secure_aggregation": {}})");
  CHECK(parse_job(filled.text).value() == filled);
}

}  // namespace
}  // namespace fed::config
