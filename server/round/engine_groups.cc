// The moves of asynchronous rounds with secure aggregation.
//
// Masks cancel only among clients that trained the same model, so those that began from the same
// version are a group, and a sum is made of one group at a time: of the oldest that is due. It is
// due when `goal` of it are ready; or fewer, but enough for a version, at the deadline or once
// nobody else can join. All of a sum have the same staleness, and with it the same discount.
// Whoever is ready waits with its update; those of a group that can be no sum any more begin anew.
//
// While a sum is made, and until its version is there, nobody new is asked: those who are asked
// then begin together, from the next version.
#include <algorithm>

#include "base/error.h"
#include "round/engine.h"

namespace fed::round {

std::map<std::int64_t, Engine::Group> Engine::groups() const {
  std::map<std::int64_t, Group> all;
  for (const auto& [client, member] : members_) {
    Group& group = all[member.base_version];
    ++(member.status == Status::ready ? group.ready : group.working);
  }
  return all;
}

bool Engine::advance_groups(Instant now, Effects& out) {
  if (phase_ != Phase::collecting) return advance_commit(now, out);
  // Rows of a sum that failed may still be under way.
  const bool may = may_secure(now) && count(Status::storing) == 0;
  for (const auto& [base_version, group] : groups()) {
    if (is_due(base_version, group, now)) {
      if (!may) continue;
      secure(base_version, out);
      return true;
    }
    if (is_complete(base_version, group) && group.ready < least()) {
      end_group(base_version, {Reason::left_over, sentence(Reason::left_over)}, now, out);
      return true;
    }
  }
  if (job_ != JobState::draining || !members_.empty()) return false;
  phase_ = Phase::idle;
  return true;
}

// Nobody of it is at work any more, and nobody will begin from its version.
bool Engine::is_complete(std::int64_t base_version, const Group& group) const {
  return group.working == 0 && (base_version < version_ || job_ == JobState::draining);
}

bool Engine::is_due(std::int64_t base_version, const Group& group, Instant now) const {
  if (group.ready >= goal_) return true;
  if (group.ready < least()) return false;
  return is_complete(base_version, group) || (!paused_at_ && now >= deadline_);
}

// The sum is there: what is in it makes the next version, and whoever fell out of it is ready for
// another one.
void Engine::close_group(Instant now, Effects& out) {
  closing_.clear();
  total_weight_ = 0;
  secure_failures_ = 0;
  std::vector<ClientId> revoked;
  for (auto& [client, member] : members_) {
    if (member.invited && member.status == Status::accepted) {
      buffer_[{member.task, client}] = {member.base_version, *member.ticket};
      total_weight_ += weight_of(config_.policy.weighting, member.ticket->examples);
      rests_.erase(client);
    } else if (member.invited) {
      take_back(client, member, now, out);
      if (member.status == Status::removed) revoked.push_back(client);
    }
  }
  for (const auto& [key, waiting] : buffer_) {
    members_.erase(key.client);
    closing_.push_back(key);
  }
  for (const ClientId client : revoked) {
    end_task(client, {Reason::removed, sentence(Reason::removed)}, now, out);
  }
  start_closing(out);
}

void Engine::end_group(std::int64_t base_version, const Refusal& why, Instant now, Effects& out) {
  std::vector<ClientId> clients;
  for (const auto& [client, member] : members_) {
    if (member.base_version == base_version && !engaged(member)) clients.push_back(client);
  }
  for (const ClientId client : clients) end_task(client, why, now, out);
}

// Its sum has failed too often: other clients are asked.
void Engine::end_failed_group(Instant now, Effects& out) {
  std::vector<ClientId> clients;
  for (auto& [client, member] : members_) {
    if (!member.invited) continue;
    take_back(client, member, now, out);
    if (member.status != Status::storing) clients.push_back(client);
  }
  for (const ClientId client : clients) end_task(client, Refusal(last_failure_), now, out);
  secure_failures_ = 0;
}

std::optional<Instant> Engine::next_group_wakeup() const {
  if (!asynchronous() || !secured() || phase_ != Phase::collecting || !alive()) return std::nullopt;
  if (secure_at_) return secure_at_;
  if (count(Status::storing) > 0) return std::nullopt;
  for (const auto& [base_version, group] : groups()) {
    if (group.ready >= least() && !paused_at_) return deadline_;
  }
  return std::nullopt;
}

std::int64_t Engine::count_ready() const {
  if (!asynchronous()) return count(Status::ready);
  std::int64_t most = 0;
  if (secured() && gathers()) {
    for (const auto& [base_version, group] : groups()) most = std::max(most, group.ready);
  }
  return most;
}

}  // namespace fed::round
