#include "app/job.h"

#include <algorithm>
#include <cmath>

#include "app/background.h"
#include "app/restore.h"
#include "base/log.h"

namespace fed::app {

Job::Job(std::shared_ptr<const Plan> plan, const Services& services)
    : plan_(std::move(plan)),
      services_(services),
      early_fold_(std::make_shared<EarlyFold>(plan_, services_)) {
  if (plan_->encrypted()) begin_decryption();
}

void Job::start() {
  auto progress = services_.journal.load_job_progress(name());
  if (!progress) return load_later(progress.error());
  on_record_ = state_of(*progress);
  load(std::make_shared<const store::JobProgress>(std::move(*progress)));
}

void Job::load(std::shared_ptr<const store::JobProgress> progress) {
  in_background(
      services_.compute, services_.control, weak_from_this(),
      [plan = plan_, &services = services_, progress] {
        return prepare(*plan, services, *progress);
      },
      [progress](Job& self, Result<Prepared> prepared) {
        if (prepared) return self.begin(std::move(*prepared), *progress);
        self.load_later(prepared.error());
      });
}

// A full disk or a file that is being restored needs no restart of the daemon.
void Job::load_later(const Error& why) {
  problem_ = why.detail;
  log::error("job {}: cannot begin, will be tried again: {}", name(), problem_);
  constexpr Duration kFirst = std::chrono::seconds(1), kMost = std::chrono::seconds(60);
  const Duration pause = round::back_off(kFirst, kMost, ++loads_failed_);
  timer_ = services_.control.after(pause, [this] { start(); });
}

namespace {

std::optional<double> loss_of(const wire::Metrics& metrics) {
  for (const auto& [name, value] : metrics) {
    if (name == "loss") return value;
  }
  return std::nullopt;
}

round::Offered offered(std::int64_t client, const wire::Offer& offer) {
  return {.client = client,
          .task = offer.task,
          .base_version = offer.base_version,
          .examples = offer.examples,
          .bytes = offer.bytes,
          .checksum = offer.checksum,
          .loss = loss_of(offer.metrics),
          .masked = offer.attempt > 0};
}

}  // namespace

void Job::begin(Prepared prepared, const store::JobProgress& progress) {
  problem_.clear();
  models_ = std::move(prepared.models);
  if (!models_.empty()) model_ = models_.at(progress.job.version);  // none for a job that has ended
  scaling_ = std::move(prepared.scaling);
  const bool asynchronous = plan_->engine.policy.asynchronous();
  round::Snapshot snapshot = snapshot_of(progress, asynchronous);
  if (plan_->secure()) {
    begin_secure();
    auto invited = restore_secure(progress);
    if (!invited) return load_later(invited.error());
    snapshot.invited = std::move(*invited);
    for (auto& [client, receipt] : snapshot.previous) receipt.checksum = {};
  }
  if (plan_->privacy && !ended()) {
    auto committed = journal().committed_tasks(name());
    if (!committed) return load_later(committed.error());
    committed_tasks_ = std::move(*committed);
  }
  engine_.emplace(plan_->engine, snapshot, services_.control.now());
  if (adapts()) engine_->limit_norm(model_->clipping_norm);
  present_.clear();
  for (const auto& [client, answer] : answers_) {
    if (!answer.able || away(client)) continue;
    present_.insert(client);
    events_.push_front(round::ClientAvailable{client, answer.examples});
  }
  if (ended()) {
    discard_unused();
    tell_ended("the job has ended");
  }
  handle(round::Tick{});
  watch_windows();
}

// A crash between the end of the job and the rows that say so of its updates.
void Job::discard_unused() {
  const auto rows = journal().uncommitted(name());
  if (!rows) return log::error("job {}: {}", name(), rows.error().detail);
  for (const store::ContributionRow& row : *rows) {
    run(round::Discard{row.client, row.task, round::Reason::job_ended});
  }
}

void Job::tell_ended(const std::string& detail) const {
  for (const auto& [client, answer] : answers_) send(client, wire::JobEnded{name(), detail});
}

round::JobState Job::state() const { return engine_ ? engine_->job() : on_record_; }

bool Job::ended() const {
  return state() == round::JobState::finished || state() == round::JobState::cancelled;
}

bool Job::at_rest() const {
  if (!engine_ || ended() || state() == round::JobState::paused) return true;
  return engine_->job() == round::JobState::draining && engine_->phase() == round::Phase::idle;
}

void Job::connected(std::int64_t client) {
  if (ended()) return;
  send(client, wire::JobOffer{name(), plan_->public_text});
}

void Job::disconnected(std::int64_t client) {
  answers_.erase(client);
  present_.erase(client);
  attendance_.interrupted(client);
  if (const auto activity = activities_.find(client); activity != activities_.end()) {
    activity->second.interrupted();
  }
  if (decryption_) decryption_->gone(client);
  handle(round::ClientGone{client});
}

void Job::removed(std::int64_t client) {
  answers_.erase(client);
  present_.erase(client);
  attendance_.removed(client);
  handle(round::ClientRemoved{client});
  if (secure_) secure_->gone(client, "was revoked");
  if (decryption_) decryption_->gone(client);
}

void Job::received(std::int64_t client, wire::Message message) {
  if (secure_ && secure_->received(client, message)) return;
  if (decryption_ && decryption_->received(client, message)) return;
  std::visit([&](auto& m) { on(client, m); }, message);
}

void Job::on(std::int64_t client, const wire::JobAnswer& message) {
  // It was offered the job before its end; who has not answered by then was not told of it.
  if (ended()) return send(client, wire::JobEnded{name(), "the job has ended"});
  answers_[client] = message;
  present_.erase(client);
  if (!message.able) {
    log::info("job {}: {} cannot take part: {}", name(), services_.name_of(client), message.detail);
    return handle(round::ClientGone{client});
  }
  if (const auto refusal = round::check_available({client, message.examples})) {
    answers_[client].able = false;
    answers_[client].detail = refusal->detail;
    log::warning("job {}: {} cannot take part: {}", name(), services_.name_of(client),
                 refusal->detail);
    return handle(round::ClientGone{client});
  }
  weigh(client);
}

void Job::on(std::int64_t client, const wire::TaskRefused& message) {
  log::warning("job {} task {}: {} cannot do its task: {}", name(), message.task,
               services_.name_of(client), message.detail);
  handle(round::TaskFailed{client, message.task, message.detail, message.for_good});
  if (secure_) secure_->given_back(client, message.task);
  task_over(client, message.task, false);
}

void Job::on(std::int64_t client, const wire::Fetch& message) {
  const auto session = services_.session_of(client);
  const auto found = models_.find(message.version);
  if (!session || found == models_.end()) return;
  const GlobalModel& model = *found->second;
  if (model.sealed == nullptr) return;  // the last version: no task names it
  const auto offset = sealed_offset(model, message.offset);
  if (!offset) return session->close(wire::Bye{offset.error().detail, true});
  session->send_model(net::SealedDownload{model.sealed, *offset, model.sealed_bytes});
}

void Job::on(std::int64_t client, const wire::Progress& message) {
  activities_[client].progressed(message, now());
  handle(round::Progressed{client, message.task, static_cast<round::Work>(message.phase),
                           message.done, message.total});
}

void Job::on(std::int64_t client, wire::Offer& message) {
  if (!engine_)
    return put_off(
        client, message.task,
        Error{ErrorCode::closed, problem_.empty() ? "the job is being loaded" : problem_});
  if (message.attempt > 0 && !(secure_ && secure_->wants(client, message))) return;
  const round::Offered event = offered(client, message);
  offers_[client] = std::move(message);
  handle(event);
}

void Job::uploaded(std::int64_t client, std::int64_t task, Result<store::UploadFacts> facts) {
  if (!facts && facts.error().code == ErrorCode::closed)
    return;  // a newer connection has taken over
  // Or it has while this news was on its way: its bytes are not those that were looked at.
  if (facts && !services_.staging.keep({name(), task, client}, facts->lease)) return;
  round::UploadCompleted event{.client = client, .task = task, .facts = {}};
  if (facts) {
    // A client may have offered another update for the task meanwhile.
    const auto offer = offers_.find(client);
    const bool as_offered = offer != offers_.end() && offer->second.checksum == facts->checksum;
    event.facts = {.bytes = facts->bytes,
                   .checksum_ok = as_offered,
                   .finite = facts->statistics.finite,
                   .max_abs = facts->statistics.max_abs,
                   .count = static_cast<std::int64_t>(facts->bytes / sizeof(float)),
                   .norm = std::sqrt(facts->statistics.sum_of_squares)};
    if (engine_ && (engine_->kind() == round::TaskKind::statistics || plan_->integers())) {
      const auto real = real_facts({name(), task, client}, facts->bytes);
      if (!real) return put_off(client, task, real.error());
      event.facts = *real;
      event.facts.checksum_ok = as_offered;
    }
    if (secure_ && !secure_->wants_input(client)) {  // it came too late for its sum
      return put_off(client, task, Error{ErrorCode::closed, "the sum goes on without it"});
    }
  } else if (facts.error().code != ErrorCode::mismatch) {
    return put_off(client, task, facts.error());
  }
  handle(event);
}

Status Job::order(round::JobState to) {
  const round::Reason reason = round::Reason::by_operator;
  if (!ended() && to != on_record_ && to != round::JobState::draining) {
    FED_TRY(record_state(to, reason, round::sentence(reason)));
  }
  if (engine_) {
    handle(round::Order{to});
  } else {
    events_.push_back(round::Order{to});  // once the job is loaded
  }
  return {};
}

Status Job::record_state(round::JobState state, round::Reason reason, const std::string& detail) {
  FED_TRY(journal().set_job_state(name(), round::name(state), static_cast<int>(reason), detail,
                                  services_.control.unix_seconds()));
  on_record_ = state;
  return {};
}

void Job::handle(round::Event event) {
  if (!engine_) return;  // begin() tells the engine who is there
  events_.push_back(std::move(event));
  if (!handling_) handle_all();
}

void Job::handle_all() {
  handling_ = true;
  while (!events_.empty()) {
    const round::Event next = std::move(events_.front());
    events_.pop_front();
    for (const round::Effect& effect : engine_->handle(next, services_.control.now())) {
      if (!std::visit([this](const auto& e) { return run(e); }, effect)) break;
    }
  }
  handling_ = false;
  if (ended() && engine_->phase() == round::Phase::idle) retire();
  schedule();
}

// An update that is being uploaded and may no longer be wanted: its client is told now, and not
// when the last byte has come.
void Job::judge_again(std::int64_t client) {
  const auto offer = offers_.find(client);
  if (offer == offers_.end()) return;
  const auto is_queued = [&](const round::Event& event) {
    const auto* queued = std::get_if<round::Offered>(&event);
    return queued != nullptr && queued->client == client;
  };
  if (std::any_of(events_.begin(), events_.end(), is_queued)) return;
  events_.push_back(offered(client, offer->second));
}

// An ended job holds no memory, no descriptor and no update.
void Job::retire() {
  if (std::exchange(retired_, true)) return;
  model_.reset();
  models_.clear();
  committed_tasks_.clear();
  closed_.reset();
  early_fold_->forget();
  if (secure_) secure_->remove();
  std::set<std::int64_t> keep{engine_->version()};
  if (const auto best = best_version()) keep.insert(*best);
  if (on_record_ != state()) return;  // a restart would look for what is here
  prune(std::move(keep), engine_->version());
  const Status removed = services_.staging.remove_job(name());
  if (!removed) log::warning("job {}: {}", name(), removed.error().detail);
}

void Job::schedule() {
  timer_.cancel();
  const auto wakeup = engine_->next_wakeup();
  if (!wakeup) return;
  timer_ = services_.control.at(*wakeup, [this] { handle(round::Tick{}); });
}

std::optional<round::Report> Job::report() const {
  if (!engine_) return std::nullopt;
  return engine_->report();
}

std::optional<std::int64_t> Job::best_version() const {
  if (!engine_ || !engine_->stopping().best) return std::nullopt;
  return engine_->stopping().best->version;
}

void Job::send(std::int64_t client, wire::Message message) const {
  if (const auto session = services_.session_of(client)) session->send(std::move(message));
}

void Job::put_off(std::int64_t client, std::int64_t task, const Error& why) {
  constexpr double kRetrySeconds = 5;
  services_.staging.let_go({name(), task, client});
  offers_.erase(client);
  put_off_[client] = why.detail;
  log::warning("job {} task {}: the update of {} is put off: {}", name(), task,
               services_.name_of(client), why.detail);
  const bool full = why.code == ErrorCode::disk_full || why.code == ErrorCode::too_large;
  const char* detail = full ? "the server has no room for the update; it is to be offered again"
                            : "the server could not store the update; it is to be offered again";
  send(client, wire::Retry{name(), task, detail, kRetrySeconds});
}

}  // namespace fed::app
