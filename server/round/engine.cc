#include "round/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/error.h"

namespace fed::round {

namespace {

using std::chrono::seconds;

constexpr Duration kCommitRetryFirst = seconds(1);
constexpr Duration kCommitRetryMost = seconds(60);
constexpr std::size_t kDetailMax = 200;  // characters of a client's own words that are kept

Refusal why(Reason reason) { return {reason, sentence(reason)}; }

Refusal why(Reason reason, const std::string& detail) {
  return {reason, fmt::format("{} ({})", sentence(reason), detail)};
}

Duration retry_after(Reason reason) {
  if (reason == Reason::attempt_abandoned)
    return seconds(30);  // a new task comes by itself, and sooner
  return reason == Reason::storage_failed ? seconds(5) : seconds(1);
}

Status status_of(Work work) {
  switch (work) {
    case Work::downloading:
      return Status::downloading;
    case Work::training:
      return Status::training;
    case Work::uploading:
      return Status::uploading;
  }
  FED_CHECK(false);
}

}  // namespace

EngineConfig engine_config(const config::JobSpec& job, UpdateShape training,
                           UpdateShape statistics) {
  training.limit = job.aggregation.update_limit;
  return {.policy = policy(job),
          .stopping = stopping_rule(job),
          .statistics_first =
              job.inputs && job.inputs->scaling == config::InputsSpec::Scaling::federated,
          .secure = false,
          .statistics_of_cohort = false,
          .training = training,
          .statistics = statistics};
}

Engine::Engine(EngineConfig config, Instant now) : Engine(std::move(config), Snapshot{}, now) {}

Effects Engine::handle(const Event& event, Instant now) {
  Effects out;
  // A task may have become stale in the moment before a restart.
  if (started_ && asynchronous()) end_stale_tasks(now, out);
  started_.reset();
  std::visit([&](const auto& e) { on(e, now, out); }, event);
  // Every move leads to a phase that waits, at the latest after idle, selecting, collecting,
  // closing.
  for (int moves = 0; advance(now, out); ++moves) FED_CHECK(moves < 16);
  return out;
}

// --- clients
// -------------------------------------------------------------------------------------------------

void Engine::on(const ClientAvailable& event, Instant now, Effects& out) {
  if (check_available(event)) {
    on(ClientGone{event.client}, now, out);
    return;
  }
  available_[event.client] = event.examples;
  seen_.insert(event.client);
  const auto at = members_.find(event.client);
  if (at == members_.end()) {
    if (gathers() && job_ == JobState::running && !asynchronous()) {
      stand_by(event.client, now, out);
    }
    return;
  }
  Member& member = at->second;
  member.connected = true;
  member.last_activity = now;
  member.told = false;
  if (working(event.client, member.task) && alive() && job_ != JobState::paused)
    assign(event.client, now, out);
}

void Engine::on(const ClientGone& event, Instant now, Effects&) {
  available_.erase(event.client);
  const auto at = members_.find(event.client);
  if (at == members_.end()) return;
  Member& member = at->second;
  member.connected = false;
  member.told = false;
  // It has its update with it, and says so again when it comes back.
  if (member.status != Status::ready || member.invited) return;
  member.status = Status::asked;
  wait_for(member, now);
}

void Engine::on(const ClientRemoved& event, Instant now, Effects& out) {
  on(ClientGone{event.client}, now, out);
  seen_.erase(event.client);
  const auto at = members_.find(event.client);
  if (at == members_.end() || !outstanding(at->second.status)) return;
  Member& member = at->second;
  member.last_refusal = why(Reason::removed);
  if (member.status == Status::storing) {
    member.revoked = true;
    return;
  }
  if (asynchronous()) return end_task(event.client, why(Reason::removed), now, out);
  member.status = Status::removed;
  member.ticket.reset();
  tried_.insert(event.client);
}

void Engine::on(const TaskFailed& event, Instant now, Effects& out) {
  Member* member = working(event.client, event.task);
  if (!member) return;
  const Refusal words{Reason::task_failed, event.detail.substr(0, kDetailMax)};
  if (asynchronous()) return end_task(event.client, words, now, out);
  member->status = Status::failed;
  member->ticket.reset();
  member->last_activity = now;
  member->last_refusal = words;
  tried_.insert(event.client);
  if (secured() && event.for_good) ruled_out_.insert(event.client);
}

void Engine::on(const Progressed& event, Instant now, Effects&) {
  Member* member = working(event.client, event.task);
  if (!member) return;
  if (member->status != Status::ready) member->status = status_of(event.work);
  member->last_activity = now;
  member->done = event.done;
  member->total = event.total;
}

void Engine::on(const Offered& event, Instant now, Effects& out) {
  if (secured()) {
    return event.masked ? offered_masked(event, now, out) : offered_ready(event, now, out);
  }
  if (const auto refusal = check_offer(gate(), event)) {
    refuse(event.client, event.task, *refusal, now, out);
    return;
  }
  Member& member = *working(event.client, event.task);
  member.ticket = Ticket{.examples = event.examples, .checksum = event.checksum};
  member.loss = event.loss;
  member.status = Status::uploading;
  member.last_activity = now;
  member.done = 0;
  member.total = event.bytes;
  out.push_back(Admit{.client = event.client, .task = event.task});
}

void Engine::on(const UploadCompleted& event, Instant now, Effects& out) {
  if (secured() && awaits_sum(event.client, event.task)) {
    out.push_back(Await{.client = event.client, .task = event.task});
    return;
  }
  if (const auto refusal = check_upload(gate(), event)) {
    refuse(event.client, event.task, *refusal, now, out);
    return;
  }
  Member& member = *working(event.client, event.task);
  member.status = Status::storing;
  member.last_activity = now;
  member.done = member.total = event.facts.bytes;
  out.push_back(Record{.client = event.client,
                       .task = event.task,
                       .examples = member.ticket->examples,
                       .weight = weight_of(config_.policy.weighting, member.ticket->examples),
                       .checksum = member.ticket->checksum});
}

// --- the app's answers
// ---------------------------------------------------------------------------------------

void Engine::on(const BeginFailed& event, Instant now, Effects& out) {
  if (phase_ != Phase::collecting || event.round != round() || event.attempt != attempt_) return;
  if (count(Status::storing) > 0) return;
  abandon(why(Reason::storage_failed, event.error.detail), now, out);
}

void Engine::on(const OpenFailed& event, Instant now, Effects&) {
  for (auto at = members_.begin(); at != members_.end();) {
    const Member& member = at->second;
    const bool unopened = asynchronous() && member.task >= event.first_task &&
                          member.task <= event.last_task && member.status == Status::asked;
    if (unopened) {
      rests_[at->first] = {.until = now + retry_after(Reason::storage_failed),
                           .failures = 0,
                           .why = why(Reason::storage_failed, event.error.detail)};
    }
    at = unopened ? members_.erase(at) : std::next(at);
  }
}

void Engine::on(const Recorded& event, Instant now, Effects& out) {
  Member* member = storing(event.client, event.task);
  if (!member) return;
  if (!alive()) {  // cancelled while the row was written
    member->status = Status::refused;
    member->last_refusal = why(Reason::job_ended);
    out.push_back(Discard{.client = event.client, .task = event.task, .reason = Reason::job_ended});
    answer(event.client, event.task, member->last_refusal, out);
    return;
  }
  member->status = Status::accepted;
  member->last_activity = now;
  if (!member->revoked) member->last_refusal = {};
  if (secured()) return recorded_masked(event.client, *member, now, out);
  learn(event.client, *member, now);
  answer(event.client, event.task, Refusal{}, out);
  if (asynchronous()) count_in(event.client, now);
}

void Engine::on(const RecordFailed& event, Instant now, Effects& out) {
  Member* member = storing(event.client, event.task);
  if (!member) return;
  member->last_activity = now;
  member->ticket.reset();
  member->status = member->revoked ? Status::removed : secured() ? Status::ready : Status::asked;
  if (phase_ != Phase::securing) member->invited = false;
  if (member->revoked) tried_.insert(event.client);
  const Reason reason = !alive()          ? Reason::job_ended
                        : member->revoked ? Reason::removed
                                          : Reason::storage_failed;
  member->last_refusal =
      reason == Reason::storage_failed ? why(reason, event.error.detail) : why(reason);
  answer(event.client, event.task, member->last_refusal, out);
  if (!asynchronous()) return;
  if (member->revoked) return end_task(event.client, why(Reason::removed), now, out);
  end_stale_tasks(now, out);  // it may have become so meanwhile
}

void Engine::on(const Aggregated& event, Instant, Effects& out) {
  if (phase_ != Phase::closing || event.round != round()) return;
  phase_ = Phase::committing;
  in_flight_ = true;
  retry_at_.reset();
  commit_failures_ = 0;
  out.push_back(commit_effect());
}

void Engine::on(const Committed& event, Instant now, Effects& out) {
  if ((phase_ != Phase::closing && phase_ != Phase::committing) || event.round != round()) return;
  if (event.evaluation) stopping_ = observe(config_.stopping, stopping_, *event.evaluation);
  if (asynchronous()) return end_async_round(now, out);
  for (const auto& [client, member] : members_) {
    if (member.status == Status::accepted) {
      // What lies with a client is not what was under a mask; it is known by its task.
      answered_[client] = {.task = event.round,
                           .checksum = secured() ? Checksum{} : member.ticket->checksum};
      if (secured()) answer(client, event.round, Refusal{}, out);
    }
  }
  if (kind() == TaskKind::training) {
    ++version_;
  } else {
    statistics_done_ = true;
  }
  end_round();
}

void Engine::on(const CommitFailed& event, Instant now, Effects& out) {
  if ((phase_ != Phase::closing && phase_ != Phase::committing) || event.round != round()) return;
  in_flight_ = false;
  retry_at_.reset();
  ++commit_failures_;
  last_failure_ =
      why(event.retryable ? Reason::storage_failed : Reason::commit_failed, event.error.detail);
  if (!alive()) {
    phase_ = Phase::idle;
    discard_unused(out);
  } else if (event.retryable) {
    retry_at_ = now + back_off(kCommitRetryFirst, kCommitRetryMost, commit_failures_);
  } else {
    change_job(JobState::paused, last_failure_, now, out);
  }
}

// --- time and the operator
// -----------------------------------------------------------------------------------

void Engine::on(const Tick&, Instant, Effects&) {}

bool Engine::accepts(Order order) const {
  return alive() && order.to != job_ && order.to != JobState::finished;
}

void Engine::on(const Order& order, Instant now, Effects& out) {
  if (!accepts(order)) return;
  change_job(order.to, why(Reason::by_operator), now, out);
  // At the end, what the app is making durable right now still counts.
  if (alive() || in_flight_) return;
  phase_ = Phase::idle;
  retry_at_.reset();
  ready_since_.reset();
  secure_at_.reset();
}

// --- shared by the events
// ------------------------------------------------------------------------------------

void Engine::answer(ClientId client, std::int64_t task, const Refusal& refusal,
                    Effects& out) const {
  if (may_retry(refusal.reason)) {
    out.push_back(Retry{.client = client,
                        .task = task,
                        .reason = refusal.reason,
                        .detail = refusal.detail,
                        .after = retry_after(refusal.reason)});
    return;
  }
  const Outcome outcome = refusal.reason == Reason::none ? Outcome::accepted
                          : too_late(refusal.reason)     ? Outcome::discarded
                                                         : Outcome::refused;
  out.push_back(Receipt{.client = client,
                        .task = task,
                        .outcome = outcome,
                        .reason = refusal.reason,
                        .detail = refusal.detail});
}

void Engine::refuse(ClientId client, std::int64_t task, const Refusal& refusal, Instant now,
                    Effects& out) {
  answer(client, task, refusal, out);
  Member* member = working(client, task);
  if (!member) return;
  if (asynchronous() && !may_retry(refusal.reason)) return end_task(client, refusal, now, out);
  member->last_refusal = refusal;
  member->ticket.reset();
  if (!may_retry(refusal.reason)) {
    member->status = Status::refused;
  } else if (!secured()) {
    member->status = Status::asked;
  } else if (member->invited) {  // its masked input; a stray one says nothing of its update
    member->status = Status::ready;
  }
  if (member->status == Status::refused) tried_.insert(client);
}

void Engine::change_job(JobState state, Refusal reason, Instant now, Effects& out) {
  const bool was_paused = job_ == JobState::paused;
  job_ = state;
  job_reason_ = std::move(reason);
  drained_ = false;
  out.push_back(
      JobChanged{.state = state, .reason = job_reason_.reason, .detail = job_reason_.detail});
  if (state == JobState::paused && !was_paused) paused_at_ = now;
  if (state != JobState::paused && was_paused) leave_pause(now, out);
  if (!alive()) end_job(out);
}

// What is owed to clients at the end. A version that is being made still takes its contributions.
void Engine::end_job(Effects& out) {
  if (gathers() || asynchronous()) cancel_outstanding(Reason::job_ended, out);
  discard_unused(out);
}

void Engine::discard_unused(Effects& out) {
  for (auto& [client, member] : members_) {
    if (member.status != Status::accepted || in_flight_) continue;
    out.push_back(Discard{.client = client, .task = member.task, .reason = Reason::job_ended});
    member.status = Status::refused;
    member.last_refusal = why(Reason::job_ended);
  }
  std::erase_if(buffer_, [&](const auto& entry) {
    const TaskKey& key = entry.first;
    if (in_flight_ && std::find(closing_.begin(), closing_.end(), key) != closing_.end()) {
      return false;
    }
    out.push_back(Discard{.client = key.client, .task = key.task, .reason = Reason::job_ended});
    answered_.erase(key.client);
    return true;
  });
}

void Engine::leave_pause(Instant now, Effects& out) {
  deadline_ += now - *paused_at_;
  for (auto& [client, member] : members_) {
    if (member.deadline) *member.deadline += now - *paused_at_;
  }
  paused_at_.reset();
  ready_since_.reset();
  in_vain_since_.reset();
  ruled_out_.clear();
  const bool stuck =
      (phase_ == Phase::closing || phase_ == Phase::committing) && !in_flight_ && !retry_at_;
  if (stuck) retry_at_ = now;
  if (!alive()) return;
  for (const auto& [client, member] : members_) {
    if (member.connected && !member.told && working(client, member.task)) assign(client, now, out);
  }
}

Member* Engine::working(ClientId client, std::int64_t task) {
  const auto at = members_.find(client);
  if (!(gathers() || asynchronous()) || at == members_.end() || at->second.task != task)
    return nullptr;
  const Status status = at->second.status;
  return outstanding(status) && status != Status::storing ? &at->second : nullptr;
}

Member* Engine::storing(ClientId client, std::int64_t task) {
  const auto at = members_.find(client);
  if (at == members_.end() || at->second.task != task) return nullptr;
  return at->second.status == Status::storing ? &at->second : nullptr;
}

std::int64_t Engine::round() const { return kind() == TaskKind::statistics ? 0 : version_ + 1; }

TaskKind Engine::kind() const {
  return config_.statistics_first && !statistics_done_ ? TaskKind::statistics : TaskKind::training;
}

GateView Engine::gate() const {
  return {.job = job_,
          .phase = phase_,
          .round = round(),
          .attempt = attempt_,
          .asynchronous = asynchronous(),
          .last_task = asynchronous() ? last_task_ : round() - (attempt_ == 0 ? 1 : 0),
          .shape = kind() == TaskKind::statistics ? config_.statistics : config_.training,
          .members = members_,
          .answered = answered_};
}

}  // namespace fed::round
