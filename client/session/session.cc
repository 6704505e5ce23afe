#include "session/session.h"

#include <algorithm>

namespace fed::session {
namespace {

constexpr int kDownloadsMax = 3;

UpdateKey key_of(const wire::Offer& offer) { return {offer.job, offer.round}; }

bool same_task(const wire::Task& a, const wire::Task& b) {
  return a.job == b.job && a.round == b.round && a.base_version == b.base_version;
}

void add(Session::Effects& to, Session::Effects from) {
  std::move(from.begin(), from.end(), std::back_inserter(to));
}

}  // namespace

Session::Session(std::string software, std::vector<wire::Offer> outbox)
    : software_(std::move(software)) {
  for (wire::Offer& offer : outbox) outbox_.emplace(key_of(offer), std::move(offer));
}

Session::Effects Session::connected() {
  online_ = true;
  return {Send{wire::Hello{wire::kProtocol, software_}}};
}

Session::Effects Session::disconnected() {
  online_ = false;
  retries_.clear();
  return {StopUpload{}};
}

Session::Effects Session::message(const wire::Message& message, Instant now) {
  return std::visit([&](const auto& m) { return on(m, now); }, message);
}

Session::Effects Session::on(const wire::Welcome& m, Instant) {
  name_ = m.client;
  Effects effects;
  for (const auto& [key, offer] : outbox_) effects.push_back(SendOffer{key.first, key.second});
  return effects;
}

Session::Effects Session::on(const wire::JobOffer& m, Instant) {
  auto [entry, is_new] = jobs_.try_emplace(m.job);
  Job& job = entry->second;
  if (!is_new && job.spec == m.spec) return answer(m.job);
  job = Job{.spec = m.spec, .loading = true, .examples = {}};
  return {LoadJob{m.job, m.spec}};
}

Session::Effects Session::job_loaded(const std::string& job, Result<std::int64_t> examples) {
  const auto entry = jobs_.find(job);
  if (entry == jobs_.end()) return {};
  entry->second.loading = false;
  entry->second.examples = std::move(examples);
  return answer(job);
}

Session::Effects Session::answer(const std::string& name) const {
  const Job& job = jobs_.at(name);
  if (!online_ || job.loading) return {};
  const Result<std::int64_t>& examples = *job.examples;
  if (examples) return {Send{wire::JobAnswer{name, true, *examples, {}}}};
  return {Send{wire::JobAnswer{name, false, 0, examples.error().detail}}};
}

Session::Effects Session::on(const wire::JobEnded& m, Instant) {
  Effects effects;
  std::erase_if(waiting_, [&](const wire::Task& task) { return task.job == m.job; });
  if (active_ && active_->task.job == m.job) add(effects, drop_task(m.job, active_->task.round));
  jobs_.erase(m.job);
  effects.push_back(JobDone{m.job, m.detail});
  return effects;
}

Session::Effects Session::on(const wire::Task& m, Instant) {
  const auto kept = outbox_.find({m.job, m.round});
  if (kept != outbox_.end() && kept->second.base_version == m.base_version) {
    return {SendOffer{m.job, m.round}};
  }
  const auto job = jobs_.find(m.job);
  if (job == jobs_.end() || !job->second.examples || !*job->second.examples) {
    return refuse_task(m.job, m.round, "this client has not agreed to the job");
  }
  if (active_ && same_task(active_->task, m) && active_->training) return {};
  Effects effects;
  // A newer task of a job replaces the older one: the server has moved on.
  std::erase_if(waiting_, [&](const wire::Task& task) { return task.job == m.job; });
  waiting_.push_back(m);
  if (active_ && active_->task.job == m.job) add(effects, drop_task(m.job, active_->task.round));
  add(effects, begin_next());
  return effects;
}

Session::Effects Session::begin_next() {
  if (active_ || waiting_.empty()) return {};
  active_ = Active{.task = std::move(waiting_.front())};
  waiting_.pop_front();
  const wire::Task& task = active_->task;
  if (task.model) return {ObtainModel{task.job, task.base_version, *task.model}};
  active_->training = true;
  return {Train{task}};
}

Session::Effects Session::drop_task(const std::string& job, std::int64_t round) {
  std::erase_if(waiting_, [&](const wire::Task& t) { return t.job == job && t.round == round; });
  if (!active_ || active_->task.job != job || active_->task.round != round) return {};
  Effects effects;
  if (active_->training) effects.push_back(CancelTraining{});
  active_.reset();
  add(effects, begin_next());
  return effects;
}

Session::Effects Session::refuse_task(const std::string& job, std::int64_t round,
                                      const std::string& detail) {
  Effects effects = drop_task(job, round);
  if (online_) effects.push_back(Send{wire::TaskRefused{job, round, detail}});
  return effects;
}

bool Session::is_active(const std::string& job, std::int64_t version) const {
  return active_ && !active_->training && active_->task.job == job &&
         active_->task.base_version == version;
}

Session::Effects Session::model_partial(const std::string& job, std::int64_t version,
                                        std::uint64_t offset) {
  if (!is_active(job, version) || !online_) return {};
  return {Send{wire::Fetch{job, version, offset}}};
}

Session::Effects Session::model_ready(const std::string& job, std::int64_t version) {
  if (!is_active(job, version)) return {};
  active_->training = true;
  return {Train{active_->task}};
}

Session::Effects Session::model_failed(const std::string& job, std::int64_t version,
                                       const std::string& detail) {
  if (!is_active(job, version)) return {};
  if (++active_->downloads_failed >= kDownloadsMax) {
    return refuse_task(job, active_->task.round, detail);
  }
  return {ObtainModel{job, version, *active_->task.model}};
}

Session::Effects Session::progress(const wire::Progress& progress) {
  if (!online_) return {};
  return {Send{progress}};
}

Session::Effects Session::trained(const wire::Offer& offer) {
  outbox_[key_of(offer)] = offer;
  Effects effects;
  if (active_ && active_->task.job == offer.job && active_->task.round == offer.round) {
    active_.reset();
    effects = begin_next();
  }
  if (online_) effects.insert(effects.begin(), SendOffer{offer.job, offer.round});
  return effects;
}

Session::Effects Session::training_failed(const std::string& job, std::int64_t round,
                                          const std::string& detail) {
  if (!active_ || active_->task.job != job || active_->task.round != round) return {};
  active_->training = false;  // it has stopped by itself
  return refuse_task(job, round, detail);
}

Session::Effects Session::on(const wire::CancelTask& m, Instant) {
  return drop_task(m.job, m.round);
}

Session::Effects Session::on(const wire::Admit& m, Instant) {
  const auto entry = outbox_.find({m.job, m.round});
  if (entry == outbox_.end() || m.offset > entry->second.bytes) return {};
  return {StartUpload{m.job, m.round, m.upload, m.offset}};
}

Session::Effects Session::on(const wire::Receipt& m, Instant) {
  if (outbox_.erase({m.job, m.round}) == 0) return {};
  retries_.erase({m.job, m.round});
  return {StopUpload{}, DropUpdate{m}};
}

Session::Effects Session::on(const wire::Retry& m, Instant now) {
  if (!outbox_.contains({m.job, m.round})) return {};
  retries_[{m.job, m.round}] = now + from_seconds(std::min(m.after_s, 3600.0));
  return {StopUpload{}};
}

Session::Effects Session::on(const wire::Bye& m, Instant) { return {Hangup{m}}; }

std::optional<Instant> Session::next_wakeup() const {
  std::optional<Instant> earliest;
  for (const auto& [key, at] : retries_) earliest = earliest ? std::min(*earliest, at) : at;
  return earliest;
}

Session::Effects Session::tick(Instant now) {
  Effects effects;
  for (auto it = retries_.begin(); it != retries_.end();) {
    const bool due = it->second <= now;
    if (due) effects.push_back(SendOffer{it->first.first, it->first.second});
    it = due ? retries_.erase(it) : std::next(it);
  }
  return effects;
}

}  // namespace fed::session
