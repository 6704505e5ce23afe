// Which clients the engine may count on: those that can do the job, and whose site lets them now.
//
// To the engine, a client outside its hours is gone: it keeps its place in a round that it belongs
// to, and is not chosen for another. One that is at work is left alone until its hours end.
#include <algorithm>

#include "app/job.h"
#include "base/log.h"

namespace fed::app {

TaskCost Job::cost_of(std::int64_t client) const {
  const std::uint64_t bytes = plan_->update_bytes(round::TaskKind::training);  // as the model has
  return {attendance_.seconds_per_task(client), bytes, bytes};
}

std::optional<std::string> Job::away(std::int64_t client) const {
  const SiteLimits* site = services_.site_of(client);
  if (site == nullptr) return std::nullopt;
  const Instant time = services_.control.now();
  if (!site->said.open) return rest_text(*site, time, services_.control.unix_seconds());
  if (attendance_.at_work(client)) return std::nullopt;
  return why_not(*site, cost_of(client), plan_->spec.rounds.seconds_max, time);
}

// Tells the engine what has changed of a client.
void Job::weigh(std::int64_t client) {
  const auto answer = answers_.find(client);
  const bool counts = answer != answers_.end() && answer->second.able && !away(client);
  if (counts && present_.insert(client).second) {
    handle(round::ClientAvailable{client, answer->second.examples});
  } else if (!counts && present_.erase(client) > 0) {
    handle(round::ClientGone{client});
  }
  if (services_.site_of(client) != nullptr) watch_windows();
}

void Job::site_changed(std::int64_t client) {
  const SiteLimits* site = services_.site_of(client);
  if (site != nullptr && !site->said.open) attendance_.interrupted(client);
  if (!ended()) weigh(client);
}

// At the moment from which on a client's hours are too short for a task, it is weighed again.
void Job::watch_windows() {
  windows_.cancel();
  std::optional<Instant> next;
  std::int64_t whose = 0;
  for (const std::int64_t client : present_) {
    const SiteLimits* site = services_.site_of(client);
    const auto start = site == nullptr ? std::nullopt : latest_start(*site, cost_of(client));
    if (!start || *start < services_.control.now() || (next && *start >= *next)) continue;
    next = start;
    whose = client;
  }
  if (!next) return;
  const Duration after = std::chrono::milliseconds(1);  // past it, not on it
  windows_ = services_.control.at(*next + after, [this, whose] { weigh(whose); });
}

// A task that is over may have kept a client here whose hours are too short for another.
void Job::task_over(std::int64_t client, std::int64_t task, bool accepted) {
  attendance_.ended(client, task, accepted, services_.control.now());
  weigh(client);
}

}  // namespace fed::app
