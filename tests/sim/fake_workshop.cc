#include "fake_workshop.h"

#include <cmath>
#include <limits>

#include "coding/job_codec.h"
#include "config/job.h"
#include "data/encode.h"
#include "data/statistics.h"
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

Result<std::optional<app::SecureShape>> shape_of(const config::JobSpec& job,
                                                 const std::string& text) {
  if (!job.secure_aggregation) return std::optional<app::SecureShape>();
  FED_ASSIGN(coordinates, coordinates_of(job.model, job));
  FED_ASSIGN(codec, coding::codec_of(job, coordinates, 0));
  return std::optional(
      app::SecureShape{.settings = coding::settings_hash(text),
                       .threat = coding::threat_of(*job.secure_aggregation),
                       .modulus_bits = static_cast<std::uint8_t>(codec.modulus_bits()),
                       .length = codec.length(),
                       .staleness_max = job.rounds.staleness.max,
                       .survivors_min = static_cast<std::uint32_t>(job.rounds.contributions_min),
                       .clients_max = static_cast<std::uint32_t>(job.rounds.cohort)});
}

// The sums of some small whole numbers, as a site with `examples` rows would send them.
std::vector<double> column_sums(std::uint64_t seed, std::size_t columns, std::int64_t examples) {
  Random random(seed);
  std::vector<data::ColumnStatistics> sums(columns);
  for (auto& column : sums) {
    for (std::int64_t row = 0; row < examples; ++row) {
      column.add(static_cast<double>(random.below(10)));
    }
    column.count = examples;
  }
  return data::to_message(sums);
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
  Opened(FakeWorkshop& shop, config::JobSpec spec, std::optional<app::SecureShape> shape)
      : shop_(shop), spec_(std::move(spec)), shape_(shape) {}

  std::optional<app::SecureShape> secure(wire::TaskKind) const override { return shape_; }
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
    if (task.kind == wire::TaskKind::statistics) {
      answer.sums = column_sums(seed, data::number_columns(*spec_.inputs), examples());
      if (spec_.quantisation) {
        const auto codec = coding::statistics_codec_of(spec_, answer.sums.size());
        FED_ASSIGN(words, codec.encode(answer.sums));
        answer.coded = secagg::pack(words, codec.modulus_bits());
      }
    } else {
      FED_TRY(train(task, model_file, seed, answer));
    }
    shop_.agreement_.withhold(answer.offer);
    if (spec_.quantisation && !answer.values.empty()) FED_TRY(encode(task, seed, answer));
    // What statistics in integers say cannot be told apart.
    const bool unseen = spec_.quantisation && task.kind == wire::TaskKind::statistics;
    const bool lies = random.uniform() < traits.lies && !unseen;
    const bool bytes_lie = lies && lie(random, answer);
    // A lie beside the numbers leaves them as they are. One in them is of no use under a mask: its
    // client cannot sum it up and gives it up.
    const Checksum shown = shape_ ? Checksum() : checksum(answer.bytes());
    const bool useless = shape_ && bytes_lie;
    shop_.ledger_.trained({traits.client, task.job, task.task, shown},
                          {.base_version = task.base_version,
                           .examples = answer.offer.examples,
                           .values = {answer.values.begin(), answer.values.end()},
                           .coded = useless ? Bytes() : answer.coded,
                           .hidden = shape_.has_value(),
                           .statistics = task.kind == wire::TaskKind::statistics,
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

  // As LocalJob does it, but for the secret.
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
    if (!shape_) return {};
    answer.offer.examples = 1;
    answer.offer.metrics.clear();
    answer.offer.model = task.model->hash;
    return {};
  }

  // Whether the bytes are others than without it.
  bool lie(Random& random, app::TaskAnswer& answer) const {
    const Lie lie = shop_.traits_.lie;
    ++shop_.tally_[std::string("lie: ") + name(lie)];
    if (!answer.coded.empty()) return lie_in_integers(lie, answer);
    const auto somewhere = [&](auto& values) -> auto& {
      return values[random.below(values.size())];
    };
    const bool sums = !answer.sums.empty();
    switch (lie) {
      case Lie::none:
        return false;
      case Lie::not_finite:
        if (sums) {
          somewhere(answer.sums) = std::numeric_limits<double>::quiet_NaN();
        } else {
          somewhere(answer.values) = std::numeric_limits<float>::quiet_NaN();
        }
        return true;
      case Lie::over_limit:
        if (!sums) {
          somewhere(answer.values) = static_cast<float>(spec_.aggregation.update_limit * 1.01);
        }
        return !sums;
      case Lie::wrong_size:
        if (sums) {
          answer.sums.push_back(1);
        } else {
          answer.values.push_back(1);
        }
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

  // Any integers are some update's: a lie is seen only where there are none, or beside them.
  bool lie_in_integers(Lie lie, app::TaskAnswer& answer) const {
    const bool has_room = shape_bits(answer) % 8 != 0;
    switch (lie) {
      case Lie::not_finite:
      case Lie::over_limit:  // a bit behind the last element
        if (has_room) answer.coded.back() |= 0x80;
        return has_room;
      case Lie::wrong_size:
        answer.coded.push_back(1);
        return true;
      case Lie::too_many_examples:
        answer.offer.examples += kTooMany;
        return false;
      case Lie::wrong_base:
        answer.offer.base_version += 1;
        return false;
      case Lie::none:
        return false;
    }
    return false;
  }
  std::uint64_t shape_bits(const app::TaskAnswer& answer) const {
    const auto codec = coding::codec_of(spec_, answer.values.size(), 0);
    return codec->length() * codec->modulus_bits();
  }

  FakeWorkshop& shop_;
  const config::JobSpec spec_;
  const std::optional<app::SecureShape> shape_;
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
  FED_ASSIGN(shape, shape_of(*spec, text));
  return std::shared_ptr<app::Workload>(std::make_shared<Opened>(*this, std::move(*spec), shape));
}

}  // namespace fed::sim
