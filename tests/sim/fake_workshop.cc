#include "fake_workshop.h"

#include <cmath>
#include <limits>

#include "config/job.h"
#include "data/statistics.h"
#include "session/model_cache.h"

namespace fed::sim {
namespace {

constexpr std::int64_t kTooMany = 7;  // examples more than declared

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
  Opened(FakeWorkshop& shop, config::JobSpec spec) : shop_(shop), spec_(std::move(spec)) {}

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
      answer.sums = column_sums(seed, task.update_bytes / (3 * sizeof(double)), examples());
    } else {
      FED_TRY(train(task, model_file, seed, answer));
    }
    shop_.agreement_.withhold(answer.offer);
    const bool lies = random.uniform() < traits.lies;
    if (lies) lie(random, answer);
    shop_.ledger_.trained({traits.client, task.job, task.task, checksum(answer.bytes())},
                          {.base_version = task.base_version,
                           .examples = answer.offer.examples,
                           .values = {answer.values.begin(), answer.values.end()},
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

  void lie(Random& random, app::TaskAnswer& answer) const {
    const Lie lie = shop_.traits_.lie;
    ++shop_.tally_[std::string("lie: ") + name(lie)];
    const auto somewhere = [&](auto& values) -> auto& {
      return values[random.below(values.size())];
    };
    const bool sums = !answer.sums.empty();
    switch (lie) {
      case Lie::none:
        return;
      case Lie::not_finite:
        if (sums) {
          somewhere(answer.sums) = std::numeric_limits<double>::quiet_NaN();
        } else {
          somewhere(answer.values) = std::numeric_limits<float>::quiet_NaN();
        }
        return;
      case Lie::over_limit:
        if (!sums) {
          somewhere(answer.values) = static_cast<float>(spec_.aggregation.update_limit * 1.01);
        }
        return;
      case Lie::wrong_size:
        if (sums) {
          answer.sums.push_back(1);
        } else {
          answer.values.push_back(1);
        }
        return;
      case Lie::too_many_examples:
        answer.offer.examples += kTooMany;
        return;
      case Lie::wrong_base:
        answer.offer.base_version += 1;
        return;
    }
  }

  FakeWorkshop& shop_;
  const config::JobSpec spec_;
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
  return std::shared_ptr<app::Workload>(std::make_shared<Opened>(*this, std::move(*spec)));
}

}  // namespace fed::sim
