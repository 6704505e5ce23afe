// The moves of rounds with secure aggregation: updates stay with their clients until enough are
// ready, and are then summed up under masks by the app. Whoever is ready can be part of any number
// of attempts at a sum; the training is done once.
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
  if (const auto refusal = check_ready(gate(), event)) {
    return refuse(event.client, event.task, *refusal, now, out);
  }
  if (Member* member = working(event.client, event.task)) {
    member->status = Status::ready;
    member->ticket.reset();
    member->last_activity = now;
    member->done = member->total = 0;
    learn(event.client, *member, now);
    member->given.reset();  // what follows says nothing of how fast it trains
  }
  out.push_back(Await{.client = event.client, .task = event.task});
}

void Engine::offered_masked(const Offered& event, Instant now, Effects& out) {
  const auto at = members_.find(event.client);
  const bool invited = at != members_.end() && at->second.task == event.task && at->second.invited;
  if (phase_ != Phase::securing || !invited) {
    return answer(event.client, event.task, why(Reason::attempt_abandoned), out);
  }
  Member& member = at->second;
  if (member.status == Status::accepted) {
    out.push_back(Await{.client = event.client, .task = event.task});
    return;
  }
  if (const auto refusal = check_offer(gate(), event)) {
    return refuse(event.client, event.task, *refusal, now, out);
  }
  member.ticket = Ticket{.examples = event.examples, .checksum = event.checksum};
  member.status = Status::uploading;
  member.last_activity = now;
  member.done = 0;
  member.total = event.bytes;
  out.push_back(Admit{.client = event.client, .task = event.task});
}

// Its masked input is on record; the receipt comes with the commit, if there is one.
bool Engine::awaits_sum(ClientId client, std::int64_t task) const {
  const auto at = members_.find(client);
  return at != members_.end() && at->second.task == task && at->second.status == Status::accepted;
}

bool Engine::advance_ready(Instant now, Effects& out) {
  if (!paused_at_ && now >= deadline_) expired_ = true;
  if (secure_at_ && now >= *secure_at_) secure_at_.reset();
  if (count(Status::storing) > 0) return false;
  const std::int64_t ready = count(Status::ready);
  const std::int64_t left = count_outstanding() - ready;
  const bool over = expired_ || left == 0;
  const bool enough = ready >= goal_ || (over && ready >= least());
  if (enough && secure_at_) return false;
  if (enough) {
    secure(out);
    return true;
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

void Engine::secure(Effects& out) {
  phase_ = Phase::securing;
  secure_at_.reset();
  Secure effect{.round = round(), .attempt = attempt_, .clients = {}, .contributions_min = least()};
  for (auto& [client, member] : members_) {
    member.invited = member.status == Status::ready;
    if (member.invited) effect.clients.push_back(client);
  }
  out.push_back(std::move(effect));
}

void Engine::on(const Secured& event, Instant now, Effects& out) {
  if (phase_ != Phase::securing || event.round != round()) return;
  close(now, out);
}

void Engine::on(const NotSecured& event, Instant now, Effects& out) {
  if (phase_ != Phase::securing || event.round != round()) return;
  phase_ = Phase::collecting;
  for (auto& [client, member] : members_) {
    if (member.invited) take_back(client, member, out);
  }
  for (const NotSecured::Lost& lost : event.lost) lose(lost);
  ++secure_failures_;
  secure_at_ = now + back_off(kSecureAgainFirst, kSecureAgainMost, secure_failures_);
  last_failure_ = {Reason::not_secured, event.detail};
  if (secure_failures_ < kFailuresMax || count(Status::storing) > 0) return;
  abandon(last_failure_, now, out);
}

// Its masked input is of no use any more; its update is.
void Engine::take_back(ClientId client, Member& member, Effects& out) {
  if (member.status == Status::storing) return;  // when it is on record
  member.invited = false;
  if (member.status == Status::accepted) {
    out.push_back(
        Discard{.client = client, .task = member.task, .reason = Reason::attempt_abandoned});
  }
  if (member.status != Status::accepted && !outstanding(member.status)) return;
  member.ticket.reset();
  member.status = member.revoked     ? Status::removed
                  : member.connected ? Status::ready
                                     : Status::asked;
  if (member.revoked) tried_.insert(client);
}

void Engine::lose(const NotSecured::Lost& lost) {
  const auto at = members_.find(lost.client);
  if (at == members_.end() || !outstanding(at->second.status)) return;
  Member& member = at->second;
  member.last_refusal = {Reason::task_failed, lost.detail};
  if (lost.silent && !member.connected) return;
  if (member.status == Status::storing) return;  // its record is answered first
  member.status = Status::failed;
  tried_.insert(lost.client);
}

// The masked input of a client is durable, unless the attempt that it was for is over.
void Engine::recorded_masked(ClientId client, Member& member, Effects& out) {
  if (phase_ == Phase::securing) {
    out.push_back(Await{.client = client, .task = member.task});
  } else {
    take_back(client, member, out);
  }
}

}  // namespace fed::round
