#include "app/attendance.h"

namespace fed::app {

void Attendance::assigned(std::int64_t client, std::int64_t task, Instant now) {
  Client& entry = clients_[client];
  if (entry.task == task) return;
  entry.task = task;
  entry.since = now;
  entry.whole = true;
}

void Attendance::ended(std::int64_t client, std::int64_t task, bool accepted, Instant now) {
  const auto at = clients_.find(client);
  if (at == clients_.end() || at->second.task != task) return;
  Client& entry = at->second;
  entry.task.reset();
  if (!accepted || !entry.whole) return;
  const double took = seconds(now - entry.since);
  entry.seconds = entry.seconds ? (*entry.seconds + took) / 2 : took;
}

void Attendance::interrupted(std::int64_t client) {
  const auto at = clients_.find(client);
  if (at != clients_.end()) at->second.whole = false;
}

bool Attendance::at_work(std::int64_t client) const {
  const auto at = clients_.find(client);
  return at != clients_.end() && at->second.task;
}

std::optional<double> Attendance::seconds_per_task(std::int64_t client) const {
  const auto at = clients_.find(client);
  return at == clients_.end() ? std::nullopt : at->second.seconds;
}

}  // namespace fed::app
