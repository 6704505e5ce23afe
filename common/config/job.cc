#include "config/job.h"

#include "config/checks.h"
#include "config/read.h"

namespace fed::config {
namespace {

using Update = TrainingSpec::Update;
using Weighting = AggregationSpec::Weighting;
using By = SelectionSpec::By;
using StaleWeight = StalenessSpec::Weight;
using Order = RoundsSpec::Order;
using Scaling = InputsSpec::Scaling;
using Mechanism = PrivacySpec::Mechanism;
using Missing = InputsSpec::Missing;
using Unknown = InputsSpec::Unknown;
using ColumnType = ColumnSpec::Type;

constexpr Name<Update> updates[] = {
    {Update::delta, "delta"}, {Update::gradient, "gradient"}, {Update::weights, "weights"}};
constexpr Name<By> selections[] = {
    {By::uniform, "uniform"}, {By::examples, "examples"}, {By::speed, "speed"}, {By::loss, "loss"}};
constexpr Name<StaleWeight> stale_weights[] = {{StaleWeight::constant, "constant"},
                                               {StaleWeight::polynomial, "polynomial"},
                                               {StaleWeight::hinge, "hinge"}};
constexpr Name<Order> orders[] = {{Order::arrival, "arrival"}, {Order::seeded, "seeded"}};
constexpr Name<Weighting> weightings[] = {{Weighting::examples, "examples"},
                                          {Weighting::uniform, "uniform"}};
constexpr Name<Scaling> scalings[] = {
    {Scaling::none, "none"}, {Scaling::federated, "federated"}, {Scaling::constants, "constants"}};
constexpr Name<Mechanism> mechanisms[] = {{Mechanism::central_gaussian, "central_gaussian"},
                                          {Mechanism::distributed_gaussian, "distributed_gaussian"},
                                          {Mechanism::local_gaussian, "local_gaussian"},
                                          {Mechanism::local_laplace, "local_laplace"}};
constexpr Name<Missing> missings[] = {{Missing::refuse, "refuse"},
                                      {Missing::mean, "mean"},
                                      {Missing::mean_and_indicator, "mean_and_indicator"}};
constexpr Name<Unknown> unknowns[] = {{Unknown::refuse, "refuse"}, {Unknown::other, "other"}};
constexpr Name<ColumnType> column_types[] = {{ColumnType::number, "number"},
                                             {ColumnType::category, "category"}};

std::optional<double> optional_number(const Json& section, const char* key) {
  if (!section.contains(key)) return std::nullopt;
  return section[key].get<double>();
}

OptimizerSpec read_optimizer(const Json& section) {
  OptimizerSpec spec{.type = section.at("type"), .learning_rate = section.at("learning_rate")};
  spec.momentum = section.value("momentum", spec.momentum);
  spec.beta1 = section.value("beta1", spec.beta1);
  spec.beta2 = section.value("beta2", spec.beta2);
  spec.epsilon = section.value("epsilon", spec.epsilon);
  return spec;
}

ModelSpec read_model(const Json& section) {
  ModelSpec spec;
  spec.type = section.at("type");
  spec.inputs = section.value("inputs", std::int64_t{0});
  spec.hidden = section.value("hidden", spec.hidden);
  spec.outputs = section.value("outputs", std::int64_t{0});
  spec.activation = section.value("activation", spec.activation);
  spec.loss = section.value("loss", "");
  spec.seed = section.at("seed");
  return spec;
}

TrainingSpec read_training(const Json& section) {
  TrainingSpec spec{.update = read_enum(section, "update", updates),
                    .epochs = section.at("epochs"),
                    .batch_size = section.at("batch_size"),
                    .weight_decay = section.at("weight_decay"),
                    .proximal = section.at("proximal"),
                    .class_weights = section.at("class_weights")};
  if (section.contains("optimizer")) spec.optimizer = read_optimizer(section["optimizer"]);
  return spec;
}

SelectionSpec read_selection(const Json& section) {
  return {.by = read_enum(section, "by", selections), .candidates = section.at("candidates")};
}

StalenessSpec read_staleness(const Json& section) {
  return {.max = section.at("max"),
          .weight = read_enum(section, "weight", stale_weights),
          .exponent = section.at("exponent"),
          .slope = section.at("slope"),
          .grace = section.at("grace")};
}

RoundsSpec read_rounds(const Json& section) {
  const Json& contributions = section.at("contributions");
  const Json& seconds = section.at("seconds");
  return {.max = section.at("max"),
          .cohort = section.at("cohort"),
          .contributions_min = contributions.at("min"),
          .contributions_goal = contributions.at("goal"),
          .seconds_min = seconds.at("min"),
          .seconds_max = seconds.at("max"),
          .seconds_deviations = seconds.at("deviations"),
          .seconds_select = seconds.at("select"),
          .selection = read_selection(section.at("selection")),
          .staleness = read_staleness(section.at("staleness")),
          .order = read_enum(section, "order", orders),
          .seed = section.at("seed")};
}

AggregationSpec read_aggregation(const Json& section) {
  return {.rule = section.at("rule"),
          .weighting = read_enum(section, "weighting", weightings),
          .update_limit = section.at("update_limit"),
          .server_optimizer = read_optimizer(section.at("server_optimizer"))};
}

EvaluationSpec read_evaluation(const Json& section) {
  EvaluationSpec spec;
  spec.every = section.at("every");
  spec.metric = section.at("metric");
  spec.target = optional_number(section, "target");
  spec.patience = section.at("patience");
  if (section.contains("data")) spec.data = read_data(section["data"], {});
  return spec;
}

PrivacySpec read_privacy(const Json& section) {
  PrivacySpec spec{.mechanism = read_enum(section, "mechanism", mechanisms),
                   .clipping_norm = section.at("clipping_norm"),
                   .noise_multiplier = section.at("noise_multiplier"),
                   .delta = section.at("delta"),
                   .epsilon_max = section.at("epsilon_max")};
  if (!section.contains("adaptive")) return spec;
  const Json& adaptive = section["adaptive"];
  spec.adaptive = AdaptiveClipSpec{.quantile = adaptive.at("quantile"),
                                   .learning_rate = adaptive.at("learning_rate"),
                                   .count_noise = adaptive.at("count_noise")};
  return spec;
}

QuantisationSpec read_quantisation(const Json& section) {
  return {.clipping_norm = section.value("clipping_norm", QuantisationSpec{}.clipping_norm),
          .steps = section.at("steps"),
          .weight_max = section.value("weight_max", std::int64_t{1}),
          .rotation = section.at("rotation"),
          .kept = section.at("kept")};
}

SecureAggregationSpec read_secure_aggregation(const Json& section) {
  return {.adversary = read_enum(section, "adversary", adversaries),
          .corrupted = section.at("corrupted"),
          .dropped = section.at("dropped"),
          .phase_s = section.at("phase_s")};
}

HomomorphicEncryptionSpec read_homomorphic_encryption(const Json& section) {
  return {.public_key = section.at("public_key"), .key_holder = section.at("key_holder")};
}

ColumnSpec read_column(const Json& section) {
  return {.name = section.at("name"),
          .type = read_enum(section, "type", column_types),
          .values = section.value("values", std::vector<std::string>()),
          .mean = optional_number(section, "mean"),
          .deviation = optional_number(section, "deviation")};
}

InputsSpec read_inputs(const Json& section) {
  InputsSpec spec;
  for (const Json& column : section.at("columns")) spec.columns.push_back(read_column(column));
  spec.label = section.at("label").at("name");
  spec.classes = section.at("label").at("classes");
  spec.scaling = read_enum(section, "scaling", scalings);
  spec.missing = read_enum(section, "missing", missings);
  spec.unknown_category = read_enum(section, "unknown_category", unknowns);
  return spec;
}

void fill(Json& section, const char* key, const Json& value) {
  if (!section.contains(key)) section[key] = value;
}

// Outputs and loss of a softmax or an mlp follow from the classes; what cannot follow stays
// missing.
void fill_model(Json& model, const std::optional<InputsSpec>& inputs) {
  if (inputs) {
    const bool one_output =
        inputs->classes.empty() || model.value("loss", "") == "binary_cross_entropy";
    const bool needs_classes = model["type"] == "softmax" && inputs->classes.size() < 2;
    fill(model, "inputs", encoded_width(*inputs));
    if (!needs_classes) fill(model, "outputs", one_output ? 1 : inputs->classes.size());
  }
  if (!model.contains("outputs")) return;
  const bool two_classes = inputs && inputs->classes.size() == 2;
  const char* for_one = two_classes ? "binary_cross_entropy" : "squared_error";
  fill(model, "loss", model["outputs"] > 1 ? "cross_entropy" : for_one);
}

void fill_data(Json& data, const std::optional<InputsSpec>& inputs,
               const std::filesystem::path& folder) {
  for (const char* key : {"path", "images", "labels"}) {
    if (data.contains(key)) data[key] = path_at(data, key, folder).string();
  }
  if (inputs && data["format"] == "csv") fill(data, "label", inputs->label);
}

// A folder whose name is no UTF-8 cannot be in JSON: its file is not found later, which says so.
std::string canonical(const Json& document) {
  return document.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// Hidden sums need integers, and so does noise that clients add, for the norm that it is sized for.
// How far examples count is known once it is known whether they do.
void fill_quantisation(Examined& file) {
  Json& document = file.document;
  const QuantisationSpec standard;
  Json norm = standard.clipping_norm;
  bool noisy = false;
  if (file.has_whole("privacy")) {
    const PrivacySpec privacy = read_privacy(document["privacy"]);
    noisy = privacy.at_clients();
    if (noisy) norm = privacy.clipping_norm;
  }
  const bool needed = noisy || document.contains("secure_aggregation") ||
                      document.contains("homomorphic_encryption");
  if (needed && !document.contains("quantisation")) {
    document["quantisation"] = {
        {"steps", standard.steps}, {"rotation", standard.rotation}, {"kept", standard.kept}};
  }
  if (file.has_whole("quantisation")) fill(document["quantisation"], "clipping_norm", norm);
  if (!file.has_whole("quantisation") || !file.has_whole("aggregation")) return;
  const bool uniform = document["aggregation"]["weighting"] == "uniform";
  fill(document["quantisation"], "weight_max", uniform ? 1 : 65536);
}

// A key of another kind, as it is printed for links, is not just too short.
void explain_public_key(Examined& file) {
  constexpr std::size_t kLinkKeyLetters = 43;
  for (Problem& problem : file.problems) {
    if (problem.pointer != "/homomorphic_encryption/public_key") continue;
    const Json& key = file.document["homomorphic_encryption"]["public_key"];
    if (!key.is_string() || key.get_ref<const std::string&>().size() != kLinkKeyLetters) continue;
    problem.message =
        "has 43 characters, as the keys of links and of identities have; needed: the one that "
        "`fedclient key FILE` prints on the key holder, of 516 characters";
  }
}

// The defaults that follow from other keys, and absolute paths.
void fill_in(Examined& file, const std::filesystem::path& folder) {
  Json& document = file.document;
  fill_quantisation(file);
  if (file.has_whole("rounds")) {
    Json& rounds = document["rounds"];
    fill(rounds["contributions"], "goal", rounds["cohort"]);
    fill(rounds["contributions"], "min", rounds["contributions"]["goal"]);
  }
  if (!file.has_whole("model") || !file.whole("inputs")) return;
  std::optional<InputsSpec> inputs;
  if (document.contains("inputs")) inputs = read_inputs(document["inputs"]);
  fill_model(document["model"], inputs);
  if (!file.has_whole("evaluation")) return;
  Json& evaluation = document["evaluation"];
  const bool is_regression = document["model"].value("loss", "") == "squared_error";
  fill(evaluation, "metric", is_regression ? "rmse" : "accuracy");
  if (evaluation.contains("data")) fill_data(evaluation["data"], inputs, folder);
}

// A section that is not whole, or not there, is left at its defaults.
JobSpec read_job(const Examined& file) {
  const auto read = [&](const char* section, auto reader, auto& into) {
    if (file.has_whole(section)) into = reader(file.document[section]);
  };
  JobSpec job;
  read(
      "name", [](const Json& name) { return name.get<std::string>(); }, job.name);
  read("model", read_model, job.model);
  read("training", read_training, job.training);
  read("rounds", read_rounds, job.rounds);
  read("aggregation", read_aggregation, job.aggregation);
  const bool metric_known = file.whole("model") && file.whole("inputs");  // its default is
  if (metric_known) read("evaluation", read_evaluation, job.evaluation);
  read(
      "keep", [](const Json& keep) { return KeepSpec{keep.at("rounds")}; }, job.keep);
  read("privacy", read_privacy, job.privacy);
  read("quantisation", read_quantisation, job.quantisation);
  read("secure_aggregation", read_secure_aggregation, job.secure_aggregation);
  read("homomorphic_encryption", read_homomorphic_encryption, job.homomorphic_encryption);
  read("inputs", read_inputs, job.inputs);
  job.text = canonical(file.document);
  return job;
}

}  // namespace

Checked<JobSpec> parse_job(std::string_view text, const std::filesystem::path& folder) {
  JobSpec job;
  FED_TRY(validate(Kind::job, text, [&](Examined& file) {
    explain_public_key(file);
    fill_in(file, folder);
    job = read_job(file);
    return check_job(job, file);
  }));
  return job;
}

Checked<JobSpec> load_job_file(const std::filesystem::path& path) {
  FED_ASSIGN(text, read_text(path));
  return parse_job(text, std::filesystem::absolute(path).parent_path());
}

}  // namespace fed::config
