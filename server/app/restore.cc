#include "app/restore.h"

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

std::vector<round::SnapshotMember> members_of(const store::JobProgress& progress) {
  std::vector<round::SnapshotMember> members;
  for (const store::CohortMember& member : progress.open->cohort) {
    round::SnapshotMember restored{member.client, member.examples, {}};
    for (const store::ContributionRow& row : progress.contributions) {
      if (row.client != member.client || row.outcome != "accepted") continue;
      restored.accepted = round::Ticket{row.examples, row.checksum};
    }
    members.push_back(restored);
  }
  return members;
}

}  // namespace

round::Snapshot snapshot_of(const store::JobProgress& progress) {
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
    snapshot.members = members_of(progress);
    snapshot.abandoned = progress.open_state == "abandoned";
    snapshot.closed = progress.open_state == "closing";
  }
  for (const store::ContributionRow& row : progress.previous) {
    if (row.outcome != "accepted") continue;
    snapshot.previous.round = row.task;
    snapshot.previous.accepted[row.client] = row.checksum;
  }
  return snapshot;
}

std::string scaling_of(const store::JobProgress& progress) {
  if (!progress.statistics) return {};
  const auto metrics = nlohmann::json::parse(*progress.statistics, nullptr, false);
  return metrics.is_object() && metrics.contains("scaling") ? metrics["scaling"].dump() : "";
}

}  // namespace fed::app
