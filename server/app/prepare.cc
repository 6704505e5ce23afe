#include "app/prepare.h"

#include <set>

#include "app/closing.h"
#include "app/restore.h"

namespace fed::app {
namespace {

Status unstage_old_tasks(const Services& services, const store::JobProgress& progress) {
  std::set<std::int64_t> open;
  if (progress.open) open.insert(progress.open->round);
  for (const store::OpenTask& task : progress.tasks) open.insert(task.task);
  for (const store::ContributionRow& row : progress.contributions) {
    if (row.outcome == "accepted") open.insert(row.task);
  }
  const std::string& job = progress.job.name;
  FED_ASSIGN(staged, services.staging.list());
  for (const store::Staged& file : staged) {
    if (file.key.job != job || open.contains(file.key.task)) continue;
    FED_TRY(services.staging.remove_task(job, file.key.task));
  }
  return {};
}

Result<std::shared_ptr<const GlobalModel>> load_version(const Plan& plan, const Services& services,
                                                        std::int64_t version) {
  const std::size_t coordinates = plan.model->layout().size();
  tensor::Floats weights(coordinates);
  aggregate::OptimizerState state = plan.optimizer->initial(coordinates);
  tensor::Metadata metadata;
  if (version == 0) {
    plan.model->initialize(weights, plan.spec.model.seed);
  } else {
    FED_ASSIGN(saved, services.checkpoints.load(plan.spec.name, version, plan.model->layout()));
    weights = std::move(saved.weights);
    state.m = std::move(saved.m);
    state.v = std::move(saved.v);
    metadata = std::move(saved.metadata);
  }
  FED_ASSIGN(norm, norm_from(plan.spec, version, metadata));
  const auto model = std::make_shared<GlobalModel>(
      version, aggregate::Folded{std::move(weights), std::move(state)},
      std::make_shared<WornMemory>());
  model->clipping_norm = norm;
  FED_TRY(seal(*model, services.disk, services.blobs, services.compute));
  return std::shared_ptr<const GlobalModel>(model);
}

}  // namespace

Result<Prepared> prepare(const Plan& plan, const Services& services,
                         const store::JobProgress& progress) {
  Prepared prepared;
  if (has_ended(progress)) return prepared;
  FED_TRY(unstage_old_tasks(services, progress));
  prepared.scaling = scaling_from(scaling_of(progress));
  const std::int64_t latest = progress.job.version;
  std::set<std::int64_t> older;
  for (const store::OpenTask& task : progress.tasks) {
    const bool stale = latest - task.base_version > plan.spec.rounds.staleness.max;
    if (!stale) older.insert(task.base_version);  // else the engine ends it
  }
  older.erase(latest);
  for (const std::int64_t version : older) {
    const auto model = load_version(plan, services, version);
    // A task that ended, on a disk that could not note it, keeps no checkpoint: it ends again when
    // it is to be assigned.
    if (!model && model.error().code == ErrorCode::not_found) continue;
    if (!model) return model.error();
    prepared.models[version] = without_weights(**model);
  }
  FED_ASSIGN(model, load_version(plan, services, latest));
  prepared.models[latest] = std::move(model);
  return prepared;
}

}  // namespace fed::app
