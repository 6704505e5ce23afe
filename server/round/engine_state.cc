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
      previous_(snapshot.previous),
      started_(now) {
  if (job_ == JobState::paused) paused_at_ = now;
  if (!alive() || snapshot.attempt == 0) return;
  attempt_ = snapshot.attempt;
  tried_ = snapshot.tried;
  for (const SnapshotMember& from : snapshot.members) {
    Member& member = members_[from.client];
    member.examples = from.examples;
    member.ticket = from.accepted;
    member.last_activity = now;
    if (from.accepted) {
      member.status = Status::accepted;
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
    phase_ = Phase::collecting;
    closed_ = snapshot.closed;
    deadline_ = now + config_.policy.collect_max;
  }
}

std::optional<Instant> Engine::next_wakeup() const {
  if (started_) return started_;
  const bool running = job_ == JobState::running;
  switch (phase_) {
    case Phase::idle:
      return std::nullopt;
    case Phase::selecting:
      if (!running || !ready_since_) return std::nullopt;
      return *ready_since_ + config_.policy.select_max;
    case Phase::collecting:
      if (paused_at_ || expired_) return std::nullopt;
      return deadline_;
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
  const bool at_work =
      phase_ == Phase::collecting || phase_ == Phase::closing || phase_ == Phase::committing;
  Snapshot result{.version = version_,
                  .statistics_done = statistics_done_,
                  .job = job_ == JobState::draining ? JobState::running : job_,
                  .job_reason = job_ == JobState::draining ? Reason::none : job_reason_.reason,
                  .stopping = stopping_,
                  .attempt = attempt_,
                  .members = {},
                  .abandoned = attempt_ > 0 && !at_work,
                  .closed = at_work && (closed_ || phase_ != Phase::collecting),
                  .tried = tried_,
                  .previous = previous_};
  for (const auto& [client, member] : members_) {
    const bool accepted = member.status == Status::accepted;
    result.members.push_back({client, member.examples, accepted ? member.ticket : std::nullopt});
  }
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
                .available = std::ssize(others.fresh) + std::ssize(others.tried),
                .cohort = phase_ == Phase::idle || phase_ == Phase::selecting
                              ? config_.policy.cohort
                              : std::ssize(members_),
                .accepted = count(Status::accepted),
                .outstanding = phase_ == Phase::collecting ? count_outstanding() : 0,
                .contributions_min = config_.policy.contributions_min,
                .contributions_goal = goal_ > 0 ? goal_ : config_.policy.contributions_goal,
                .deadline = std::nullopt,
                .retry_at = retry_at_,
                .last_failure = last_failure_,
                .best = stopping_.best,
                .clients = {}};
  if (phase_ == Phase::collecting && !paused_at_) result.deadline = deadline_;
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
    if (members_.contains(client)) continue;
    result.clients.push_back({.client = client,
                              .connected = true,
                              .examples = examples,
                              .last_activity = std::nullopt,
                              .last_refusal = {}});
  }
  return result;
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
    FED_CHECK(member.status != Status::storing || phase_ == Phase::collecting || !alive());
    FED_CHECK(!member.revoked || member.status >= Status::storing);
  }
  FED_CHECK(accepted_weight <= total_weight_);
  FED_CHECK(attempt_ > 0 || members_.empty());
  FED_CHECK(version_ >= 0 && version_ <= config_.stopping.versions_max);
  FED_CHECK((job_ == JobState::paused) == paused_at_.has_value());
  FED_CHECK(!ready_since_ || phase_ == Phase::selecting);
  const bool at_commit = phase_ == Phase::closing || phase_ == Phase::committing;
  FED_CHECK(!in_flight_ || at_commit);
  FED_CHECK(!retry_at_ || at_commit || phase_ == Phase::abandoned);
  FED_CHECK(!at_commit || (attempt_ > 0 && count(Status::accepted) > 0));
  FED_CHECK(!at_commit || in_flight_ || retry_at_ || job_ == JobState::paused);
  FED_CHECK(phase_ != Phase::abandoned || retry_at_);
  FED_CHECK(alive() || phase_ == Phase::idle || in_flight_);
  FED_CHECK(phase_ != Phase::selecting || job_ == JobState::running || job_ == JobState::paused);
  if (phase_ == Phase::collecting && !started_) {
    const std::int64_t accepted = count(Status::accepted);
    FED_CHECK(goal_ >= 1 && goal_ <= std::ssize(members_));
    // Nothing that could be decided is left undecided, unless a record is in flight.
    FED_CHECK(count(Status::storing) > 0 ||
              (accepted < goal_ && count_outstanding() > 0 && !expired_));
  }
}

}  // namespace fed::round
