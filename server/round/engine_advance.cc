// The engine's own moves: what the time and the counts allow, whatever the event was.
#include <algorithm>

#include "base/error.h"
#include "round/engine.h"

namespace fed::round {

bool Engine::advance(Instant now, Effects& out) {
  switch (phase_) {
    case Phase::idle:
      return advance_idle(now, out);
    case Phase::selecting:
      return advance_selecting(now, out);
    case Phase::collecting:
      return advance_collecting(now, out);
    case Phase::closing:
    case Phase::committing:
      return advance_commit(now, out);
    case Phase::abandoned:
      return advance_abandoned(now);
  }
  FED_CHECK(false);
}

bool Engine::advance_idle(Instant now, Effects& out) {
  if (!alive()) return false;
  // Here rather than in Committed, so that a restart between the commit and the news of it ends the
  // job too.
  if (kind() == TaskKind::training && attempt_ == 0) {
    if (const auto done = should_stop(config_.stopping, stopping_, version_)) {
      change_job(JobState::finished, {*done, sentence(*done)}, now, out);
      return false;
    }
  }
  if (job_ == JobState::draining && !drained_) {
    drained_ = true;
    out.push_back(Drained{});
  }
  if (job_ != JobState::running) return false;
  phase_ = Phase::selecting;
  ready_since_.reset();
  return true;
}

bool Engine::advance_selecting(Instant now, Effects& out) {
  if (job_ == JobState::draining) {
    phase_ = Phase::idle;
    ready_since_.reset();
    return true;
  }
  if (job_ != JobState::running) return false;
  const Pool candidates = pool();
  const std::int64_t fresh = candidates.kept + std::ssize(candidates.fresh);
  const std::int64_t all = fresh + std::ssize(candidates.tried);
  if (all < config_.policy.contributions_min) {
    ready_since_.reset();
    return false;
  }
  if (!ready_since_) ready_since_ = now;
  if (fresh < config_.policy.cohort && now < *ready_since_ + config_.policy.select_max)
    return false;
  begin(draw(candidates), now, out);
  return true;
}

bool Engine::advance_collecting(Instant now, Effects& out) {
  if (!paused_at_ && now >= deadline_) expired_ = true;
  if (count(Status::storing) > 0) return false;
  const std::int64_t accepted = count(Status::accepted);
  const std::int64_t left = count_outstanding();
  const bool enough = accepted >= config_.policy.contributions_min;
  const bool over = expired_ || left == 0;
  if ((accepted > 0 && (accepted >= goal_ || closed_)) || (over && enough)) {
    close(out);
    return true;
  }
  if (expired_ || accepted + left < config_.policy.contributions_min) {
    const Reason reason = expired_ ? Reason::deadline_passed : Reason::too_few_clients;
    abandon({reason, sentence(reason)}, true, now, out);
    return true;
  }
  return false;
}

bool Engine::advance_abandoned(Instant now) {
  const bool over = job_ == JobState::draining || (job_ == JobState::running && now >= *retry_at_);
  if (!over) return false;
  phase_ = Phase::idle;
  retry_at_.reset();
  return true;
}

bool Engine::advance_commit(Instant now, Effects& out) {
  if (in_flight_ || !retry_at_ || now < *retry_at_) return false;
  retry_at_.reset();
  in_flight_ = true;
  if (phase_ == Phase::closing) {
    out.push_back(close_effect());
  } else {
    out.push_back(commit_effect());
  }
  return false;
}

Engine::Pool Engine::pool() const {
  Pool result{.kept = count(Status::accepted), .fresh = {}, .tried = {}};
  for (const auto& [client, examples] : available_) {
    const auto at = members_.find(client);
    if (at != members_.end() && at->second.status == Status::accepted) continue;
    (tried_.contains(client) ? result.tried : result.fresh).push_back(client);
  }
  return result;
}

std::vector<ClientId> Engine::draw(const Pool& candidates) const {
  const Draw which{.seed = config_.policy.seed, .round = round(), .attempt = attempt_ + 1};
  const std::int64_t all = std::ssize(candidates.fresh) + std::ssize(candidates.tried);
  const std::int64_t cohort =
      kind() == TaskKind::statistics ? candidates.kept + all : config_.policy.cohort;
  const std::int64_t wanted = cohort - candidates.kept;
  std::vector<ClientId> chosen = choose(candidates.fresh, wanted, which);
  if (candidates.kept + std::ssize(chosen) < config_.policy.contributions_min) {
    for (ClientId client : choose(candidates.tried, wanted - std::ssize(chosen), which)) {
      chosen.push_back(client);
    }
  }
  return chosen;
}

void Engine::begin(const std::vector<ClientId>& chosen, Instant now, Effects& out) {
  std::erase_if(members_,
                [](const auto& entry) { return entry.second.status != Status::accepted; });
  for (ClientId client : chosen) {
    Member& member = members_[client];
    member.examples = available_.at(client);
    member.connected = true;
    member.last_activity = now;
    tried_.erase(client);
  }
  phase_ = Phase::collecting;
  ++attempt_;
  deadline_ = now + config_.policy.collect_max;
  expired_ = closed_ = false;
  ready_since_.reset();
  fix_totals();

  BeginRound begun{.round = round(),
                   .attempt = attempt_,
                   .kind = kind(),
                   .base_version = version_,
                   .cohort = {},
                   .goal = goal_,
                   .total_weight = total_weight_,
                   .collect_max = config_.policy.collect_max};
  for (const auto& [client, member] : members_) {
    begun.cohort.push_back({client, member.examples, member.status == Status::accepted});
  }
  out.push_back(std::move(begun));
  for (const auto& [client, member] : members_) {
    if (member.status != Status::accepted) assign(client, out);
  }
}

void Engine::fix_totals() {
  total_weight_ = 0;
  for (const auto& [client, member] : members_) {
    total_weight_ += weight_of(config_.policy.weighting, member.examples);
  }
  goal_ = goal_of(config_.policy, kind(), std::ssize(members_));
}

void Engine::assign(ClientId client, Effects& out) {
  Member& member = members_.at(client);
  member.told = true;
  member.status = Status::asked;
  out.push_back(AssignTask{.client = client,
                           .task = round(),
                           .attempt = attempt_,
                           .kind = kind(),
                           .base_version = version_});
}

void Engine::close(Effects& out) {
  phase_ = Phase::closing;
  closed_ = false;
  in_flight_ = true;
  commit_failures_ = 0;
  last_failure_ = {};
  out.push_back(close_effect());
  cancel_outstanding(Reason::round_closed, out);
}

void Engine::abandon(Refusal reason, bool tell, Instant now, Effects& out) {
  const Duration pause = back_off(config_.policy.select_max, config_.policy.collect_max, attempt_);
  out.push_back(AbandonRound{.round = round(),
                             .attempt = attempt_,
                             .reason = reason.reason,
                             .kept = count(Status::accepted),
                             .pause = pause});
  Effects unsent;  // the tasks never went out
  cancel_outstanding(Reason::attempt_abandoned, tell ? out : unsent);
  phase_ = Phase::abandoned;
  retry_at_ = now + pause;
  last_failure_ = std::move(reason);
}

void Engine::cancel_outstanding(Reason reason, Effects& out) {
  for (auto& [client, member] : members_) {
    if (!outstanding(member.status) || member.status == Status::storing) continue;
    if (member.told) out.push_back(CancelTask{.client = client, .task = round(), .reason = reason});
    member.status = Status::not_asked;
    member.ticket.reset();
  }
}

void Engine::end_round() {
  phase_ = Phase::idle;
  attempt_ = 0;
  members_.clear();
  tried_.clear();
  total_weight_ = 0;
  goal_ = 0;
  in_flight_ = false;
  retry_at_.reset();
  commit_failures_ = 0;
  last_failure_ = {};
}

std::int64_t Engine::count(Status status) const {
  return std::count_if(members_.begin(), members_.end(),
                       [&](const auto& entry) { return entry.second.status == status; });
}

std::int64_t Engine::count_outstanding() const {
  return std::count_if(members_.begin(), members_.end(),
                       [](const auto& entry) { return outstanding(entry.second.status); });
}

CloseRound Engine::close_effect() const {
  CloseRound effect{.round = round(),
                    .attempt = attempt_,
                    .kind = kind(),
                    .base_version = version_,
                    .contributions = {},
                    .total_weight = total_weight_};
  for (const auto& [client, member] : members_) {
    if (member.status != Status::accepted) continue;
    const std::int64_t examples = member.ticket->examples;
    effect.contributions.push_back(
        {client, examples, weight_of(config_.policy.weighting, examples)});
  }
  return effect;
}

CommitRound Engine::commit_effect() const {
  return {.round = round(), .kind = kind(), .version = round()};
}

}  // namespace fed::round
