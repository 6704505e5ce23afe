// How a job gets from a file to work: it must be new, fit the machine, and be possible for some
// connected client.
#include <fmt/format.h>

#include <algorithm>

#include "app/coordinator.h"
#include "app/units.h"
#include "base/log.h"

namespace fed::app {
namespace {

// Clients answer as soon as they have read their data; a job is not refused because that takes
// long.
constexpr auto kPatience = std::chrono::seconds(20);

std::string size_text(std::uint64_t bytes) { return bytes_text(static_cast<double>(bytes)); }

}  // namespace

std::uint64_t Coordinator::memory_in_use() const {
  std::uint64_t bytes = 0;
  for (const auto& [name, job] : jobs_) {
    if (!job->ended()) bytes += job->plan().memory_bytes(parts_.threads);
  }
  return bytes;
}

Result<std::shared_ptr<const Plan>> Coordinator::plan_that_fits(config::JobSpec spec) {
  if (draining_) return Error{ErrorCode::closed, "the server is draining and takes no new job"};
  if (jobs_.contains(spec.name) || candidates_.contains(spec.name)) {
    return Error{ErrorCode::already_exists,
                 "there is a job \"" + spec.name + "\" already; give this one another name"};
  }
  FED_ASSIGN(plan, make_plan(std::move(spec)));
  const std::uint64_t needed = plan->memory_bytes(parts_.threads);
  const std::uint64_t used = memory_in_use();
  if (needed + used > parts_.memory_bytes_max) {
    return Error{
        ErrorCode::too_large,
        fmt::format("the job needs {} of memory; limits.memory_bytes_max leaves {} ({} less {} for "
                    "the other jobs): use a smaller model or raise the limit",
                    size_text(needed),
                    size_text(parts_.memory_bytes_max - std::min(used, parts_.memory_bytes_max)),
                    size_text(parts_.memory_bytes_max), size_text(used))};
  }
  const auto limit = parts_.config.limits.upload_bytes_max;
  const auto cohort = static_cast<std::uint64_t>(plan->spec.rounds.cohort);
  const std::uint64_t staged = plan->update_bytes(round::TaskKind::training) * cohort;
  if (limit != 0 && staged > limit) {
    return Error{ErrorCode::too_large, fmt::format("a round's updates take {}, more than "
                                                   "limits.upload_bytes_max ({}): use a "
                                                   "smaller cohort or model, or raise the limit",
                                                   size_text(staged), size_text(limit))};
  }
  return plan;
}

// Else the sites would train for a sum that nobody decrypts.
Status Coordinator::check_key_holder(const config::JobSpec& spec) const {
  if (!spec.homomorphic_encryption) return {};
  const std::string& holder = spec.homomorphic_encryption->key_holder;
  FED_ASSIGN(clients, parts_.journal.clients());
  const bool joined = std::any_of(clients.begin(), clients.end(), [&](const store::Client& client) {
    return client.name == holder && !client.revoked_at;
  });
  if (joined) return {};
  return Error{ErrorCode::invalid,
               "homomorphic_encryption.key_holder: no client \"" + holder +
                   "\" has joined; `fedserver clients` shows who has, `fedserver invite " + holder +
                   "` lets it join"};
}

void Coordinator::submit(config::JobSpec spec, Done done) {
  const std::string name = spec.name;
  auto plan = plan_that_fits(std::move(spec));
  if (!plan) return done(plan.error());
  const Status known = check_key_holder((*plan)->spec);
  if (!known) return done(known.error());
  Candidate candidate{std::make_shared<Job>(*plan, services_), {}, std::move(done), {}};
  for (const auto& [client, session] : sessions_) {
    candidate.asked.insert(client);
    candidate.job->connected(client);
  }
  candidate.patience = parts_.control.after(kPatience, [this, name] {
    if (candidates_.contains(name)) adopt(name);
  });
  candidates_.emplace(name, std::move(candidate));
  consider(name);
}

// Adopts the job at the first "able"; rejects it once everyone who was asked has said no.
void Coordinator::consider(const std::string& name) {
  const Candidate& candidate = candidates_.at(name);
  if (candidate.asked.empty()) return adopt(name);
  const auto& answers = candidate.job->answers();
  const auto is_able = [&](std::int64_t client) {
    const auto answer = answers.find(client);
    return answer != answers.end() && answer->second.able;
  };
  if (std::any_of(candidate.asked.begin(), candidate.asked.end(), is_able)) return adopt(name);
  std::string reasons;
  for (const std::int64_t client : candidate.asked) {
    const auto answer = answers.find(client);
    if (answer == answers.end()) return;  // not everyone has answered
    reasons += "\n  " + name_of(client) + ": " + answer->second.detail;
  }
  reject(name, Error{ErrorCode::unsupported, "no connected client can do this job:" + reasons});
}

void Coordinator::adopt(const std::string& name) {
  auto node = candidates_.extract(name);
  Candidate& candidate = node.mapped();
  const config::JobSpec& spec = candidate.job->plan().spec;
  const Status added = parts_.journal.add_job(
      name, spec.text, round::name(round::JobState::running), parts_.control.unix_seconds());
  if (!added) {
    for (const std::int64_t client : candidate.asked) {
      if (const auto session = session_of(client))
        session->send(wire::JobEnded{name, added.error().detail});
    }
    return candidate.done(added.error());
  }
  log::info("job {} submitted", name);
  jobs_.emplace(name, candidate.job);
  for (const auto& [client, session] : sessions_) {
    if (!candidate.asked.contains(client)) candidate.job->connected(client);
  }
  candidate.job->start();
  candidate.done({});
}

void Coordinator::reject(const std::string& name, Error why) {
  auto node = candidates_.extract(name);
  for (const std::int64_t client : node.mapped().asked) {
    if (const auto session = session_of(client))
      session->send(wire::JobEnded{name, "the job was not accepted"});
  }
  node.mapped().done(std::move(why));
}

}  // namespace fed::app
