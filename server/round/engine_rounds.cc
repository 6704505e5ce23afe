// The moves of synchronous rounds: what the time and the counts allow, whatever the event was.
#include <algorithm>
#include <limits>

#include "base/error.h"
#include "round/engine.h"

namespace fed::round {

bool Engine::advance(Instant now, Effects& out) {
  const bool at_work = gathers() || phase_ == Phase::closing || phase_ == Phase::committing;
  if (asynchronous() && at_work) return advance_async(now, out);
  switch (phase_) {
    case Phase::idle:
      return advance_idle(now, out);
    case Phase::selecting:
      return advance_selecting(now, out);
    case Phase::collecting:
      return secured() ? advance_ready(now, out) : advance_collecting(now, out);
    case Phase::securing:
      return false;
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
  ready_since_.reset();
  if (asynchronous()) {
    begin_async(now, out);
  } else {
    phase_ = Phase::selecting;
  }
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
  const std::int64_t all = candidates.kept + candidates.all();
  if (all < least()) {
    ready_since_.reset();
    wait_in_vain(all + candidates.ruled_out >= least(), now, out);
    return false;
  }
  in_vain_since_.reset();
  if (!ready_since_) ready_since_ = now;
  if (!full(candidates) && now < *ready_since_ + config_.policy.select_max) return false;
  begin(draw(candidates), now, out);
  return true;
}

// Nobody is waited for where others would not be asked, or where there are none: whoever was late
// for the last round is there, and may be left out of this one.
bool Engine::full(const Pool& candidates) const {
  const Policy& policy = config_.policy;
  const std::int64_t fresh = candidates.kept + std::ssize(candidates.fresh);
  if (fresh >= policy.cohort) return true;
  const std::int64_t there = fresh + std::ssize(candidates.late);
  if (there >= policy.cohort && fresh >= policy.contributions_goal) return true;
  if (candidates.kept + candidates.all() < policy.cohort) return false;
  return std::all_of(seen_.begin(), seen_.end(), [&](ClientId client) {
    const auto member = members_.find(client);
    const bool kept = member != members_.end() && member->second.status == Status::accepted;
    return kept || available_.contains(client);
  });
}

// Others may be away for a moment only, so they have as long as for an attempt.
void Engine::wait_in_vain(bool in_vain, Instant now, Effects& out) {
  if (!in_vain) return in_vain_since_.reset();
  if (!in_vain_since_) in_vain_since_ = now;
  if (now < *in_vain_since_ + config_.policy.collect_max) return;
  in_vain_since_.reset();
  change_job(JobState::paused, {Reason::revealed, sentence(Reason::revealed)}, now, out);
}

bool Engine::advance_collecting(Instant now, Effects& out) {
  if (!paused_at_ && now >= deadline_) expired_ = true;
  if (count(Status::storing) > 0) return false;
  const std::int64_t accepted = count(Status::accepted);
  const std::int64_t left = count_outstanding();
  const bool enough = accepted >= least();
  const bool over = expired_ || left == 0;
  if ((accepted > 0 && (accepted >= goal_ || closed_)) || (over && enough)) {
    close(now, out);
    return true;
  }
  if (over) {
    const Reason reason = expired_ ? Reason::deadline_passed : Reason::too_few_clients;
    abandon({reason, sentence(reason)}, now, out);
    return true;
  }
  return accepted + left < least() && reinforce(now, out);
}

// Too few are left, but some are still at work: others are asked beside them, as the next attempt,
// if there are any. Else those at work are waited for: what they deliver is kept.
bool Engine::reinforce(Instant now, Effects& out) {
  if (job_ != JobState::running) return false;
  const Pool candidates = pool();
  if (candidates.fresh.empty() && candidates.late.empty()) return false;
  // Its goal would be lower than what a version needs.
  if (candidates.kept + candidates.all() < least()) return false;
  begin(draw(candidates), now, out);
  return true;
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
  Pool result;
  for (const auto& [client, member] : members_) {
    const bool in = member.status == Status::accepted || (gathers() && outstanding(member.status));
    if (in) ++result.kept;
  }
  for (const auto& [client, examples] : available_) {
    const auto at = members_.find(client);
    const bool in = at != members_.end() && (at->second.status == Status::accepted ||
                                             (gathers() && outstanding(at->second.status)));
    if (in) continue;
    if (ruled_out_.contains(client)) {
      ++result.ruled_out;
      continue;
    }
    auto& group = tried_.contains(client)  ? result.tried
                  : late_.contains(client) ? result.late
                                           : result.fresh;
    group.push_back(client);
  }
  return result;
}

// Groups in their order: the next one only where those before it do not do.
std::vector<ClientId> Engine::draw(const Pool& candidates) const {
  const Draw which{.seed = config_.policy.seed, .round = round(), .attempt = attempt_ + 1};
  const bool everybody = kind() == TaskKind::statistics && !config_.statistics_of_cohort;
  const std::int64_t goal = everybody ? candidates.all() : config_.policy.contributions_goal;
  const std::int64_t wanted =
      everybody ? candidates.all() : config_.policy.cohort - candidates.kept;
  std::vector<ClientId> chosen;
  const auto add = [&](const std::vector<ClientId>& group, std::int64_t unless) {
    if (candidates.kept + std::ssize(chosen) >= unless) return;
    std::vector<Candidate> known;
    for (const ClientId client : group) known.push_back(candidate(client));
    for (const ClientId client :
         choose(std::move(known), wanted - std::ssize(chosen), which, config_.policy.selection)) {
      chosen.push_back(client);
    }
  };
  add(candidates.fresh, std::numeric_limits<std::int64_t>::max());
  add(candidates.late, goal);
  add(candidates.tried, least());
  return chosen;
}

void Engine::begin(const std::vector<ClientId>& chosen, Instant now, Effects& out) {
  const bool goes_on = phase_ == Phase::collecting;
  std::erase_if(members_, [&](const auto& entry) {
    const Status status = entry.second.status;
    return status != Status::accepted && !(goes_on && outstanding(status));
  });
  for (ClientId client : chosen) {
    members_[client] = Member{.task = round(),
                              .base_version = version_,
                              .examples = available_.at(client),
                              .connected = true,
                              .last_activity = now};
    tried_.erase(client);
  }
  phase_ = Phase::collecting;
  ++attempt_;
  begun_ = now;
  const Duration collect = pace_.deadline(config_.policy);
  deadline_ = now + collect;
  expired_ = closed_ = false;
  secure_at_.reset();
  secure_failures_ = 0;
  ready_since_.reset();
  fix_totals();

  BeginRound begun{.round = round(),
                   .attempt = attempt_,
                   .kind = kind(),
                   .base_version = version_,
                   .cohort = {},
                   .goal = goal_,
                   .total_weight = total_weight_,
                   .collect_max = collect};
  for (const auto& [client, member] : members_) {
    begun.cohort.push_back({client, member.examples, member.status == Status::accepted});
  }
  out.push_back(std::move(begun));
  for (const ClientId client : chosen) assign(client, now, out);
  for (const auto& [client, examples] : available_) {
    if (!members_.contains(client)) stand_by(client, now, out);
  }
}

void Engine::stand_by(ClientId client, Instant now, Effects& out) const {
  const Duration left = std::max(deadline_ - now, Duration::zero());
  const Duration usual =
      pace_.mean() ? std::max(*pace_.mean() - (now - begun_), Duration::zero()) : left;
  out.push_back(Standby{.client = client, .round = round(), .after = std::min(left, usual)});
}

void Engine::fix_totals() {
  total_weight_ = 0;
  for (const auto& [client, member] : members_) {
    total_weight_ += weight_of(config_.policy.weighting, member.examples);
  }
  goal_ = goal_of(config_.policy, kind(), std::ssize(members_));
}

// Statistics are wanted from whoever is there, however many contributions make a version.
std::int64_t Engine::least() const {
  const Policy& policy = config_.policy;
  return kind() == TaskKind::statistics ? std::min(policy.contributions_min, policy.cohort)
                                        : policy.contributions_min;
}

void Engine::assign(ClientId client, Instant now, Effects& out) {
  Member& member = members_.at(client);
  member.told = true;
  member.status = Status::asked;
  if (!member.given) member.given = now;
  wait_for(member, now);
  out.push_back(AssignTask{.client = client,
                           .task = member.task,
                           .attempt = attempt_,
                           .kind = kind(),
                           .base_version = member.base_version});
}

void Engine::close(Instant now, Effects& out) {
  pace_.add(now - begun_, expired_);
  late_.clear();
  for (const auto& [client, member] : members_) {
    if (outstanding(member.status)) late_.insert(client);
  }
  start_closing(out);
  cancel_outstanding(Reason::round_closed, out);
}

void Engine::abandon(Refusal reason, Instant now, Effects& out) {
  if (expired_) pace_.add(now - begun_, true);
  const Duration pause = back_off(config_.policy.select_max, config_.policy.collect_max, attempt_);
  out.push_back(AbandonRound{.round = round(),
                             .attempt = attempt_,
                             .reason = reason.reason,
                             .kept = accepted(),
                             .pause = pause});
  if (!asynchronous()) cancel_outstanding(Reason::attempt_abandoned, out);
  phase_ = Phase::abandoned;
  secure_at_.reset();
  retry_at_ = now + pause;
  last_failure_ = std::move(reason);
}

void Engine::cancel_outstanding(Reason reason, Effects& out) {
  for (auto& [client, member] : members_) {
    if (!outstanding(member.status) || member.status == Status::storing) continue;
    if (member.told) {
      out.push_back(CancelTask{.client = client, .task = member.task, .reason = reason});
    }
    member.status = Status::not_asked;
    member.ticket.reset();
  }
}

std::int64_t Engine::accepted() const {
  return asynchronous() ? std::ssize(buffer_) : count(Status::accepted);
}

void Engine::start_closing(Effects& out) {
  phase_ = Phase::closing;
  closed_ = false;
  in_flight_ = true;
  commit_failures_ = 0;
  last_failure_ = {};
  out.push_back(close_effect());
}

void Engine::end_round() {
  members_.clear();
  tried_.clear();
  ruled_out_.clear();
  reset_round();
}

void Engine::reset_round() {
  phase_ = Phase::idle;
  attempt_ = 0;
  total_weight_ = 0;
  goal_ = 0;
  in_flight_ = false;
  retry_at_.reset();
  secure_at_.reset();
  secure_failures_ = 0;
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
  const auto add = [&](const TaskKey& key, const Waiting& waiting) {
    effect.contributions.push_back(contribution(key, waiting));
  };
  if (asynchronous()) {
    for (const TaskKey& key : closing_) add(key, buffer_.at(key));
  } else {
    for (const auto& [client, member] : members_) {
      if (member.status != Status::accepted) continue;
      add({member.task, client}, {member.base_version, *member.ticket});
    }
  }
  return effect;
}

CommitRound Engine::commit_effect() const {
  return {.round = round(), .kind = kind(), .version = round()};
}

}  // namespace fed::round
