#include "session/session.h"

#include <algorithm>
#include <cmath>

namespace fed::session {
namespace {

constexpr int kDownloadsMax = 3;
constexpr double kRetrySecondsMax = 3600;
constexpr double kChangeSecondsSame = 60;  // an announced moment that moves by less is no news
constexpr const char* kNotAgreed = "this client has not agreed to the job";

UpdateKey key_of(const wire::Offer& offer) { return {offer.job, offer.task}; }

bool same_task(const wire::Task& a, const wire::Task& b) {
  return a.job == b.job && a.task == b.task && a.base_version == b.base_version;
}

bool answers(const wire::Offer& offer, const wire::Task& task) {
  return offer.base_version == task.base_version && offer.bytes == task.update_bytes;
}

// Whether a download of the one's model is a download of the other's.
bool same_model(const wire::Task& a, const wire::Task& b) {
  return a.model && b.model && a.model->hash == b.model->hash && a.model->key == b.model->key;
}

bool same_limits(const wire::Availability& a, const wire::Availability& b) {
  return a.open == b.open && (a.change_s > 0) == (b.change_s > 0) &&
         a.upload_mbit_s == b.upload_mbit_s && a.download_mbit_s == b.download_mbit_s &&
         a.detail == b.detail;
}

void add(Session::Effects& to, Session::Effects from) {
  std::move(from.begin(), from.end(), std::back_inserter(to));
}

}  // namespace

Session::Session(std::string software, std::vector<wire::Offer> outbox)
    : software_(std::move(software)) {
  for (wire::Offer& offer : outbox) {
    known_.insert(offer.job);
    outbox_.emplace(key_of(offer), std::move(offer));
  }
}

const wire::Offer* Session::kept(const UpdateKey& key) const {
  const auto entry = outbox_.find(key);
  return entry == outbox_.end() ? nullptr : &entry->second;
}

const wire::Offer* Session::kept_masked(const UpdateKey& key) const {
  const auto entry = masked_.find(key);
  return entry == masked_.end() ? nullptr : &entry->second;
}

Session::Effects Session::connected() {
  online_ = true;
  return {Send{wire::Hello{wire::kProtocol, software_}}};
}

Session::Effects Session::disconnected() {
  online_ = false;
  retries_.clear();
  awaited_.clear();
  masked_.clear();  // the server says which are still wanted
  offered_.reset();
  uploading_ = false;
  welcomed_ = false;
  waiting_.clear();
  told_.reset();
  if (active_ && !active_->training) active_.reset();
  return {StopUpload{}};
}

Session::Effects Session::message(const wire::Message& message, Instant now) {
  return std::visit([&](const auto& m) { return on(m, now); }, message);
}

Session::Effects Session::on(const wire::Welcome& m, Instant) {
  name_ = m.client;
  welcomed_ = true;
  Effects effects = send_given_back();
  add(effects, offer_next());
  return effects;
}

Session::Effects Session::availability(const wire::Availability& availability, Instant now) {
  const bool was_open = std::exchange(open_, availability.open);
  hours_ = availability.detail;
  Effects effects;
  if (was_open && !open_) effects = rest();
  const Instant change_at = now + from_seconds(availability.change_s);
  const double moved = told_ ? std::abs(seconds(change_at - told_change_at_)) : 0;
  const bool news = !told_ || !same_limits(*told_, availability) ||
                    (availability.change_s > 0 && moved > kChangeSecondsSame);
  if (online_ && news) {
    told_ = availability;
    told_change_at_ = change_at;
    effects.push_back(Send{availability});
  }
  if (!was_open && open_) add(effects, offer_next());
  return effects;
}

// Stops what is under way and gives its tasks back. What is said while a download stops would be
// lost with the connection, so it is said on the next one.
Session::Effects Session::rest() {
  const std::string why = "this site's hours have ended (" + hours_ + ")";
  Effects effects;
  if (active_ && active_->training) effects.push_back(CancelTraining{});
  if (active_) waiting_.push_front(active_->task);
  for (const wire::Task& task : waiting_) given_back_.push_back({task.job, task.task, why});
  waiting_.clear();
  if (offered_) effects.push_back(StopUpload{});
  offered_.reset();
  uploading_ = false;
  const bool fetching = online_ && active_ && active_->fetching && !active_->training;
  active_.reset();
  if (fetching) {
    effects.push_back(StopDownload{});
  } else if (welcomed_) {
    add(effects, send_given_back());
  }
  return effects;
}

Session::Effects Session::send_given_back() {
  Effects effects;
  for (wire::TaskRefused& task : given_back_) effects.push_back(Send{std::move(task)});
  given_back_.clear();
  return effects;
}

// The first update that waits, unless another one is on its way.
Session::Effects Session::offer_next() {
  if (!welcomed_ || !open_ || offered_) return {};
  for (const auto& [key, masked] : masked_) {  // others wait for these
    if (!retries_.contains(key)) return offer(key, masked.attempt);
  }
  for (const auto& [key, update] : outbox_) {
    if (!retries_.contains(key) && !awaited_.contains(key)) return offer(key, 0);
  }
  return {};
}

Session::Effects Session::offer(const UpdateKey& key, std::int64_t attempt) {
  offered_ = Offered{key, attempt};
  return {SendOffer{key.first, key.second, attempt}};
}

Session::Effects Session::masked(const wire::Offer& offer) {
  const UpdateKey key = key_of(offer);
  if (!online_ || !outbox_.contains(key)) return {};
  masked_[key] = offer;
  awaited_.insert(key);
  retries_.erase(key);
  // The server knows that the update itself is here.
  Effects effects = withdraw(key);
  add(effects, offer_next());
  return effects;
}

Session::Effects Session::unmasked(const std::string& job, std::int64_t task) {
  const UpdateKey key{job, task};
  if (masked_.erase(key) == 0) return {};
  retries_.erase(key);
  if (!offered_ || offered_->key != key || offered_->attempt == 0) return {};
  Effects effects = withdraw(key);
  add(effects, offer_next());
  return effects;
}

Session::Effects Session::on(const wire::JobOffer& m, Instant) {
  known_.insert(m.job);
  const auto job = jobs_.find(m.job);
  if (job != jobs_.end() && job->second.spec == m.spec) return answer(m.job);
  Effects effects = drop_job(m.job);  // what was begun belongs to another job of that name
  jobs_[m.job] = Job{.spec = m.spec, .loading = true, .examples = {}};
  effects.push_back(LoadJob{m.job, m.spec});
  return effects;
}

Session::Effects Session::job_loaded(const std::string& job, Result<std::int64_t> examples) {
  const auto entry = jobs_.find(job);
  if (entry == jobs_.end()) return {};
  entry->second.loading = false;
  entry->second.examples = std::move(examples);
  Effects effects = answer(job);
  if (*entry->second.examples) {
    add(effects, begin_next());
    return effects;
  }
  const auto is_of_job = [&](const wire::Task& task) { return task.job == job; };
  const auto task = std::find_if(waiting_.begin(), waiting_.end(), is_of_job);
  if (task != waiting_.end()) add(effects, refuse_task(job, task->task, kNotAgreed));
  return effects;
}

Session::Effects Session::answer(const std::string& name) const {
  const Job& job = jobs_.at(name);
  if (!online_ || job.loading) return {};
  const Result<std::int64_t>& examples = *job.examples;
  if (examples) return {Send{wire::JobAnswer{name, true, *examples, {}}}};
  return {Send{wire::JobAnswer{name, false, 0, examples.error().detail}}};
}

Session::Effects Session::on(const wire::JobEnded& m, Instant) {
  // The server names every job that has ended; those before this client's time are none of its
  // business.
  const bool known = known_.erase(m.job) > 0;
  jobs_.erase(m.job);
  served_.erase(m.job);
  Effects effects = drop_job(m.job);
  if (known) effects.push_back(JobDone{m.job, m.detail});
  return effects;
}

Session::Effects Session::on(const wire::Task& m, Instant) {
  const auto kept = outbox_.find({m.job, m.task});
  if (kept != outbox_.end() && answers(kept->second, m)) {
    retries_.erase(kept->first);  // it is wanted now
    awaited_.erase(kept->first);
    return offer_next();
  }
  const auto job = jobs_.find(m.job);
  if (job == jobs_.end() || (!job->second.loading && !*job->second.examples)) {
    return refuse_task(m.job, m.task, kNotAgreed);
  }
  if (!open_) return refuse_task(m.job, m.task, "outside this site's hours (" + hours_ + ")");
  if (active_ && same_task(active_->task, m) &&
      (active_->training || same_model(active_->task, m))) {
    return {};
  }
  Effects effects =
      drop_job(m.job);  // a newer task replaces the older one: the server has moved on
  if (!served_.contains(m.job)) served_[m.job] = least_served();
  waiting_.push_back(m);
  add(effects, begin_next());
  return effects;
}

Session::Effects Session::drop_job(const std::string& job) {
  std::erase_if(waiting_, [&](const wire::Task& task) { return task.job == job; });
  if (!active_ || active_->task.job != job) return {};
  return drop_task(job, active_->task.task);
}

// What a job that comes later begins with: else it would be served alone until it has caught up.
std::int64_t Session::least_served() const {
  std::optional<std::int64_t> least;
  for (const auto& [job, tasks] : served_) least = std::min(tasks, least.value_or(tasks));
  return least.value_or(0);
}

// Of the tasks whose job's data is loaded: of the job that was served least, then the first to
// come. A job has one task here at a time, so another job's that waits always comes before its next
// one.
std::deque<wire::Task>::iterator Session::fairest() {
  auto best = waiting_.end();
  for (auto task = waiting_.begin(); task != waiting_.end(); ++task) {
    if (jobs_.at(task->job).loading) continue;
    if (best == waiting_.end() || served_.at(task->job) < served_.at(best->job)) best = task;
  }
  return best;
}

Session::Effects Session::begin_next() {
  if (active_ || !open_) return {};
  const auto next = fairest();
  if (next == waiting_.end()) return {};
  ++served_[next->job];
  active_ = Active{.task = std::move(*next)};
  waiting_.erase(next);
  const wire::Task& task = active_->task;
  if (task.model) return {ObtainModel{task.job, task.base_version, *task.model}};
  active_->training = true;
  return {Train{task}};
}

Session::Effects Session::drop_task(const std::string& job, std::int64_t task) {
  std::erase_if(waiting_, [&](const wire::Task& t) { return t.job == job && t.task == task; });
  if (!active_ || active_->task.job != job || active_->task.task != task) return {};
  Effects effects;
  if (active_->training) effects.push_back(CancelTraining{});
  active_.reset();
  add(effects, begin_next());
  return effects;
}

Session::Effects Session::refuse_task(const std::string& job, std::int64_t task,
                                      const std::string& detail, bool for_good) {
  Effects effects = drop_task(job, task);
  if (online_) effects.push_back(Send{wire::TaskRefused{job, task, detail, for_good}});
  return effects;
}

bool Session::is_active(const std::string& job, std::int64_t version) const {
  return active_ && !active_->training && active_->task.job == job &&
         active_->task.base_version == version;
}

Session::Effects Session::model_partial(const std::string& job, std::int64_t version,
                                        std::uint64_t offset) {
  if (!is_active(job, version) || !online_) return {};
  active_->fetching = true;
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
    return refuse_task(job, active_->task.task, detail);
  }
  return {ObtainModel{job, version, *active_->task.model}};
}

Session::Effects Session::progress(const wire::Progress& progress) {
  if (!online_) return {};
  return {Send{progress}};
}

Session::Effects Session::trained(const wire::Offer& sent) {
  outbox_[key_of(sent)] = sent;
  if (active_ && active_->task.job == sent.job && active_->task.task == sent.task) active_.reset();
  Effects effects = withdraw(key_of(sent));
  add(effects, offer_next());
  add(effects, begin_next());
  return effects;
}

Session::Effects Session::training_failed(const std::string& job, std::int64_t task,
                                          const std::string& detail, bool for_good) {
  if (!active_ || active_->task.job != job || active_->task.task != task) return {};
  active_->training = false;  // it has stopped by itself
  return refuse_task(job, task, detail, for_good);
}

Session::Effects Session::on(const wire::CancelTask& m, Instant) {
  return drop_task(m.job, m.task);
}

Session::Effects Session::on(const wire::Admit& m, Instant) {
  const UpdateKey key{m.job, m.task};
  if (!offered_ || offered_->key != key) return {};
  const std::int64_t attempt = offered_->attempt;
  const wire::Offer* offer = attempt == 0 ? kept(key) : kept_masked(key);
  if (offer == nullptr || m.offset > offer->bytes) return {};
  // Nothing of it leaves but under a mask, whatever the server says.
  if (attempt == 0 && offer->model) return {};
  if (m.offset == offer->bytes) return {};  // the server has it all; its receipt follows
  uploading_ = true;
  return {StartUpload{m.job, m.task, attempt, m.upload, m.offset}};
}

// The update is known, or its masked input is there: nothing to do until the server says so.
Session::Effects Session::on(const wire::Await& m, Instant) {
  const UpdateKey key{m.job, m.task};
  const bool asked = offered_ && offered_->key == key && offered_->attempt == m.attempt;
  if (!outbox_.contains(key) || !asked) return {};
  awaited_.insert(key);
  masked_.erase(key);
  Effects effects = withdraw(key);
  add(effects, offer_next());
  return effects;
}

// The server has answered, or what was offered is no longer what lies in the outbox.
Session::Effects Session::withdraw(const UpdateKey& key) {
  retries_.erase(key);
  if (!offered_ || offered_->key != key) return {};
  offered_.reset();
  if (!std::exchange(uploading_, false)) return {};
  return {StopUpload{}};
}

Session::Effects Session::on(const wire::Receipt& m, Instant) {
  const UpdateKey key{m.job, m.task};
  if (outbox_.erase(key) == 0) return {};
  awaited_.erase(key);
  masked_.erase(key);
  Effects effects = withdraw(key);
  effects.push_back(DropUpdate{m});
  add(effects, offer_next());
  return effects;
}

Session::Effects Session::on(const wire::Retry& m, Instant now) {
  const UpdateKey key{m.job, m.task};
  if (!outbox_.contains(key)) return {};
  awaited_.erase(key);
  Effects effects = withdraw(key);
  retries_[key] = now + from_seconds(std::min(m.after_s, kRetrySecondsMax));
  add(effects, offer_next());
  return effects;
}

Session::Effects Session::on(const wire::Bye& m, Instant) { return {Hangup{m}}; }

Session::Effects Session::on(const wire::Standby& m, Instant) {
  if (!known_.contains(m.job)) return {};
  return {StandBy{m}};
}

std::optional<Instant> Session::next_wakeup() const {
  std::optional<Instant> earliest;
  for (const auto& [key, at] : retries_) earliest = earliest ? std::min(*earliest, at) : at;
  return earliest;
}

Session::Effects Session::tick(Instant now) {
  std::erase_if(retries_, [&](const auto& retry) { return retry.second <= now; });
  return offer_next();
}

}  // namespace fed::session
