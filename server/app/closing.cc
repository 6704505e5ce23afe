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

}  // namespace

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

namespace {

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

}  // namespace

Result<secagg::Words> add_up(std::span<const File> files, const coding::VectorShape& shape) {
  const unsigned bits = shape.modulus_bits;
  secagg::Words sum = secagg::zero_words(bits, shape.length);
  Bytes packed(coding::packed_bytes(shape));
  for (const File& file : files) {
    FED_TRY(file.read_at(0, packed));
    FED_TRY(secagg::check_packed(packed, bits, shape.length));
    secagg::add_packed(packed, bits, sum);
  }
  return sum;
}

namespace {

// The sum that is there, or else that of the files.
Result<secagg::Words> sum_of(const secagg::Words* sum, std::span<const File> files,
                             const coding::VectorShape& shape) {
  if (sum != nullptr) return *sum;
  return add_up(files, shape);
}

Result<double> next_norm(const FoldedRound& round, const secagg::Codec& codec,
                         const secagg::Codec::Mean& sum) {
  if (!(round.clipping_norm > 0)) return 0;
  FED_ASSIGN(noise, coding::JobNoise::make(round.plan.spec, codec));
  return round.plan.privacy->next_norm(round.clipping_norm, noise, sum);
}

// All of a sum began from the same version, so they have the same discount.
Result<RoundResult> fold_integers(const FoldedRound& round, std::span<const File> files,
                                  const aggregate::ParallelFor& parallel_for,
                                  aggregate::Folded worn) {
  const round::Contribution& first = round.round.contributions.front();
  const secagg::Codec codec = round.plan.codec(first.base_version, round.clipping_norm);
  FED_ASSIGN(sum, sum_of(round.sum, files, coding::shape_of(codec)));
  const secagg::Codec::Mean mean = codec.decode(std::move(sum));
  if (mean.weight == 0) return Error{ErrorCode::invalid, "the updates of the round weigh nothing"};
  FED_ASSIGN(folded, aggregate::apply({.weights = round.weights,
                                       .state = &round.state,
                                       .mean = mean.update,
                                       .optimizer = round.plan.optimizer.get(),
                                       .update = round.plan.spec.training.update,
                                       .discount = first.discount,
                                       .total_weight = static_cast<double>(mean.weight)},
                                      parallel_for, std::move(worn)));
  FED_ASSIGN(norm, next_norm(round, codec, mean));
  return RoundResult{std::move(folded), coding::metrics_of(mean.measures), norm};
}

Result<RoundResult> fold_floats(const FoldedRound& round, std::span<const File> files,
                                const aggregate::ParallelFor& parallel_for,
                                aggregate::Folded worn) {
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
  FED_ASSIGN(folded, aggregate::fold(fold, parallel_for, std::move(worn)));
  return RoundResult{std::move(folded), {}};
}

}  // namespace

Result<RoundResult> fold_round(const FoldedRound& round, std::span<const File> files,
                               const aggregate::ParallelFor& parallel_for, aggregate::Folded worn) {
  return round.plan.integers() ? fold_integers(round, files, parallel_for, std::move(worn))
                               : fold_floats(round, files, parallel_for, std::move(worn));
}

Result<Closed> close_training(const ClosingInput& input, const Services& services) {
  const GlobalModel& base = *input.base;
  FED_ASSIGN(files, open_updates(input, services.staging));
  const FoldedRound round{*input.plan,       input.round,     base.weights,      base.state,
                          input.begun.get(), input.sum.get(), base.clipping_norm};
  FED_ASSIGN(result, fold_round(round, files, services.parallel_for, base.memory->take()));
  if (base.clipping_norm > 0 && !input.plan->integers()) {
    FED_ASSIGN(norm, input.plan->privacy->next_norm(base.clipping_norm, input.more_within,
                                                    input.plan->spec.rounds.contributions_goal));
    result.next_norm = norm;
  }
  aggregate::Folded& folded = result.folded;
  FED_TRY(keep_updates(input, files, services));
  FED_ASSIGN(metrics, evaluate(input, folded));
  const std::int64_t version = input.round.base_version + 1;
  const auto model = std::make_shared<GlobalModel>(version, std::move(folded), base.memory);
  model->clipping_norm = result.next_norm;
  tensor::Metadata provenance = input.provenance;
  if (result.next_norm > 0) provenance["clipping_norm"] = norm_text(result.next_norm);
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
  return Closed{model, input.scaling, metrics, result.clients};
}

Result<Closed> close_statistics(const ClosingInput& input, const Services& services) {
  FED_ASSIGN(files, open_updates(input, services.staging));
  const Plan& plan = *input.plan;
  data::StatisticsSum sum(plan.number_columns);
  if (plan.integers()) {
    const coding::StatisticsCodec codec = plan.statistics_codec();
    FED_ASSIGN(total, sum_of(input.sum.get(), files, coding::shape_of(codec)));
    FED_TRY(sum.add(codec.decode(total)));
    return Closed{input.base, sum.report(), {}, {}};
  }
  for (const File& file : files) {
    FED_ASSIGN(message, read_doubles(file, plan.update_bytes(input.round.kind)));
    FED_TRY(sum.add(message));
  }
  return Closed{input.base, sum.report(), {}, {}};
}

Result<round::UploadFacts> integer_facts(const Plan& plan, round::TaskKind kind,
                                         const store::Staging& staging, const store::UploadKey& key,
                                         std::uint64_t bytes) {
  const round::UpdateShape& expected = plan.shape(kind);
  FED_ASSIGN(file, staging.open_complete(key, bytes));
  round::UploadFacts facts{
      .bytes = bytes, .checksum_ok = true, .finite = true, .max_abs = 0, .count = expected.count};
  if (bytes != expected.bytes) return facts;  // the gate says so
  if (plan.encrypted()) {
    Bytes update(bytes);
    FED_TRY(file.read_at(0, update));
    if (!plan.encrypted_vector(kind).check(update)) facts.count = 0;
    return facts;
  }
  const coding::VectorShape shape = plan.vector_shape(kind);
  const unsigned used = shape.length * shape.modulus_bits % 8;
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
