#include "app/restore.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace fed::app {
namespace {

round::JobState state_from(const std::string& name) {
  for (const auto state :
       {round::JobState::paused, round::JobState::finished, round::JobState::cancelled}) {
    if (name == round::name(state)) return state;
  }
  return round::JobState::running;  // draining is not remembered
}

std::vector<round::SnapshotMember> tasks_of(const store::JobProgress& progress) {
  std::vector<round::SnapshotMember> members;
  for (const store::OpenTask& task : progress.tasks) {
    members.push_back({task.client, task.examples, {}, task.task, task.base_version});
  }
  for (const store::ContributionRow& row : progress.contributions) {
    if (row.outcome != "accepted") continue;
    const auto open = std::find_if(members.begin(), members.end(), [&](const auto& member) {
      return member.task == row.task && member.client == row.client;
    });
    const round::Ticket ticket{row.examples, row.checksum};
    if (open != members.end()) {
      open->accepted = ticket;
    } else {
      members.push_back({row.client, row.examples, ticket, row.task, row.base_version});
    }
  }
  return members;
}

std::vector<round::SnapshotMember> members_of(const store::JobProgress& progress) {
  std::vector<round::SnapshotMember> members;
  for (const store::CohortMember& member : progress.open->cohort) {
    round::SnapshotMember restored{.client = member.client, .examples = member.examples};
    for (const store::ContributionRow& row : progress.contributions) {
      if (row.client != member.client || row.outcome != "accepted") continue;
      restored.accepted = round::Ticket{row.examples, row.checksum};
    }
    members.push_back(restored);
  }
  return members;
}

void learn_loss(const store::ContributionRow& row, round::Snapshot& snapshot) {
  const auto metrics = nlohmann::json::parse(row.metrics, nullptr, false);
  if (!metrics.is_object() || !metrics.contains("loss") || !metrics["loss"].is_number()) return;
  snapshot.losses[row.client] = metrics["loss"].get<double>();
}

}  // namespace

round::Snapshot snapshot_of(const store::JobProgress& progress, bool asynchronous) {
  round::Snapshot snapshot;
  snapshot.version = progress.job.version;
  snapshot.statistics_done = progress.statistics.has_value();
  snapshot.job = state_from(progress.job.state);
  snapshot.job_reason = static_cast<round::Reason>(progress.job.reason);
  if (progress.job.best_version && progress.job.best_value) {
    snapshot.stopping.best =
        round::Evaluation{*progress.job.best_version, *progress.job.best_value};
  }
  snapshot.stopping.without_better = progress.job.without_better;
  if (progress.open) {
    snapshot.attempt = progress.open->attempt;
    snapshot.abandoned = progress.open_state == "abandoned";
    snapshot.closed = progress.open_state == "closing";
  }
  const bool rounds_by_cohort =
      !asynchronous || (progress.open && progress.open->round == 0);  // statistics
  if (!rounds_by_cohort) {
    snapshot.members = tasks_of(progress);
  } else if (progress.open) {
    snapshot.members = members_of(progress);
  }
  snapshot.last_task = progress.last_task;
  for (const store::ContributionRow& row : progress.previous) {
    snapshot.previous[row.client] = {row.task, row.checksum};
    learn_loss(row, snapshot);
  }
  for (const store::ContributionRow& row : progress.contributions) {  // later than those
    if (row.outcome == "accepted") learn_loss(row, snapshot);
  }
  return snapshot;
}

round::JobState state_of(const store::JobProgress& progress) {
  return state_from(progress.job.state);
}

bool has_ended(const store::JobProgress& progress) {
  const round::JobState state = state_of(progress);
  return state == round::JobState::finished || state == round::JobState::cancelled;
}

std::string scaling_of(const store::JobProgress& progress) {
  if (!progress.statistics) return {};
  const auto metrics = nlohmann::json::parse(*progress.statistics, nullptr, false);
  return metrics.is_object() && metrics.contains("scaling") ? metrics["scaling"].dump() : "";
}

}  // namespace fed::app
