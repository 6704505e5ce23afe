#include "fake_workshop.h"

#include <cmath>
#include <limits>

#include "coding/job_codec.h"
#include "config/job.h"
#include "data/encode.h"
#include "model/model.h"
#include "secagg/packing.h"
#include "seeded_bytes.h"
#include "session/model_cache.h"

namespace fed::sim {
namespace {

constexpr std::int64_t kTooMany = 7;  // examples more than declared

Result<std::size_t> coordinates_of(config::ModelSpec spec, const config::JobSpec& job) {
  if (spec.inputs == 0 && job.inputs) spec.inputs = config::encoded_width(*job.inputs);
  FED_ASSIGN(model, model::make_model(spec));
  return model->layout().size();
}

coding::StatisticsCodec statistics_codec(const config::JobSpec& job) {
  const std::size_t columns = job.inputs ? data::number_columns(*job.inputs) : 0;
  return coding::statistics_codec_of(job, 3 * columns);
}

app::SecureShape secure_shape(const config::JobSpec& job, const std::string& text,
                              wire::TaskKind kind, const coding::VectorShape& vector) {
  return {.kind = kind,
          .settings = coding::settings_hash(text),
          .threat = coding::threat_of(*job.secure_aggregation),
          .modulus_bits = static_cast<std::uint8_t>(vector.modulus_bits),
          .length = vector.length,
          .staleness_max = job.rounds.staleness.max,
          .survivors_min = static_cast<std::uint32_t>(job.rounds.contributions_min),
          .clients_max = static_cast<std::uint32_t>(job.rounds.cohort)};
}

// Of a job's two kinds of sums.
struct SecureShapes {
  app::SecureShape training, statistics;
};
Result<std::optional<SecureShapes>> shapes_of(const config::JobSpec& job, const std::string& text) {
  if (!job.secure_aggregation) return std::optional<SecureShapes>();
  FED_ASSIGN(coordinates, coordinates_of(job.model, job));
  FED_ASSIGN(codec, coding::codec_of(job, coordinates, 0));
  using enum wire::TaskKind;
  return std::optional(
      SecureShapes{secure_shape(job, text, training, coding::shape_of(codec)),
                   secure_shape(job, text, statistics, coding::shape_of(statistics_codec(job)))});
}

}  // namespace

const char* name(Lie lie) {
  constexpr const char* kNames[kLies] = {"none",       "not finite",        "over the limit",
                                         "wrong size", "too many examples", "wrong base"};
  return kNames[static_cast<int>(lie)];
}

std::vector<float> honest_update(std::uint64_t seed, std::size_t count) {
  Random random(seed);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(random.uniform() * 1.8 - 0.9);
  return values;
}

class FakeWorkshop::Opened final : public app::Workload {
 public:
  Opened(FakeWorkshop& shop, config::JobSpec spec, std::optional<SecureShapes> shapes)
      : shop_(shop), spec_(std::move(spec)), shapes_(std::move(shapes)) {}

  std::optional<app::SecureShape> secure(wire::TaskKind kind) const override {
    if (!shapes_) return std::nullopt;
    return kind == wire::TaskKind::statistics ? shapes_->statistics : shapes_->training;
  }
  std::int64_t examples() const override { return shop_.traits_.examples; }
  std::uint64_t row_steps() const override {
    return static_cast<std::uint64_t>(examples() * spec_.training.epochs);
  }

  Result<app::TaskAnswer> perform(const wire::Task& task, const fs::path& model_file,
                                  const std::string&, const train::Progress& progress,
                                  std::stop_token stop) override {
    if (stop.stop_requested()) return Error{ErrorCode::closed, "training was stopped"};
    FED_TRY(shop_.agreement_.check_task(spec_, task.kind));
    const Traits& traits = shop_.traits_;
    const std::uint64_t seed = mix_seed({traits.seed, traits.client, seed_of(task.job),
                                         static_cast<std::uint64_t>(task.task),
                                         static_cast<std::uint64_t>(task.base_version)});
    Random random(seed);
    progress(0.5);
    if (random.uniform() < traits.fails) {
      ++shop_.tally_["task that failed"];
      return Error{ErrorCode::invalid, "the training diverged"};
    }
    app::TaskAnswer answer;
    answer.offer.job = task.job;
    answer.offer.task = task.task;
    answer.offer.base_version = task.base_version;
    answer.offer.examples = examples();
    answer.offer.metrics = {{"loss", random.uniform()}};
    const bool statistics = task.kind == wire::TaskKind::statistics;
    SiteColumns columns;
    if (statistics) {
      columns = site_columns(seed, task.job, data::number_columns(*spec_.inputs), examples());
      FED_TRY(encode(columns, answer));
    } else {
      FED_TRY(train(task, model_file, seed, answer));
    }
    shop_.agreement_.withhold(answer.offer);
    if (spec_.quantisation && !answer.values.empty()) FED_TRY(encode(task, seed, answer));
    // What statistics in integers say cannot be told apart.
    const bool unseen = spec_.quantisation && statistics;
    const bool lies = random.uniform() < traits.lies && !unseen;
    const bool bytes_lie = lies && lie(random, answer);
    // A lie beside the numbers leaves them as they are. One in them is of no use under a mask: its
    // client cannot sum it up and gives it up.
    const Checksum shown = shapes_ ? Checksum() : checksum(answer.bytes());
    const bool useless = shapes_ && bytes_lie;
    shop_.ledger_.trained({traits.client, task.job, task.task, shown},
                          {.base_version = task.base_version,
                           .examples = answer.offer.examples,
                           .values = {answer.values.begin(), answer.values.end()},
                           .coded = useless ? Bytes() : answer.coded,
                           .hidden = shapes_.has_value(),
                           .statistics = statistics,
                           .columns = columns.told,
                           .honest = !lies});
    return answer;
  }

 private:
  Status train(const wire::Task& task, const fs::path& model_file, std::uint64_t seed,
               app::TaskAnswer& answer) const {
    std::vector<float> weights(task.model->bytes / sizeof(float));
    FED_TRY(session::read_weights(shop_.disk_, model_file, task.model->hash,
                                  as_writable_bytes(std::span(weights))));
    const auto model = load_le<std::uint64_t>(task.model->hash.data());
    const auto values = honest_update(mix_seed({seed, model}), weights.size());
    answer.values.assign(values.begin(), values.end());
    return {};
  }

  // As LocalJob does it, both of them, but for the secret.
  Status encode(const SiteColumns& columns, app::TaskAnswer& answer) const {
    if (!spec_.quantisation) return answer.sums = columns.message, Status();
    const auto codec = statistics_codec(spec_);
    FED_ASSIGN(words, codec.encode(columns.message));
    answer.coded = secagg::pack(words, codec.modulus_bits());
    if (shapes_) hide(answer.offer, crypto::Hash{});
    return {};
  }
  Status encode(const wire::Task& task, std::uint64_t seed, app::TaskAnswer& answer) const {
    FED_ASSIGN(codec, coding::codec_of(spec_, answer.values.size(), task.base_version));
    std::optional<model::Metrics> metrics;
    if (!answer.offer.metrics.empty()) {
      metrics.emplace();
      metrics->examples = examples();
      metrics->loss = answer.offer.metrics[0].second;
    }
    const auto measures = coding::measures_of(spec_, metrics);
    crypto::Wiped<crypto::kKeyBytes> secret;
    // Trained once more, it is rounded anew, as a real one is.
    const std::uint64_t before = shop_.ledger_.trainings(shop_.traits_.client, task.job, task.task);
    seeded_bytes(mix_seed({seed, seed_of("rounding"), before}))(secret.span());
    FED_ASSIGN(words, codec.encode(answer.values, coding::weight_of(spec_, examples()), measures,
                                   secret.view()));
    answer.coded = secagg::pack(words, codec.modulus_bits());
    if (shapes_) hide(answer.offer, task.model->hash);
    return {};
  }
  static void hide(wire::Offer& offer, const crypto::Hash& start) {
    offer.examples = 1;
    offer.metrics.clear();
    offer.model = start;
  }

  // Whether the bytes are others than without it.
  bool lie(Random& random, app::TaskAnswer& answer) const {
    const Lie lie = shop_.traits_.lie;
    ++shop_.tally_[std::string("lie: ") + name(lie)];
    switch (lie) {
      case Lie::none:
        return false;
      case Lie::not_finite:
        return spoil(random, answer, std::numeric_limits<double>::quiet_NaN());
      case Lie::over_limit:  // which sums of columns do not have
        return answer.sums.empty() && spoil(random, answer, spec_.aggregation.update_limit * 1.01);
      case Lie::wrong_size:
        lengthen(answer);
        return true;
      case Lie::too_many_examples:
        answer.offer.examples += kTooMany;
        return false;
      case Lie::wrong_base:
        answer.offer.base_version += 1;
        return false;
    }
    return false;
  }

  // One number is that. Any integers are some update's: there it is a bit behind the last one,
  // where there is room for it.
  bool spoil(Random& random, app::TaskAnswer& answer, double value) const {
    if (!answer.coded.empty()) {
      const bool has_room = shape_bits(answer) % 8 != 0;
      if (has_room) answer.coded.back() |= 0x80;
      return has_room;
    }
    if (!answer.sums.empty()) {
      answer.sums[random.below(answer.sums.size())] = value;
    } else {
      answer.values[random.below(answer.values.size())] = static_cast<float>(value);
    }
    return true;
  }

  static void lengthen(app::TaskAnswer& answer) {
    if (!answer.coded.empty()) {
      answer.coded.push_back(1);
    } else if (!answer.sums.empty()) {
      answer.sums.push_back(1);
    } else {
      answer.values.push_back(1);
    }
  }

  std::uint64_t shape_bits(const app::TaskAnswer& answer) const {
    const auto codec = coding::codec_of(spec_, answer.values.size(), 0);
    return codec->length() * codec->modulus_bits();
  }

  FakeWorkshop& shop_;
  const config::JobSpec spec_;
  const std::optional<SecureShapes> shapes_;
};

Result<std::shared_ptr<app::Workload>> FakeWorkshop::open(const std::string& name,
                                                          const std::string& text) {
  auto spec = config::parse_job(text);
  if (!spec) return Error{ErrorCode::invalid, config::format_problems(name, spec.error())};
  Status agreed = agreement_.check(*spec, 0);
  if (agreed) agreed = agreement_.check_rows(traits_.examples);
  if (!agreed) {
    ++tally_["job that a site declines"];
    return agreed.error();
  }
  FED_ASSIGN(shapes, shapes_of(*spec, text));
  return std::shared_ptr<app::Workload>(
      std::make_shared<Opened>(*this, std::move(*spec), std::move(shapes)));
}

}  // namespace fed::sim
