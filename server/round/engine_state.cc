// The engine's state seen from outside: restored, written down, reported, checked.
#include <algorithm>

#include "base/error.h"
#include "round/engine.h"

namespace fed::round {

Engine::Engine(EngineConfig config, const Snapshot& snapshot, Instant now)
    : config_(std::move(config)),
      job_(snapshot.job == JobState::draining ? JobState::running : snapshot.job),
      job_reason_{snapshot.job_reason, sentence(snapshot.job_reason)},
      version_(snapshot.version),
      statistics_done_(snapshot.statistics_done),
      stopping_(snapshot.stopping),
      answered_(snapshot.previous),
      begun_(now),
      started_(now),
      last_task_(snapshot.last_task) {
  for (const auto& [client, loss] : snapshot.losses) insights_[client].loss = loss;
  for (const auto& [client, answered] : snapshot.previous) seen_.insert(client);
  for (const SnapshotMember& member : snapshot.members) seen_.insert(member.client);
  if (job_ == JobState::paused) paused_at_ = now;
  if (!alive()) return;
  if (asynchronous()) {
    restore_async(snapshot, now);
  } else if (snapshot.attempt > 0) {
    restore_round(snapshot, now);
  }
}

void Engine::restore_round(const Snapshot& snapshot, Instant now) {
  attempt_ = snapshot.attempt;
  tried_ = snapshot.tried;
  for (const SnapshotMember& from : snapshot.members) {
    Member& member = members_[from.client];
    member.task = round();
    member.base_version = version_;
    member.examples = from.examples;
    member.last_activity = now;
    member.invited = snapshot.invited.contains(from.client);
    if (!secured() || member.invited) member.ticket = from.accepted;
    if (member.ticket) {
      member.status = Status::accepted;
    } else if (member.invited) {
      member.status = Status::ready;
    } else if (tried_.contains(from.client)) {
      member.status = Status::failed;
      member.last_refusal = {Reason::task_failed, sentence(Reason::task_failed)};
    }
  }
  fix_totals();
  if (snapshot.abandoned) {
    phase_ = Phase::abandoned;
    retry_at_ = now + back_off(config_.policy.select_max, config_.policy.collect_max, attempt_);
  } else {
    phase_ = snapshot.invited.empty() ? Phase::collecting : Phase::securing;
    closed_ = snapshot.closed && !secured();
    deadline_ = now + config_.policy.collect_max;
  }
}

void Engine::restore_async(const Snapshot& snapshot, Instant now) {
  for (const SnapshotMember& from : snapshot.members) {
    last_task_ = std::max(last_task_, from.task);
    const bool invited = snapshot.invited.contains(from.client);
    if (from.accepted && !secured()) {
      buffer_[{from.task, from.client}] = {from.base_version, *from.accepted};
      // Its receipt may have been lost with the server that gave it.
      Answered& last = answered_[from.client];
      if (last.task < from.task) last = {from.task, from.accepted->checksum};
      continue;
    }
    members_[from.client] = Member{.task = from.task,
                                   .base_version = from.base_version,
                                   .examples = from.examples,
                                   .invited = invited,
                                   .deadline = now + config_.policy.collect_max,
                                   .last_activity = now};
    if (!invited) continue;
    Member& member = members_.at(from.client);
    member.ticket = from.accepted;
    member.status = from.accepted ? Status::accepted : Status::ready;
  }
  attempt_ = snapshot.attempt;
  if (attempt_ == 0) return;
  goal_ = config_.policy.contributions_goal;
  closed_ = snapshot.closed;
  deadline_ = now + config_.policy.collect_max;
  phase_ = snapshot.abandoned         ? Phase::abandoned
           : snapshot.invited.empty() ? Phase::collecting
                                      : Phase::securing;
  if (snapshot.abandoned) retry_at_ = now;
}

std::optional<Instant> Engine::next_wakeup() const {
  if (started_) return started_;
  const bool running = job_ == JobState::running;
  const bool at_work = gathers() || phase_ == Phase::closing || phase_ == Phase::committing;
  if (asynchronous() && at_work) return next_async_wakeup();
  switch (phase_) {
    case Phase::idle:
      return std::nullopt;
    case Phase::selecting:
      if (running && ready_since_) return *ready_since_ + config_.policy.select_max;
      if (running && in_vain_since_) return *in_vain_since_ + config_.policy.collect_max;
      return std::nullopt;
    case Phase::collecting:
      if (paused_at_ || expired_) return secure_at_;
      return secure_at_ ? std::min(*secure_at_, deadline_) : deadline_;
    case Phase::securing:
      return std::nullopt;
    case Phase::closing:
    case Phase::committing:
      return retry_at_;
    case Phase::abandoned:
      if (!running) return std::nullopt;
      return retry_at_;
  }
  FED_CHECK(false);
}

Snapshot Engine::snapshot() const {
  const bool at_work = gathers() || phase_ == Phase::closing || phase_ == Phase::committing;
  Snapshot result{.version = version_,
                  .statistics_done = statistics_done_,
                  .job = job_ == JobState::draining ? JobState::running : job_,
                  .job_reason = job_ == JobState::draining ? Reason::none : job_reason_.reason,
                  .stopping = stopping_,
                  .attempt = attempt_,
                  .members = {},
                  .last_task = last_task_,
                  .abandoned = attempt_ > 0 && !at_work,
                  .closed = at_work && !secured() && (closed_ || phase_ != Phase::collecting),
                  .invited = {},
                  .tried = tried_,
                  .previous = answered_,
                  .losses = {}};
  for (const auto& [client, insight] : insights_) {
    if (insight.loss) result.losses[client] = *insight.loss;
  }
  for (const auto& [client, member] : members_) {
    const bool counts = member.status == Status::accepted;
    if (member.invited && at_work && phase_ != Phase::collecting) result.invited.insert(client);
    result.members.push_back({client, member.examples, counts ? member.ticket : std::nullopt,
                              member.task, member.base_version});
  }
  for (const auto& [key, waiting] : buffer_) {
    if (secured()) result.invited.insert(key.client);
    result.members.push_back(
        {key.client, waiting.ticket.examples, waiting.ticket, key.task, waiting.base_version});
  }
  std::sort(result.members.begin(), result.members.end(), [](const auto& a, const auto& b) {
    return TaskKey{a.task, a.client} < TaskKey{b.task, b.client};
  });
  return result;
}

Report Engine::report() const {
  const Pool others = pool();
  Report result{.job = job_,
                .job_reason = job_reason_,
                .phase = phase_,
                .kind = kind(),
                .version = version_,
                .versions_max = config_.stopping.versions_max,
                .round = round(),
                .attempt = attempt_,
                .available = others.all(),
                .second_choice = std::ssize(others.late) + std::ssize(others.tried),
                .cohort = phase_ == Phase::idle || phase_ == Phase::selecting
                              ? config_.policy.cohort
                              : std::ssize(members_),
                .accepted = accepted() + count_ready(),
                .outstanding = gathers() ? count_outstanding() - count(Status::ready) : 0,
                .contributions_min = least(),
                .contributions_goal = goal_ > 0 ? goal_ : config_.policy.contributions_goal,
                .deadline = std::nullopt,
                .retry_at = retry_at_,
                .last_failure = last_failure_,
                .best = stopping_.best,
                .clients = {}};
  if (phase_ == Phase::collecting && !paused_at_) result.deadline = deadline_;
  if (phase_ == Phase::selecting && ready_since_ && !paused_at_) {
    result.deadline = *ready_since_ + config_.policy.select_max;
  }
  for (const auto& [client, member] : members_) {
    result.clients.push_back({.client = client,
                              .member = true,
                              .connected = member.connected,
                              .status = member.status,
                              .examples = member.examples,
                              .last_activity = member.last_activity,
                              .done = member.done,
                              .total = member.total,
                              .last_refusal = member.last_refusal});
  }
  for (const auto& [client, examples] : available_) {
    if (!members_.contains(client)) result.clients.push_back(report_of_other(client));
  }
  return result;
}

// A client that is there and has no task.
ClientReport Engine::report_of_other(ClientId client) const {
  ClientReport report{.client = client,
                      .connected = true,
                      .examples = available_.at(client),
                      .last_activity = std::nullopt,
                      .last_refusal = {}};
  const bool waits = std::any_of(buffer_.begin(), buffer_.end(),
                                 [&](const auto& entry) { return entry.first.client == client; });
  if (waits) report.status = Status::accepted;
  const auto rest = rests_.find(client);
  if (rest != rests_.end()) report.last_refusal = rest->second.why;
  return report;
}

void Engine::check_invariants() const {
  double accepted_weight = 0;
  for (const auto& [client, member] : members_) {
    const bool counts = member.status == Status::accepted || member.status == Status::storing;
    if (counts) {
      FED_CHECK(member.ticket && member.ticket->examples >= 1 &&
                member.ticket->examples <= member.examples);
      accepted_weight += weight_of(config_.policy.weighting, member.ticket->examples);
    }
    FED_CHECK(!member.told || member.connected);
    FED_CHECK(member.status != Status::storing || gathers() || !alive() || asynchronous());
    FED_CHECK(!member.revoked || member.status >= Status::storing);
  }
  FED_CHECK(version_ >= 0 && version_ <= config_.stopping.versions_max);
  FED_CHECK((job_ == JobState::paused) == paused_at_.has_value());
  const bool at_commit = phase_ == Phase::closing || phase_ == Phase::committing;
  FED_CHECK(!in_flight_ || at_commit);
  FED_CHECK(!retry_at_ || at_commit || phase_ == Phase::abandoned);
  FED_CHECK(!at_commit || (attempt_ > 0 && accepted() > 0));
  FED_CHECK(!at_commit || in_flight_ || retry_at_ || job_ == JobState::paused);
  FED_CHECK(phase_ != Phase::abandoned || retry_at_);
  FED_CHECK(alive() || phase_ == Phase::idle || in_flight_);
  FED_CHECK(phase_ != Phase::selecting || job_ == JobState::running || job_ == JobState::paused);
  if (asynchronous()) {
    check_async_invariants();
  } else {
    check_round_invariants(accepted_weight);
  }
}

void Engine::check_round_invariants(double accepted_weight) const {
  FED_CHECK(accepted_weight <= total_weight_);
  FED_CHECK(attempt_ > 0 || members_.empty());
  FED_CHECK(buffer_.empty() && rests_.empty() && drawn_.empty());
  FED_CHECK(!ready_since_ || phase_ == Phase::selecting);
  FED_CHECK(phase_ != Phase::securing || secured());
  FED_CHECK(!secure_at_ || phase_ == Phase::collecting);
  if (phase_ != Phase::collecting || started_) return;
  FED_CHECK(goal_ >= 1 && goal_ <= std::ssize(members_));
  if (secured()) return check_ready_invariants();
  // Nothing that could be decided is left undecided, unless a record is in flight.
  FED_CHECK(count(Status::storing) > 0 ||
            (accepted() < goal_ && count_outstanding() > 0 && !expired_));
}

void Engine::check_ready_invariants() const {
  FED_CHECK(accepted() == 0);
  const std::int64_t ready = count(Status::ready), left = count_outstanding() - ready;
  FED_CHECK(count(Status::storing) > 0 || secure_at_ || (ready < goal_ && left > 0 && !expired_));
}

void Engine::check_async_invariants() const {
  FED_CHECK(phase_ != Phase::selecting);
  for (const auto& [client, member] : members_) {
    FED_CHECK(member.task >= 1 && member.task <= last_task_);
    FED_CHECK(member.base_version <= version_);
    FED_CHECK(!alive() || outstanding(member.status) ||
              (member.status == Status::accepted && phase_ == Phase::securing && member.invited));
    FED_CHECK(!member.invited || member.status == Status::storing || !alive() ||
              phase_ == Phase::securing);
    FED_CHECK(!alive() || engaged(member) ||
              version_ - member.base_version <= config_.policy.staleness.max);
    FED_CHECK(!buffer_.contains({member.task, client}));
  }
  for (const TaskKey& key : closing_) FED_CHECK(buffer_.contains(key));
  FED_CHECK(closing_.empty() || phase_ == Phase::closing || phase_ == Phase::committing ||
            !alive());
  if (alive()) FED_CHECK(std::ssize(members_) <= config_.policy.cohort);
  // Nobody is idle while there is room, unless a seeded order waits for a full set.
  if (phase_ == Phase::collecting && job_ == JobState::running && !started_) {
    FED_CHECK(slots() == 0 || idle_clients().empty() || ready_since_);
  }
}

void Engine::learn(ClientId client, const Member& member, Instant now) {
  if (member.loss) insights_[client].loss = member.loss;
  if (!member.given) return;
  const double took = std::max(seconds(now - *member.given), 1e-3);
  std::optional<double>& known = insights_[client].seconds;
  known = known ? (*known + took) / 2 : took;
}

Candidate Engine::candidate(ClientId client) const {
  const auto at = insights_.find(client);
  const Insight insight = at == insights_.end() ? Insight{} : at->second;
  return {client, available_.at(client), insight.seconds, insight.loss};
}

}  // namespace fed::round
