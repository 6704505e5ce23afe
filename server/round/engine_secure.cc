// The moves of rounds with secure aggregation: updates stay with their clients until enough are
// ready, and are then summed up under masks by the app. Whoever is ready can be part of any number
// of attempts at a sum; the training is done once. Who is asked, and when it is enough, differs
// between the two kinds of jobs: here for synchronous ones, engine_groups.cc for asynchronous ones.
#include <algorithm>

#include "base/error.h"
#include "round/engine.h"

namespace fed::round {
namespace {

constexpr Duration kSecureAgainFirst = std::chrono::seconds(1);
constexpr Duration kSecureAgainMost = std::chrono::seconds(30);
constexpr std::int64_t kFailuresMax = 5;  // attempts at a sum; then other clients are asked

Refusal why(Reason reason) { return {reason, sentence(reason)}; }

}  // namespace

void Engine::offered_ready(const Offered& event, Instant now, Effects& out) {
  if (alive() && awaits_sum(event.client, event.task)) {
    out.push_back(Await{.client = event.client, .task = event.task});
    return;
  }
  if (const auto refusal = check_ready(gate(), event)) {
    return refuse(event.client, event.task, *refusal, now, out);
  }
  if (Member* member = working(event.client, event.task)) {
    member->status = Status::ready;
    member->ticket.reset();
    member->last_activity = now;
    member->done = member->total = 0;
    learn(event.client, *member, now);
    if (asynchronous() && member->given) pace_.add(now - *member->given, false);
    member->given.reset();  // what follows says nothing of how fast it trains
    member->deadline.reset();
  }
  out.push_back(Await{.client = event.client, .task = event.task});
}

void Engine::offered_masked(const Offered& event, Instant now, Effects& out) {
  if (awaits_sum(event.client, event.task)) {
    out.push_back(Await{.client = event.client, .task = event.task});
    return;
  }
  const auto at = members_.find(event.client);
  const bool invited = at != members_.end() && at->second.task == event.task && at->second.invited;
  if (phase_ != Phase::securing || !invited) {
    return answer(event.client, event.task, why(Reason::attempt_abandoned), out);
  }
  if (const auto refusal = check_offer(gate(), event)) {
    return refuse(event.client, event.task, *refusal, now, out);
  }
  Member& member = at->second;
  member.ticket = Ticket{.examples = event.examples, .checksum = event.checksum};
  member.status = Status::uploading;
  member.last_activity = now;
  member.done = 0;
  member.total = event.bytes;
  out.push_back(Admit{.client = event.client, .task = event.task});
}

// Its masked input is on record; the receipt comes with the commit, if there is one.
bool Engine::awaits_sum(ClientId client, std::int64_t task) const {
  if (buffer_.contains({task, client})) return true;
  const auto at = members_.find(client);
  return at != members_.end() && at->second.task == task && at->second.status == Status::accepted;
}

// Not so soon after a sum that failed.
bool Engine::may_secure(Instant now) {
  if (secure_at_ && now >= *secure_at_) secure_at_.reset();
  return !secure_at_;
}

bool Engine::advance_ready(Instant now, Effects& out) {
  if (!paused_at_ && now >= deadline_) expired_ = true;
  const bool may = may_secure(now);
  if (count(Status::storing) > 0) return false;
  const std::int64_t ready = count(Status::ready);
  const std::int64_t left = count_outstanding() - ready;
  const bool over = expired_ || left == 0;
  const bool enough = ready >= goal_ || (over && ready >= least());
  if (enough) {
    if (may) secure(version_, out);
    return may;
  }
  if (over) {
    const Reason reason = secure_failures_ > 0 ? Reason::not_secured
                          : expired_           ? Reason::deadline_passed
                                               : Reason::too_few_clients;
    abandon(why(reason), now, out);
    return true;
  }
  return ready + left < least() && reinforce(now, out);
}

void Engine::secure(std::int64_t base_version, Effects& out) {
  phase_ = Phase::securing;
  Secure effect{.round = round(), .base_version = base_version, .updates = {}};
  for (auto& [client, member] : members_) {
    member.invited = member.status == Status::ready && member.base_version == base_version;
    if (member.invited) effect.updates.push_back({client, member.task});
  }
  out.push_back(std::move(effect));
}

void Engine::on(const Secured& event, Instant now, Effects& out) {
  if (phase_ != Phase::securing || event.round != round()) return;
  asynchronous() ? close_group(now, out) : close(now, out);
}

void Engine::on(const NotSecured& event, Instant now, Effects& out) {
  if (phase_ != Phase::securing || event.round != round()) return;
  phase_ = Phase::collecting;
  ++secure_failures_;
  secure_at_ = now + back_off(kSecureAgainFirst, kSecureAgainMost, secure_failures_);
  last_failure_ = {Reason::not_secured, event.detail};
  const bool given_up = secure_failures_ >= kFailuresMax;
  if (given_up && asynchronous()) end_failed_group(now, out);
  std::vector<ClientId> revoked;
  for (auto& [client, member] : members_) {
    if (member.invited) take_back(client, member, now, out);
    if (member.status == Status::removed) revoked.push_back(client);
  }
  if (asynchronous()) {
    for (const ClientId client : revoked) end_task(client, why(Reason::removed), now, out);
  }
  for (const NotSecured::Lost& lost : event.lost) lose(lost, now, out);
  if (given_up && !asynchronous() && count(Status::storing) == 0) abandon(last_failure_, now, out);
}

// Its masked input is of no use any more; its update is.
void Engine::take_back(ClientId client, Member& member, Instant now, Effects& out) {
  if (member.status == Status::storing) return;  // when it is on record
  member.invited = false;
  if (member.status == Status::accepted) {
    out.push_back(
        Discard{.client = client, .task = member.task, .reason = Reason::attempt_abandoned});
  }
  if (member.status != Status::accepted && !outstanding(member.status)) return;
  member.ticket.reset();
  member.deadline.reset();
  member.status = member.revoked     ? Status::removed
                  : member.connected ? Status::ready
                                     : Status::asked;
  if (member.revoked) tried_.insert(client);
  if (member.status == Status::asked) wait_for(member, now);
}

void Engine::lose(const NotSecured::Lost& lost, Instant now, Effects& out) {
  const auto at = members_.find(lost.client);
  if (at == members_.end() || !outstanding(at->second.status)) return;
  Member& member = at->second;
  member.last_refusal = {Reason::task_failed, lost.detail};
  if (lost.silent && !member.connected) return;
  if (member.status == Status::storing) return;  // its record is answered first
  if (asynchronous()) return end_task(lost.client, {Reason::not_secured, lost.detail}, now, out);
  member.status = Status::failed;
  tried_.insert(lost.client);
}

// The masked input of a client is durable, unless the attempt that it was for is over.
void Engine::recorded_masked(ClientId client, Member& member, Instant now, Effects& out) {
  if (phase_ == Phase::securing) {
    out.push_back(Await{.client = client, .task = member.task});
    return;
  }
  take_back(client, member, now, out);
  if (!asynchronous()) return;
  if (member.status == Status::removed) return end_task(client, why(Reason::removed), now, out);
  end_stale_tasks(now, out);  // it may have become so meanwhile
}

}  // namespace fed::round
