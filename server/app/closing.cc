#include "app/closing.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "app/background.h"
#include "app/replay.h"
#include "data/source.h"
#include "secagg/packing.h"

namespace fed::app {
namespace {

using Contributions = std::vector<aggregate::Contribution>;

Result<std::vector<File>> open_updates(const ClosingInput& input, const store::Staging& staging) {
  std::vector<File> files;
  const std::uint64_t bytes = input.plan->update_bytes(input.round.kind);
  for (const round::Contribution& contribution : input.round.contributions) {
    const store::UploadKey key{input.plan->spec.name, contribution.task, contribution.client};
    FED_ASSIGN(file, staging.open_complete(key, bytes));
    files.push_back(std::move(file));
  }
  return files;
}

// Before the commit, so that what is committed can be replayed.
Status keep_updates(const ClosingInput& input, const std::vector<File>& files,
                    const Services& services) {
  if (input.plan->spec.keep.rounds == 0) return {};
  std::vector<store::KeptUpdate> updates;
  for (std::size_t i = 0; i < files.size(); ++i) {
    const round::Contribution& each = input.round.contributions[i];
    updates.push_back({each.task, each.client, files[i].path()});
  }
  return kept_of(services).keep(input.plan->spec.name, input.round.round, updates,
                                describe(input.round));
}

Result<std::optional<model::Metrics>> evaluate(const ClosingInput& input,
                                               const aggregate::Folded& folded) {
  const config::EvaluationSpec& spec = input.plan->spec.evaluation;
  std::optional<model::Metrics> metrics;
  if (!spec.data || spec.every == 0 || input.round.round % spec.every != 0) return metrics;
  const config::JobSpec& job = input.plan->spec;
  const data::Expectation expectation{
      .inputs = job.inputs ? &*job.inputs : nullptr,
      .classes = model::class_count(input.plan->model->loss(), job.model.outputs)};
  config::DataSpec test = *spec.data;
  test.test_fraction = 1;
  FED_ASSIGN(source, data::open(test, expectation));
  FED_ASSIGN(rows, source->load(input.scaling));
  model::Workspace workspace;
  FED_ASSIGN(found, model::evaluate(*input.plan->model, folded.weights, rows.holdout, workspace));
  metrics = found;
  return metrics;
}

Result<std::vector<double>> read_doubles(const File& file, std::uint64_t bytes) {
  std::vector<double> values(bytes / sizeof(double));
  FED_TRY(file.read_at(0, as_writable_bytes(std::span(values))));
  return values;
}

// What comes out of updates that are integers.
struct FoldedSum {
  aggregate::Folded folded;
  std::optional<model::Metrics> clients;
  double next_norm = 0;  // for the version that comes of it; 0: the job's own
};

}  // namespace

Result<secagg::Words> add_up(std::span<const File> files, const secagg::Codec& codec) {
  const unsigned bits = codec.modulus_bits();
  secagg::Words sum = secagg::zero_words(bits, codec.length());
  Bytes packed(secagg::packed_bytes(bits, codec.length()));
  for (const File& file : files) {
    FED_TRY(file.read_at(0, packed));
    FED_TRY(secagg::check_packed(packed, bits, codec.length()));
    secagg::add_packed(packed, bits, sum);
  }
  return sum;
}

static Result<double> next_norm(const FoldedRound& round, const secagg::Codec& codec,
                                const secagg::Codec::Mean& sum) {
  if (!(round.clipping_norm > 0)) return 0;
  FED_ASSIGN(noise, coding::JobNoise::make(round.plan.spec, codec));
  return round.plan.privacy->next_norm(round.clipping_norm, noise, sum);
}

static Result<FoldedSum> fold_sum(const FoldedRound& round, std::span<const File> files,
                                  const aggregate::ParallelFor& parallel_for,
                                  aggregate::Folded worn) {
  const secagg::Codec codec = round.plan.codec(round.round.round, round.clipping_norm);
  secagg::Words sum;
  if (round.sum != nullptr) {
    sum = *round.sum;
  } else {
    FED_ASSIGN(added, add_up(files, codec));
    sum = std::move(added);
  }
  const secagg::Codec::Mean mean = codec.decode(std::move(sum));
  if (mean.weight == 0) return Error{ErrorCode::invalid, "the updates of the round weigh nothing"};
  FED_ASSIGN(folded, aggregate::apply({.weights = round.weights,
                                       .state = &round.state,
                                       .mean = mean.update,
                                       .optimizer = round.plan.optimizer.get(),
                                       .update = round.plan.spec.training.update,
                                       .total_weight = static_cast<double>(mean.weight)},
                                      parallel_for, std::move(worn)));
  FED_ASSIGN(norm, next_norm(round, codec, mean));
  return FoldedSum{std::move(folded), coding::metrics_of(mean.measures), norm};
}

Result<aggregate::Folded> fold_round(const FoldedRound& round, std::span<const File> files,
                                     const aggregate::ParallelFor& parallel_for,
                                     aggregate::Folded worn) {
  if (round.plan.integers()) {
    FED_ASSIGN(folded, fold_sum(round, files, parallel_for, std::move(worn)));
    return std::move(folded.folded);
  }
  Contributions contributions;
  double weights = 0, discounted = 0;  // in the order of the tasks: the same sums every time
  for (std::size_t i = 0; i < files.size(); ++i) {
    const round::Contribution& each = round.round.contributions[i];
    const bool added =
        round.begun != nullptr && round.begun->updates.contains({each.task, each.client});
    if (!added) contributions.push_back({&files[i], each.weight * each.discount});
    weights += each.weight;
    discounted += each.weight * each.discount;
  }
  const Plan& plan = round.plan;
  FED_ASSIGN(grid, plan.grid(round.round.total_weight, round.clipping_norm));
  double share = discounted / weights;
  aggregate::Noise noise;
  if (plan.privacy) {
    FED_ASSIGN(drawn, plan.privacy->noise(grid, round.clipping_norm));
    noise = std::move(drawn);
    share = weights / static_cast<double>(plan.spec.rounds.contributions_goal);
  }
  const aggregate::FoldInput fold{.weights = round.weights,
                                  .state = &round.state,
                                  .contributions = contributions,
                                  .begun = round.begun == nullptr ? nullptr : &round.begun->sum,
                                  .grid = grid,
                                  .rule = plan.rule,
                                  .optimizer = plan.optimizer.get(),
                                  .update = plan.spec.training.update,
                                  .discount = share,
                                  .noise = plan.privacy ? &noise : nullptr};
  return aggregate::fold(fold, parallel_for, std::move(worn));
}

namespace {

Result<FoldedSum> fold_updates(const ClosingInput& input, std::span<const File> files,
                               const Services& services) {
  const GlobalModel& base = *input.base;
  const FoldedRound round{*input.plan,       input.round,     base.weights,      base.state,
                          input.begun.get(), input.sum.get(), base.clipping_norm};
  aggregate::Folded worn = base.memory->take();
  if (input.plan->integers()) {
    return fold_sum(round, files, services.parallel_for, std::move(worn));
  }
  FED_ASSIGN(folded, fold_round(round, files, services.parallel_for, std::move(worn)));
  double norm = 0;
  if (base.clipping_norm > 0) {
    FED_ASSIGN(next, input.plan->privacy->next_norm(base.clipping_norm, input.more_within,
                                                    input.plan->spec.rounds.contributions_goal));
    norm = next;
  }
  return FoldedSum{std::move(folded), {}, norm};
}

}  // namespace

Result<Closed> close_training(const ClosingInput& input, const Services& services) {
  const GlobalModel& base = *input.base;
  FED_ASSIGN(files, open_updates(input, services.staging));
  FED_ASSIGN(sum, fold_updates(input, files, services));
  aggregate::Folded& folded = sum.folded;
  FED_TRY(keep_updates(input, files, services));
  FED_ASSIGN(metrics, evaluate(input, folded));
  const std::int64_t version = input.round.base_version + 1;
  const auto model = std::make_shared<GlobalModel>(version, std::move(folded), base.memory);
  model->clipping_norm = sum.next_norm;
  tensor::Metadata provenance = input.provenance;
  if (sum.next_norm > 0) provenance["clipping_norm"] = norm_text(sum.next_norm);
  const store::CheckpointView checkpoint{.job = input.plan->spec.name,
                                         .version = version,
                                         .layout = &input.plan->model->layout(),
                                         .weights = model->weights,
                                         .m = model->state.m,
                                         .v = model->state.v,
                                         .metadata = std::move(provenance)};
  Status saved, sealed;
  side_by_side(
      services.compute, [&] { saved = services.checkpoints.save(checkpoint); },
      [&] {
        // Nobody is asked to train on a job's last version.
        if (version >= input.plan->versions_max()) return;
        sealed = seal(*model, services.disk, services.blobs, services.compute);
      });
  FED_TRY(std::move(saved));
  FED_TRY(std::move(sealed));
  return Closed{model, input.scaling, metrics, sum.clients};
}

Result<Closed> close_statistics(const ClosingInput& input, const Services& services) {
  FED_ASSIGN(files, open_updates(input, services.staging));
  data::StatisticsSum sum(input.plan->number_columns);
  for (const File& file : files) {
    FED_ASSIGN(message, read_doubles(file, input.plan->update_bytes(input.round.kind)));
    FED_TRY(sum.add(message));
  }
  return Closed{input.base, sum.report(), {}, {}};
}

Result<round::UploadFacts> integer_facts(const Plan& plan, const store::Staging& staging,
                                         const store::UploadKey& key, std::uint64_t bytes) {
  FED_ASSIGN(file, staging.open_complete(key, bytes));
  round::UploadFacts facts{.bytes = bytes,
                           .checksum_ok = true,
                           .finite = true,
                           .max_abs = 0,
                           .count = plan.engine.training.count};
  if (bytes != plan.engine.training.bytes) return facts;  // the gate says so
  const secagg::Codec codec = plan.codec(1);
  const unsigned used = codec.length() * codec.modulus_bits() % 8;
  std::uint8_t last = 0;
  FED_TRY(file.read_at(bytes - 1, ByteSpan(&last, 1)));
  if (used != 0 && last >> used != 0) facts.count = 0;  // bits after the last element
  return facts;
}

Result<round::UploadFacts> statistics_facts(const store::Staging& staging,
                                            const store::UploadKey& key, std::uint64_t bytes) {
  FED_ASSIGN(file, staging.open_complete(key, bytes));
  FED_ASSIGN(values, read_doubles(file, bytes));
  round::UploadFacts facts{.bytes = bytes,
                           .checksum_ok = true,
                           .finite = true,
                           .max_abs = 0,
                           .count = static_cast<std::int64_t>(values.size())};
  for (const double value : values) {
    facts.finite = facts.finite && std::isfinite(value);
    facts.max_abs = std::max(facts.max_abs, std::fabs(value));
  }
  // Sums that no numbers can have are told apart by adding them, here where only their sender is
  // hurt.
  data::StatisticsSum trial(values.size() / 3);
  if (!trial.add(values)) facts.finite = false;
  return facts;
}

std::string scaling_text(const std::vector<data::Scaling>& scaling) {
  auto means = nlohmann::json::array(), deviations = nlohmann::json::array();
  for (const data::Scaling& column : scaling) {
    means.push_back(column.mean);
    deviations.push_back(column.deviation);
  }
  return nlohmann::json{{"means", means}, {"deviations", deviations}}.dump();
}

std::vector<data::Scaling> scaling_from(const std::string& text) {
  const auto parsed = nlohmann::json::parse(text, nullptr, false);
  std::vector<data::Scaling> scaling;
  if (!parsed.is_object() || !parsed.contains("means")) return scaling;
  for (std::size_t i = 0; i < parsed["means"].size(); ++i) {
    scaling.push_back({parsed["means"][i].get<double>(), parsed["deviations"][i].get<double>()});
  }
  return scaling;
}

}  // namespace fed::app
