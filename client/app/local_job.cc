#include "app/local_job.h"

#include <unistd.h>

#include "base/log.h"
#include "coding/encrypted_vector.h"
#include "data/encode.h"
#include "secagg/packing.h"
#include "session/model_cache.h"

namespace fed::app {
namespace {

// Local weights, the global ones, their gradient, and up to two vectors of an optimizer.
constexpr std::uint64_t kVectorsOfTraining = 5;

Error unusable_data(const std::string& job, const Error& why) {
  log::error("job {}: the data cannot be used: {}", job, why.detail);
  return {ErrorCode::invalid,
          "this client's data does not fit the job; its own log says what is wrong"};
}

std::uint64_t memory_bytes() {
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  const long page = ::sysconf(_SC_PAGESIZE);
  return static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page);
}

Status check_memory(const model::Model& model) {
  const std::uint64_t bytes = model.layout().size() * sizeof(float);
  if (bytes < memory_bytes() / kVectorsOfTraining) return {};
  return Error{ErrorCode::too_large, "the job's model needs more memory than this client has"};
}

Result<config::JobSpec> parse(const std::string& name, const std::string& text) {
  auto spec = config::parse_job(text);
  if (!spec) {
    const std::string problems = config::format_problems("job " + name, spec.error());
    log::error("the server's job cannot be used here: {}", problems);
    return Error{ErrorCode::invalid,
                 "this client does not understand the job; is it of another version? " + problems};
  }
  if (spec->name != name) {
    return Error{ErrorCode::mismatch, "the job's text has another name than its offer"};
  }
  return std::move(*spec);
}

wire::Offer offer_for(const wire::Task& task, std::int64_t examples) {
  return {.job = task.job,
          .task = task.task,
          .base_version = task.base_version,
          .examples = examples,
          .bytes = 0,
          .checksum = {},
          .metrics = {},
          .body = {},
          .attempt = 0,
          .model = {},
          .settings = {}};
}

wire::Metrics metrics_of(const train::Update& update, bool adapts) {
  wire::Metrics metrics{{"train_loss", update.loss}, {"train_seconds", update.seconds}};
  if (adapts && update.within_norm) {
    metrics.emplace_back("within_norm", *update.within_norm ? 1 : 0);
  }
  if (!update.holdout) return metrics;
  metrics.emplace_back("holdout_examples", static_cast<double>(update.holdout->examples));
  for (const std::string_view metric : model::metric_names()) {
    const auto value = model::value_of(*update.holdout, metric);
    if (value) metrics.emplace_back(metric, *value);
  }
  return metrics;
}

Status check_size(const wire::Task& task, ByteView update) {
  if (update.size() == task.update_bytes) return {};
  return Error{ErrorCode::mismatch, "the task asks for an update of " +
                                        std::to_string(task.update_bytes) +
                                        " bytes; the job's has " + std::to_string(update.size())};
}

}  // namespace

std::string for_server(const Error& error) {
  switch (error.code) {
    case ErrorCode::disk_full:
      return "this client's disk is full";
    case ErrorCode::io:
    case ErrorCode::not_found:
    case ErrorCode::already_exists:
      return "this client cannot use its files; its own log says why";
    default:
      return error.detail;
  }
}

data::Expectation expectation_of(const config::JobSpec& job, const model::Model& model) {
  return {.inputs = job.inputs ? &*job.inputs : nullptr,
          .classes = job.inputs ? 0 : model::class_count(model.loss(), model.outputs()),
          .labels_required = true};
}

Result<std::vector<data::Scaling>> scaling_of(const std::vector<double>& means,
                                              const std::vector<double>& deviations) {
  if (means.size() != deviations.size()) {
    return Error{ErrorCode::mismatch, "there are more means than deviations, or fewer"};
  }
  std::vector<data::Scaling> scaling;
  for (std::size_t i = 0; i < means.size(); ++i) scaling.push_back({means[i], deviations[i]});
  return scaling;
}

Result<std::unique_ptr<LocalJob>> LocalJob::open(const std::string& name, const std::string& text,
                                                 const config::DataSpec& data,
                                                 const session::Agreement& agreement,
                                                 PrivacyLedger* ledger) {
  FED_ASSIGN(spec, parse(name, text));
  config::ModelSpec model_spec = spec.model;
  if (model_spec.inputs == 0 && spec.inputs) model_spec.inputs = encoded_width(*spec.inputs);
  FED_ASSIGN(model, model::make_model(model_spec));
  FED_TRY(agreement.check(spec, model->layout().size() * sizeof(float)));
  FED_TRY(check_memory(*model));
  spec.model = model_spec;
  auto job =
      std::unique_ptr<LocalJob>(new LocalJob(std::move(spec), std::move(model), agreement, ledger));
  job->settings_ = coding::settings_hash(text);
  FED_TRY(job->agree());
  FED_TRY(job->read(data));
  FED_TRY(agreement.check_rows(job->examples()));
  return job;
}

Status LocalJob::read(const config::DataSpec& data) {
  auto source = data::open(data, expectation_of(spec_, *model_));
  if (!source) return unusable_data(spec_.name, source.error());
  source_ = std::move(*source);
  if (source_->inputs() == model_->inputs()) return {};
  return Error{ErrorCode::mismatch, "the job's model takes " + std::to_string(model_->inputs()) +
                                        " features a row; this client's data has " +
                                        std::to_string(source_->inputs())};
}

// Whether the job's updates can be integers, and what of its privacy is this client's part.
Status LocalJob::agree() {
  if (!spec_.quantisation) return agree_on_privacy(nullptr);
  FED_ASSIGN(codec, coding::codec_of(spec_, model_->layout().size(), 0));
  if (spec_.homomorphic_encryption) {
    FED_TRY(coding::encrypted_vector_of(spec_, coding::shape_of(codec)));
  }
  return agree_on_privacy(&codec);
}

coding::StatisticsCodec LocalJob::statistics_codec() const {
  const std::size_t columns = spec_.inputs ? data::number_columns(*spec_.inputs) : 0;
  return coding::statistics_codec_of(spec_, 3 * columns);
}

coding::VectorShape LocalJob::vector_shape(wire::TaskKind kind) const {
  if (kind == wire::TaskKind::statistics) return coding::shape_of(statistics_codec());
  return coding::shape_of(coding::codec_of(spec_, model_->layout().size(), 0).value());
}

std::optional<SecureShape> LocalJob::secure(wire::TaskKind kind) const {
  if (!spec_.secure_aggregation) return std::nullopt;
  const coding::VectorShape vector = vector_shape(kind);
  SecureShape shape{.kind = kind,
                    .settings = settings_,
                    .threat = coding::threat_of(*spec_.secure_aggregation),
                    .modulus_bits = static_cast<std::uint8_t>(vector.modulus_bits),
                    .length = vector.length,
                    .staleness_max = spec_.rounds.staleness.max,
                    .survivors_min = static_cast<std::uint32_t>(spec_.rounds.contributions_min),
                    .clients_max = static_cast<std::uint32_t>(spec_.rounds.cohort)};
  if (kind != wire::TaskKind::training || !noise_ || !noise_->is_shared()) return shape;
  shape.noise = noise_;
  // Masks are made on a thread that may be at work when this job is gone.
  if (ledger_ != nullptr) {
    shape.pay = [ledger = ledger_, job = spec_.name, cost = *cost_](std::int64_t task) {
      return ledger->spend(job, task, cost);
    };
  }
  return shape;
}

Status LocalJob::agree_on_privacy(const secagg::Codec* codec) {
  if (!spec_.privacy) return {};
  FED_ASSIGN(cost, coding::plan_request(spec_, model_->layout().size()));
  cost.epsilon = spec_.privacy->epsilon_max;
  cost_ = cost;
  if (!coding::has_client_noise(spec_)) return {};
  FED_ASSIGN(noise, coding::JobNoise::make(spec_, *codec));
  noise_ = std::make_shared<const coding::JobNoise>(std::move(noise));
  return {};
}

// The progress of a training counts rows, unless their number is nobody's business.
std::uint64_t LocalJob::row_steps() const {
  constexpr std::uint64_t kHidden = 1000;
  if (hides_rows()) return kHidden;
  return static_cast<std::uint64_t>(examples() * spec_.training.epochs);
}

Status LocalJob::pay(std::int64_t task) const {
  return ledger_ == nullptr ? Status() : ledger_->spend(spec_.name, task, *cost_);
}

// Nothing is trained that could not be sent.
Status LocalJob::pay_before_training(const wire::Task& task) const {
  if (!cost_ || ledger_ == nullptr) return {};
  FED_TRY(ledger_->make_good(spec_.name, task.privacy_tasks, *cost_));
  return noise_ ? ledger_->check(spec_.name, task.task, *cost_) : pay(task.task);
}

// Packed, or encrypted.
Result<Bytes> LocalJob::to_send(const secagg::Words& vector, wire::TaskKind kind,
                                const crypto::RandomSource& random) const {
  const coding::VectorShape shape = vector_shape(kind);
  if (!spec_.homomorphic_encryption) return secagg::pack(vector, shape.modulus_bits);
  FED_ASSIGN(encrypted, coding::encrypted_vector_of(spec_, shape));
  return encrypted.encrypt(vector, random);
}

Result<LocalJob::Answer> LocalJob::sum(const wire::Task& task,
                                       const crypto::RandomSource& random) const {
  FED_TRY(agreement_.check_task(spec_, task.kind));
  auto sums = source_->statistics();
  if (!sums) return unusable_data(spec_.name, sums.error());
  Answer answer;
  answer.offer = offer_for(task, examples());
  if (spec_.quantisation) {
    FED_ASSIGN(words, statistics_codec().encode(*sums));
    FED_ASSIGN(coded, to_send(words, task.kind, random));
    answer.coded = std::move(coded);
    hide(answer.offer, crypto::Hash{});
  } else {
    answer.sums = std::move(*sums);
  }
  FED_TRY(check_size(task, answer.bytes()));
  return answer;
}

Status LocalJob::load(const wire::Task& task) {
  FED_ASSIGN(scaling, scaling_of(task.means, task.deviations));
  if (dataset_ && scaling == scaling_) return {};
  dataset_.reset();  // not both in memory
  auto dataset = source_->load(scaling);
  if (!dataset) return unusable_data(spec_.name, dataset.error());
  for (const model::Examples* rows : {&dataset->train, &dataset->holdout}) {
    const Status fits = model::check_examples(*model_, *rows);
    if (rows->rows > 0 && !fits) return unusable_data(spec_.name, fits.error());
  }
  dataset_ = std::move(*dataset);
  scaling_ = std::move(scaling);
  return {};
}

Result<LocalJob::Answer> LocalJob::train(const wire::Task& task, Disk& disk,
                                         const fs::path& model_file, const std::string& client,
                                         train::Trainer& trainer,
                                         const crypto::RandomSource& random,
                                         const train::Progress& progress, std::stop_token stop) {
  FED_TRY(pay_before_training(task));
  FED_TRY(load(task));
  tensor::Floats weights(model_->layout().size());
  if (!task.model || task.model->bytes != weights.size() * sizeof(float)) {
    return Error{ErrorCode::mismatch, "the model that came is not of the job's size"};
  }
  const std::span<float> all(weights);
  const Status there =
      session::read_weights(disk, model_file, task.model->hash, as_writable_bytes(all));
  if (!there) {
    log::error("{}", there.error().detail);
    return Error{there.error().code, "this client's copy of the model cannot be read"};
  }
  FED_TRY(check_norm(task));
  const train::Task local{spec_, task.task, train::task_seed(spec_, task.task, client),
                          task.clipping_norm};
  FED_ASSIGN(update, trainer.train(weights, local, *dataset_, progress, stop));
  Answer answer;
  answer.offer = offer_for(task, update.examples);
  answer.offer.metrics = metrics_of(update, adapts());
  agreement_.withhold(answer.offer);
  if (spec_.quantisation) {
    FED_TRY(encode(task, update, random, answer));
  } else {
    answer.values = std::move(update.values);
  }
  FED_TRY(check_size(task, answer.bytes()));
  return answer;
}

Result<secagg::Words> LocalJob::encode_noisy(const wire::Task& task, const train::Update& update,
                                             const secagg::Codec& codec,
                                             crypto::KeyView secret) const {
  auto source = privacy::RandomSource::from_key(secret);
  FED_ASSIGN(prepared, codec.prepare(update.values));
  FED_ASSIGN(rounded, noise_->round(std::move(prepared), codec, source));
  secagg::Words words = codec.assemble(rounded);
  if (noise_->is_shared()) return words;
  FED_TRY(pay(task.task));
  noise_->add(words, source);
  return words;
}

// Any norm is safe: all lengths are relative to it.
Status LocalJob::check_norm(const wire::Task& task) const {
  if (adapts() == (task.clipping_norm > 0)) return {};
  return Error{ErrorCode::mismatch, adapts()
                                        ? "the task lacks the clipping norm of its round"
                                        : "the task has a clipping norm, and the job's does not "
                                          "adapt"};
}

Status LocalJob::encode(const wire::Task& task, const train::Update& update,
                        const crypto::RandomSource& random, Answer& answer) const {
  FED_ASSIGN(codec, coding::codec_of(spec_, model_->layout().size(), task.base_version,
                                     task.clipping_norm));
  crypto::Wiped<crypto::kKeyBytes> secret;
  random(secret.span());
  if (noise_) {
    FED_ASSIGN(noisy, encode_noisy(task, update, codec, secret.view()));
    FED_ASSIGN(coded, to_send(noisy, task.kind, random));
    answer.coded = std::move(coded);
  } else {
    const bool told = !answer.offer.metrics.empty() && update.holdout.has_value();
    const auto measures = coding::measures_of(
        spec_, told ? std::optional<model::Metrics>(*update.holdout) : std::nullopt);
    FED_ASSIGN(words, codec.encode(update.values, coding::weight_of(spec_, update.examples),
                                   measures, secret.view()));
    FED_ASSIGN(coded, to_send(words, task.kind, random));
    answer.coded = std::move(coded);
  }
  hide(answer.offer, coding::start_of(task.model->hash, task.clipping_norm));
  return {};
}

// Where updates are hidden, and with noise of this client, the vector says it all, and the offer
// nothing but what it began from.
void LocalJob::hide(wire::Offer& offer, const crypto::Hash& start) const {
  if (!hides_rows()) return;
  offer.examples = 1;
  offer.metrics.clear();
  if (spec_.secure_aggregation) offer.model = start;
}

}  // namespace fed::app
