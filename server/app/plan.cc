#include "app/plan.h"

#include <fmt/format.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "aggregate/fold.h"
#include "data/encode.h"

namespace fed::app {
namespace {

constexpr std::uint64_t kStatisticsBytesPerColumn = 3 * sizeof(double);

// The sizes of packed updates, or of ciphertexts, and whether there can be such.
Result<std::uint64_t> integer_bytes(const config::JobSpec& spec, const coding::VectorShape& shape) {
  if (!spec.homomorphic_encryption) return coding::packed_bytes(shape);
  FED_ASSIGN(vector, coding::encrypted_vector_of(spec, shape));
  return vector.bytes();
}

// For one that is too large, by the keys of the job file.
std::string model_in_words(const config::ModelSpec& model) {
  std::string text = fmt::format("model.inputs is {}", model.inputs);
  if (!model.hidden.empty()) {
    text += fmt::format(", model.hidden [{}]", fmt::join(model.hidden, ", "));
  }
  return text + fmt::format(", model.outputs {}", model.outputs);
}

// The path of the server's own test file is nobody else's business.
std::string without_server_paths(const std::string& job_text) {
  auto job = nlohmann::json::parse(job_text);
  if (job.contains("evaluation")) job["evaluation"].erase("data");
  return job.dump();
}

std::size_t statistics_columns(const config::JobSpec& spec) {
  if (!spec.inputs || spec.inputs->scaling != config::InputsSpec::Scaling::federated) return 0;
  return data::number_columns(*spec.inputs);
}

}  // namespace

secagg::Codec Plan::codec(std::int64_t base_version, double norm) const {
  return coding::codec_of(spec, model->layout().size(), base_version, norm).value();
}

coding::StatisticsCodec Plan::statistics_codec() const {
  return coding::statistics_codec_of(spec, 3 * number_columns);
}

coding::VectorShape Plan::vector_shape(round::TaskKind kind) const {
  return kind == round::TaskKind::training ? coding::shape_of(codec(0))
                                           : coding::shape_of(statistics_codec());
}

coding::EncryptedVector Plan::encrypted_vector(round::TaskKind kind) const {
  return coding::encrypted_vector_of(spec, vector_shape(kind)).value();
}

std::uint64_t Plan::memory_bytes(unsigned threads) const {
  const std::uint64_t coordinates = model->layout().size();
  const aggregate::OptimizerSlots slots = optimizer->slots();
  const std::uint64_t vectors = 1 + (slots.m ? 1 : 0) + (slots.v ? 1 : 0);
  const auto cohort = static_cast<std::uint64_t>(spec.rounds.cohort);
  return vectors * coordinates * sizeof(float) +
         aggregate::fold_bytes(*rule, slots, coordinates, cohort, threads) + early_fold_bytes() +
         sum_bytes();
}

// The sum of integers, one packed update beside it, what it is decoded to on the way, and the mean.
std::uint64_t Plan::sum_bytes() const {
  if (!integers()) return 0;
  const secagg::Codec of = codec(0);
  const std::uint64_t word = secagg::is_narrow(of.modulus_bits()) ? 4 : 8;
  return of.length() * (2 * word + 2 * sizeof(double)) + model->layout().size() * sizeof(float);
}

Result<aggregate::Grid> Plan::grid(double total_weight, double norm) const {
  FED_ASSIGN(exact, aggregate::Grid::make(total_weight, spec.aggregation.update_limit));
  return privacy && privacy->at_server() ? privacy->grid(exact, norm) : exact;
}

std::uint64_t Plan::early_fold_bytes() const {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 30;
  if (integers() || engine.policy.asynchronous() || !aggregate::keeps_a_sum(*rule)) return 0;
  const std::uint64_t bytes =
      aggregate::tiles_of(model->layout().size()) * rule->bytes(aggregate::kTile, 1);
  return bytes <= kMost ? bytes : 0;
}

std::vector<std::string> Plan::notes() const {
  std::vector<std::string> notes;
  const std::int64_t paid = engine.stopping.versions_paid;
  if (privacy && paid < spec.rounds.max) {
    notes.push_back(
        fmt::format("the privacy budget pays for {} of {} rounds, after which the job ends "
                    "(privacy.epsilon_max, rounds.max; see `fedserver privacy plan`)",
                    paid, spec.rounds.max));
  }
  return notes;
}

Result<std::shared_ptr<const Plan>> make_plan(config::JobSpec spec) {
  auto plan = std::make_shared<Plan>();
  if (spec.model.inputs == 0 && spec.inputs)
    spec.model.inputs = config::encoded_width(*spec.inputs);
  FED_ASSIGN(model, model::make_model(spec.model));
  FED_TRY(model::check_class_weights(*model, spec.training.class_weights));
  FED_ASSIGN(rule, aggregate::find_rule(spec.aggregation.rule));
  FED_ASSIGN(optimizer, aggregate::make_server_optimizer(spec.aggregation.server_optimizer));
  plan->rule = rule;
  plan->optimizer = std::move(optimizer);
  plan->number_columns = statistics_columns(spec);
  const std::uint64_t coordinates = model->layout().size();
  const round::UpdateShape training{.bytes = coordinates * sizeof(float),
                                    .count = static_cast<std::int64_t>(coordinates),
                                    .limit = spec.aggregation.update_limit};
  const round::UpdateShape statistics{.bytes = plan->number_columns * kStatisticsBytesPerColumn,
                                      .count = static_cast<std::int64_t>(3 * plan->number_columns),
                                      .limit = std::numeric_limits<double>::max()};
  plan->engine = round::engine_config(spec, training, statistics);
  plan->engine.statistics_first = plan->number_columns > 0;
  if (spec.privacy) {
    FED_ASSIGN(privacy, JobPrivacy::make(spec, coordinates));
    if (privacy.at_server()) plan->engine.training.norm_max = spec.privacy->clipping_norm;
    plan->engine.stopping.versions_paid = privacy.versions_paid();
    plan->privacy = std::move(privacy);
  }
  plan->public_text = without_server_paths(spec.text);
  plan->settings = coding::settings_hash(plan->public_text);
  if (spec.quantisation) {
    FED_ASSIGN(codec, coding::codec_of(spec, coordinates, 0));
    FED_ASSIGN(training_bytes, integer_bytes(spec, coding::shape_of(codec)));
    FED_ASSIGN(statistics_bytes, integer_bytes(spec, coding::shape_of(coding::statistics_codec_of(
                                                         spec, 3 * plan->number_columns))));
    plan->engine.training.bytes = training_bytes;
    plan->engine.statistics.bytes = statistics_bytes;
    plan->engine.statistics_of_cohort = true;  // the integers are sized for it
  }
  if (spec.homomorphic_encryption && coordinates > coding::kEncryptedCoordinatesMax) {
    return Error{
        ErrorCode::invalid,
        fmt::format("homomorphic_encryption is for models of at most {} parameters, and "
                    "this one has {} ({}): take a smaller one, or secure_aggregation, "
                    "which hides the updates of models of any size",
                    coding::kEncryptedCoordinatesMax, coordinates, model_in_words(spec.model))};
  }
  if (spec.secure_aggregation) {
    FED_TRY(coding::check_parameters(spec));
    plan->engine.secure = true;
  }
  plan->model = std::move(model);
  plan->spec = std::move(spec);
  return std::shared_ptr<const Plan>(std::move(plan));
}

}  // namespace fed::app
