// The moves of asynchronous rounds (FedAsync: Xie et al. 2019; FedBuff: Nguyen et al. 2022).
//
// A task outlives rounds: it is open from OpenTasks until its update is accepted or EndTask. An
// accepted update waits in the buffer; K of them make a version. While a version is being made
// clients go on, and what they deliver is for the next one.
//
// With a seeded order nothing depends on who was faster: the free places are filled all at once,
// from a full set of clients, and the seed draws the K open or delivered tasks that make the next
// version; their clients are asked again when it is there.
//
// With secure aggregation an update is accepted once it is part of a sum: engine_groups.cc.
#include <algorithm>

#include "base/error.h"
#include "base/random.h"
#include "round/engine.h"

namespace fed::round {

void Engine::begin_async(Instant now, Effects& out) {
  phase_ = Phase::collecting;
  ++attempt_;
  begun_ = now;
  deadline_ = now + config_.policy.collect_max;
  goal_ = config_.policy.contributions_goal;
  out.push_back(BeginRound{.round = round(),
                           .attempt = attempt_,
                           .kind = kind(),
                           .base_version = version_,
                           .cohort = {},
                           .goal = goal_,
                           .total_weight = 0,
                           .collect_max = config_.policy.collect_max});
}

bool Engine::advance_async(Instant now, Effects& out) {
  if (alive() && !paused_at_) expire(now, out);
  if (job_ == JobState::running && may_open()) refill(now, out);
  if (secured()) return advance_groups(now, out);
  if (config_.policy.seeded) draw_tasks(now);
  if (phase_ != Phase::collecting) return advance_commit(now, out);
  if (due(now)) {
    close_async(out);
    return true;
  }
  if (job_ != JobState::draining || !members_.empty()) return false;
  phase_ = Phase::idle;
  return true;
}

// A task whose client is silent for too long makes room for another client.
void Engine::expire(Instant now, Effects& out) {
  std::vector<ClientId> late;
  for (const auto& [client, member] : members_) {
    const bool over = member.deadline && *member.deadline <= now;
    if (over && !engaged(member)) late.push_back(client);
  }
  for (const ClientId client : late) {
    const Member& member = members_.at(client);
    if (member.given) pace_.add(now - *member.given, true);
    end_task(client, {Reason::deadline_passed, sentence(Reason::deadline_passed)}, now, out);
  }
}

// How many more tasks may be opened. While no version can be made, because the disk is full,
// updates wait: so that they have a bound too, their number and that of the open tasks have.
std::int64_t Engine::slots() const {
  const Policy& policy = config_.policy;
  const std::int64_t open = std::ssize(members_), waiting = std::ssize(buffer_);
  const std::int64_t free = policy.cohort - open - (policy.seeded ? waiting : 0);
  const std::int64_t kept = 2 * (policy.cohort + policy.contributions_goal) - open - waiting;
  return std::max<std::int64_t>(std::min(free, kept), 0);
}

std::vector<ClientId> Engine::idle_clients() const {
  std::set<ClientId> busy;
  if (config_.policy.seeded || secured()) {
    for (const auto& [key, waiting] : buffer_) busy.insert(key.client);
  }
  std::vector<ClientId> idle;
  for (const auto& [client, examples] : available_) {
    const auto rest = rests_.find(client);
    const bool rests = rest != rests_.end() && !rest->second.over;
    if (!rests && !busy.contains(client) && !members_.contains(client)) idle.push_back(client);
  }
  return idle;
}

void Engine::refill(Instant now, Effects& out) {
  for (auto& [client, rest] : rests_) rest.over = now >= rest.until;
  const std::int64_t room = slots();
  const std::vector<ClientId> idle = idle_clients();
  if (room == 0 || idle.empty()) {
    ready_since_.reset();
    return;
  }
  if (config_.policy.seeded && std::ssize(idle) < room) {
    if (!ready_since_) ready_since_ = now;
    if (now < *ready_since_ + config_.policy.select_max) return;
  }
  ready_since_.reset();
  const Draw which{.seed = config_.policy.seed, .round = last_task_ + 1, .attempt = 0};
  std::vector<Candidate> candidates;
  for (const ClientId client : idle) candidates.push_back(candidate(client));
  open_tasks(choose(std::move(candidates), room, which, config_.policy.selection), now, out);
}

void Engine::open_tasks(const std::vector<ClientId>& clients, Instant now, Effects& out) {
  OpenTasks opened;
  for (const ClientId client : clients) {
    members_[client] = Member{.task = ++last_task_,
                              .base_version = version_,
                              .examples = available_.at(client),
                              .connected = true,
                              .last_activity = now};
    opened.tasks.push_back({client, last_task_, version_, available_.at(client)});
  }
  out.push_back(std::move(opened));
  for (const ClientId client : clients) assign(client, now, out);
}

// Not for ever: a member that was ready and has gone has no deadline.
void Engine::wait_for(Member& member, Instant now) const {
  if (asynchronous() && !member.deadline) member.deadline = now + pace_.deadline(config_.policy);
}

// The tasks of the next version, once every place is taken or patience is over: those with the
// smallest hashes. One that has ended is replaced by the next.
void Engine::draw_tasks(Instant now) {
  const auto lives = [&](const TaskKey& key) {
    const auto member = members_.find(key.client);
    return buffer_.contains(key) || (member != members_.end() && member->second.task == key.task);
  };
  std::erase_if(drawn_, [&](const TaskKey& key) { return !lives(key); });
  const bool full = slots() == 0 || now >= begun_ + config_.policy.select_max;
  if (!full || phase_ != Phase::collecting || std::ssize(drawn_) >= goal_) return;
  std::vector<std::pair<std::uint64_t, TaskKey>> order;
  const auto add = [&](const TaskKey& key) {
    const std::uint64_t hash =
        mix_seed({config_.policy.seed, seed_of("order"), static_cast<std::uint64_t>(round()),
                  static_cast<std::uint64_t>(key.task)});
    order.emplace_back(hash, key);
  };
  for (const auto& [key, waiting] : buffer_) add(key);
  for (const auto& [client, member] : members_) add({member.task, client});
  std::sort(order.begin(), order.end());
  for (const auto& [hash, key] : order) {
    if (std::ssize(drawn_) < goal_) drawn_.insert(key);
  }
}

bool Engine::due(Instant now) const {
  if (closed_ && !buffer_.empty() && !config_.policy.seeded) return true;
  if (config_.policy.seeded) {
    return std::ssize(drawn_) >= least() &&
           std::all_of(drawn_.begin(), drawn_.end(),
                       [&](const TaskKey& key) { return buffer_.contains(key); });
  }
  const std::int64_t there = std::ssize(buffer_);
  return there >= goal_ || (there >= least() && !paused_at_ && now >= deadline_);
}

void Engine::close_async(Effects& out) {
  closing_.clear();
  total_weight_ = 0;
  for (const auto& [key, waiting] : buffer_) {
    if (config_.policy.seeded ? !drawn_.contains(key) : std::ssize(closing_) >= goal_) continue;
    closing_.push_back(key);
    total_weight_ += weight_of(config_.policy.weighting, waiting.ticket.examples);
  }
  start_closing(out);
}

Contribution Engine::contribution(const TaskKey& key, const Waiting& waiting) const {
  const std::int64_t examples = waiting.ticket.examples;
  const std::int64_t staleness =
      asynchronous() ? std::max<std::int64_t>(version_ - waiting.base_version, 0) : 0;
  return {.client = key.client,
          .examples = examples,
          .weight = weight_of(config_.policy.weighting, examples),
          .task = key.task,
          .base_version = waiting.base_version,
          .discount = discount(config_.policy.staleness, staleness)};
}

std::set<std::int64_t> Engine::bases() const {
  std::set<std::int64_t> all;
  if (!asynchronous()) return all;
  for (const auto& [client, member] : members_) all.insert(member.base_version);
  return all;
}

// An update is accepted: its client is free for the next task.
void Engine::count_in(ClientId client, Instant now) {
  const auto at = members_.find(client);
  const Member& member = at->second;
  buffer_[{member.task, client}] = {member.base_version, *member.ticket};
  answered_[client] = {member.task, member.ticket->checksum};
  rests_.erase(client);
  if (member.given) pace_.add(now - *member.given, false);
  members_.erase(at);
}

void Engine::end_task(ClientId client, const Refusal& refusal, Instant now, Effects& out) {
  const auto at = members_.find(client);
  const Member& member = at->second;
  const bool refused_it = refusal.reason == Reason::task_failed;
  // Who has answered has its task, even if it has come back meanwhile.
  const bool has_it = member.told || member.status > Status::asked;
  if (member.connected && has_it && !refused_it) {
    out.push_back(CancelTask{.client = client, .task = member.task, .reason = refusal.reason});
  }
  out.push_back(EndTask{.client = client, .task = member.task, .reason = refusal.reason});
  if (refusal.reason != Reason::too_stale && refusal.reason != Reason::left_over) {
    Rest& rest = rests_[client];
    rest.why = refusal;
    rest.over = false;
    rest.until =
        now + back_off(config_.policy.select_max, config_.policy.collect_max, ++rest.failures);
  }
  members_.erase(at);
}

// The model has moved on too far for them.
void Engine::end_stale_tasks(Instant now, Effects& out) {
  std::vector<ClientId> stale;
  for (const auto& [client, member] : members_) {
    const bool old = version_ - member.base_version > config_.policy.staleness.max;
    if (old && !engaged(member)) stale.push_back(client);
  }
  for (const ClientId client : stale) {
    end_task(client, {Reason::too_stale, sentence(Reason::too_stale)}, now, out);
  }
}

void Engine::end_async_round(Instant now, Effects& out) {
  ++version_;
  for (const TaskKey& key : closing_) {
    buffer_.erase(key);
    if (!secured()) continue;
    // What lies with a client is not what was under a mask; it is known by its task.
    answered_[key.client] = {key.task, Checksum{}};
    answer(key.client, key.task, Refusal{}, out);
  }
  closing_.clear();
  drawn_.clear();
  end_stale_tasks(now, out);
  reset_round();
}

std::optional<Instant> Engine::next_async_wakeup() const {
  std::optional<Instant> next = retry_at_;
  const auto at = [&](Instant when) { next = next ? std::min(*next, when) : when; };
  if (const auto group = next_group_wakeup()) at(*group);
  if (paused_at_ || !alive()) return next;
  for (const auto& [client, member] : members_) {
    if (member.deadline && !engaged(member)) at(*member.deadline);
  }
  if (job_ != JobState::running) return next;
  if (slots() > 0 && may_open()) {
    for (const auto& [client, rest] : rests_) {
      if (!rest.over && available_.contains(client)) at(rest.until);
    }
  }
  if (ready_since_) at(*ready_since_ + config_.policy.select_max);
  const bool waits = phase_ == Phase::collecting && !config_.policy.seeded && !secured();
  if (waits && std::ssize(buffer_) >= least()) at(deadline_);
  const std::int64_t tasks = std::ssize(members_) + std::ssize(buffer_);
  const bool undrawn = config_.policy.seeded && phase_ == Phase::collecting &&
                       std::ssize(drawn_) < std::min(goal_, tasks);
  if (undrawn && slots() > 0) at(begun_ + config_.policy.select_max);
  return next;
}

}  // namespace fed::round
