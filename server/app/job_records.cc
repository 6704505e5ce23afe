// How a job writes accepted updates down, and tells their clients.
#include <algorithm>
#include <utility>

#include "app/job.h"
#include "app/metrics_json.h"
#include "base/log.h"

namespace fed::app {

bool Job::run(const round::Record& effect) {
  const auto offer = offers_.find(effect.client);
  const bool known = offer != offers_.end() && offer->second.checksum == effect.checksum;
  const store::Accepted accepted{.job = name(),
                                 .task = effect.task,
                                 .client = effect.client,
                                 .round = engine_->round(),
                                 .base_version = known ? offer->second.base_version : 0,
                                 .examples = effect.examples,
                                 .weight = effect.weight,
                                 .checksum = effect.checksum,
                                 .bytes = plan_->update_bytes(engine_->kind()),
                                 .metrics = known ? to_json(offer->second.metrics).dump() : "{}",
                                 .ends_task = secure_ == nullptr,
                                 .at = services_.control.unix_seconds()};
  records_.push_back(accepted);
  // With these the round may close: before that, nobody else is to be accepted.
  if (std::ssize(records_) >= engine_->missing()) {
    write_records();
  } else if (records_.size() == 1) {
    services_.control.post([self = weak_from_this()] {
      const auto job = self.lock();
      if (job == nullptr || job->records_.empty()) return;
      job->write_records();
      job->handle_all();
    });
  }
  return true;
}

void Job::write_records() {
  const std::vector<store::Accepted> records = std::exchange(records_, {});
  const Status all = services_.journal.accept_contributions(records);
  for (const store::Accepted& record : records) {
    // One that cannot be must not keep the others back.
    recorded(record, all || records.size() == 1
                         ? all
                         : services_.journal.accept_contributions({&record, 1}));
  }
}

void Job::recorded(const store::Accepted& record, const Status& written) {
  if (written) {
    put_off_.erase(record.client);
    early_fold_->accepted(record.task, record.client, record.weight);
    events_.push_back(round::Recorded{record.client, record.task});
    if (secure_) secure_->recorded(record.client);
  } else {
    log::error("job {} task {}: cannot record an update: {}", name(), record.task,
               written.error().detail);
    events_.push_back(round::RecordFailed{record.client, record.task, written.error()});
  }
}

store::Journal& Job::journal() {
  if (!records_.empty()) write_records();
  return services_.journal;
}

// The engine remembers each client's last receipt only. One who could not delete an earlier update,
// for which it was given a receipt too, is given that once more.
bool Job::is_counted(const round::Receipt& effect) {
  const auto offer = offers_.find(effect.client);
  if (offer == offers_.end() || offer->second.task != effect.task) return false;
  const auto accepted = journal().accepted(name(), {effect.task, effect.client});
  // What lies with a client is not what was under a mask.
  return accepted && *accepted && (secure_ || *accepted == offer->second.checksum);
}

bool Job::run(const round::Receipt& effect) {
  if (effect.outcome != round::Outcome::accepted && is_counted(effect)) {
    return run(round::Receipt{.client = effect.client, .task = effect.task});
  }
  send(effect.client, wire::Receipt{name(), effect.task, static_cast<wire::Outcome>(effect.outcome),
                                    static_cast<std::uint8_t>(effect.reason), effect.detail});
  answered(effect.client, effect.task);
  task_over(effect.client, effect.task, effect.outcome == round::Outcome::accepted);
  if (effect.outcome == round::Outcome::accepted) return true;
  log::warning("job {} task {}: the update of {} is {}: {}", name(), effect.task,
               services_.name_of(effect.client), round::name(effect.outcome), effect.detail);
  // A duplicate says nothing about the update that is already counted.
  if (effect.reason == round::Reason::duplicate) return true;
  if (is_acknowledged(effect.task, effect.client)) return true;
  const store::Outcome outcome{.job = name(),
                               .task = effect.task,
                               .client = effect.client,
                               .round = engine_->round(),
                               .outcome = round::name(effect.outcome),
                               .reason = static_cast<int>(effect.reason),
                               .detail = effect.detail,
                               .at = services_.control.unix_seconds()};
  const Status recorded = journal().record_outcome(outcome);
  if (!recorded) log::debug("job {}: {}", name(), recorded.error().detail);
  unstage({name(), effect.task, effect.client});
  return true;
}

// Whether it is accepted and in no version yet: then no answer of today takes it away.
bool Job::is_acknowledged(std::int64_t task, std::int64_t client) {
  const auto rows = journal().uncommitted(name());
  return !rows || std::any_of(rows->begin(), rows->end(), [&](const store::ContributionRow& row) {
    return row.task == task && row.client == client;
  });
}

// What its own ledger has to have of the job: else that has gone back to an older state.
std::vector<std::int64_t> Job::privacy_tasks(std::int64_t client) const {
  const auto at = committed_tasks_.find(client);
  if (at == committed_tasks_.end()) return {};
  const std::vector<std::int64_t>& tasks = at->second;
  const auto told = static_cast<std::ptrdiff_t>(std::min(tasks.size(), wire::kPrivacyTasksMax));
  return {tasks.end() - told, tasks.end()};
}

void Job::note_committed(const round::CommitRound& effect) {
  if (!plan_->privacy || effect.kind != round::TaskKind::training) return;
  for (const round::Contribution& each : closing_)
    committed_tasks_[each.client].push_back(each.task);
}

void Job::answered(std::int64_t client, std::int64_t task) {
  const auto offer = offers_.find(client);
  if (offer != offers_.end() && offer->second.task == task) offers_.erase(offer);
  const auto activity = activities_.find(client);
  if (activity != activities_.end()) activity->second.answered(task, now());
}

}  // namespace fed::app
