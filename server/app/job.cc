#include "app/job.h"

#include <nlohmann/json.hpp>

#include "app/background.h"
#include "app/restore.h"
#include "base/log.h"

namespace fed::app {

Job::Job(std::shared_ptr<const Plan> plan, const Services& services)
    : plan_(std::move(plan)), services_(services) {}

void Job::start(store::JobProgress progress) {
  load(std::make_shared<const store::JobProgress>(std::move(progress)));
}

void Job::load(std::shared_ptr<const store::JobProgress> progress) {
  in_background(
      services_.compute, services_.control, weak_from_this(),
      [plan = plan_, &services = services_, progress] {
        return prepare(*plan, services, *progress);
      },
      [progress](Job& self, Result<Prepared> prepared) {
        if (prepared) return self.begin(std::move(*prepared), *progress);
        self.problem_ = prepared.error().detail;
        log::error("job {}: cannot begin, will be tried again: {}", self.name(), self.problem_);
        self.load_later(progress);
      });
}

// A full disk or a file that is being restored needs no restart of the daemon.
void Job::load_later(std::shared_ptr<const store::JobProgress> progress) {
  constexpr Duration kFirst = std::chrono::seconds(1), kMost = std::chrono::seconds(60);
  const Duration pause = round::back_off(kFirst, kMost, ++loads_failed_);
  timer_ = services_.control.after(pause, [this, progress] { load(progress); });
}

namespace {

// Updates of rounds that are over, which a crash between a commit and its tidying up has left.
Status unstage_old_rounds(const Services& services, const store::JobProgress& progress) {
  const std::string& job = progress.job.name;
  FED_ASSIGN(staged, services.staging.list());
  for (const store::Staged& file : staged) {
    const bool open = progress.open && file.key.task == progress.open->round;
    if (file.key.job == job && !open) FED_TRY(services.staging.remove_task(job, file.key.task));
  }
  return {};
}

}  // namespace

Result<Job::Prepared> Job::prepare(const Plan& plan, const Services& services,
                                   const store::JobProgress& progress) {
  FED_TRY(unstage_old_rounds(services, progress));
  Prepared prepared;
  prepared.scaling = scaling_from(scaling_of(progress));
  const std::size_t coordinates = plan.model->layout().size();
  tensor::Floats weights(coordinates);
  aggregate::OptimizerState state = plan.optimizer->initial(coordinates);
  const std::int64_t version = progress.job.version;
  if (version == 0) {
    plan.model->initialize(weights, plan.spec.model.seed);
  } else {
    FED_ASSIGN(saved, services.checkpoints.load(plan.spec.name, version, plan.model->layout()));
    weights = std::move(saved.weights);
    state.m = std::move(saved.m);
    state.v = std::move(saved.v);
  }
  FED_ASSIGN(model, seal_model(version, std::move(weights), std::move(state), services.disk,
                               services.blobs));
  prepared.model = std::move(model);
  return prepared;
}

void Job::begin(Prepared prepared, const store::JobProgress& progress) {
  problem_.clear();
  model_ = std::move(prepared.model);
  scaling_ = std::move(prepared.scaling);
  engine_.emplace(plan_->engine, snapshot_of(progress), services_.control.now());
  for (const auto& [client, answer] : answers_) {
    if (answer.able) events_.push_front(round::ClientAvailable{client, answer.examples});
  }
  handle(round::Tick{});
}

round::JobState Job::state() const { return engine_ ? engine_->job() : round::JobState::running; }

bool Job::ended() const {
  return state() == round::JobState::finished || state() == round::JobState::cancelled;
}

bool Job::at_rest() const {
  if (!engine_ || ended()) return true;
  return engine_->job() == round::JobState::draining && engine_->phase() == round::Phase::idle;
}

void Job::connected(std::int64_t client) {
  if (ended()) return;
  send(client, wire::JobOffer{name(), plan_->public_text});
}

void Job::disconnected(std::int64_t client) {
  answers_.erase(client);
  offers_.erase(client);
  handle(round::ClientGone{client});
}

void Job::removed(std::int64_t client) {
  answers_.erase(client);
  handle(round::ClientRemoved{client});
}

void Job::received(std::int64_t client, wire::Message message) {
  std::visit([&](auto& m) { on(client, m); }, message);
}

void Job::on(std::int64_t client, const wire::JobAnswer& message) {
  answers_[client] = message;
  if (!message.able) {
    log::info("job {}: {} cannot take part: {}", name(), services_.name_of(client), message.detail);
    return handle(round::ClientGone{client});
  }
  const round::ClientAvailable event{client, message.examples};
  if (const auto refusal = round::check_available(event)) {
    answers_[client].able = false;
    answers_[client].detail = refusal->detail;
    log::warning("job {}: {} cannot take part: {}", name(), services_.name_of(client),
                 refusal->detail);
    return handle(round::ClientGone{client});
  }
  handle(event);
}

void Job::on(std::int64_t client, const wire::TaskRefused& message) {
  log::warning("job {} task {}: {} cannot do its task: {}", name(), message.task,
               services_.name_of(client), message.detail);
  handle(round::TaskFailed{client, message.task, message.detail});
}

void Job::on(std::int64_t client, const wire::Fetch& message) {
  const auto session = services_.session_of(client);
  if (!session || !model_ || message.version != model_->version) return;
  const auto offset = sealed_offset(*model_, message.offset);
  if (!offset) return session->close(wire::Bye{offset.error().detail, true});
  session->send_model(net::SealedDownload{model_->sealed, *offset, model_->sealed_bytes});
}

void Job::on(std::int64_t client, const wire::Progress& message) {
  handle(round::Progressed{client, message.task, static_cast<round::Work>(message.phase),
                           message.done, message.total});
}

void Job::on(std::int64_t client, wire::Offer& message) {
  if (!engine_)
    return put_off(
        client, message.task,
        Error{ErrorCode::closed, problem_.empty() ? "the job is being loaded" : problem_});
  const round::Offered offered{.client = client,
                               .task = message.task,
                               .base_version = message.base_version,
                               .examples = message.examples,
                               .bytes = message.bytes,
                               .checksum = message.checksum};
  offers_[client] = std::move(message);
  handle(offered);
}

void Job::uploaded(std::int64_t client, std::int64_t task, Result<store::UploadFacts> facts) {
  if (!facts && facts.error().code == ErrorCode::closed)
    return;  // a newer connection has taken over
  round::UploadCompleted event{.client = client, .task = task, .facts = {}};
  if (facts) {
    event.facts = {.bytes = facts->bytes,
                   .checksum_ok = true,
                   .finite = facts->statistics.finite,
                   .max_abs = facts->statistics.max_abs,
                   .count = static_cast<std::int64_t>(facts->bytes / sizeof(float))};
    if (engine_ && engine_->kind() == round::TaskKind::statistics) {
      const auto real = statistics_facts(services_.staging, {name(), task, client}, facts->bytes);
      if (!real) return put_off(client, task, real.error());
      event.facts = *real;
    }
  } else if (facts.error().code != ErrorCode::mismatch) {
    return put_off(client, task, facts.error());
  }
  handle(event);
}

void Job::command(round::Event order) {
  if (engine_) return handle(std::move(order));
  events_.push_back(std::move(order));  // once the job is loaded
}

void Job::handle(round::Event event) {
  if (!engine_) return;  // begin() tells the engine who is there
  events_.push_back(std::move(event));
  if (handling_) return;
  handling_ = true;
  while (!events_.empty()) {
    const round::Event next = std::move(events_.front());
    events_.pop_front();
    for (const round::Effect& effect : engine_->handle(next, services_.control.now())) {
      if (!std::visit([this](const auto& e) { return run(e); }, effect)) break;
    }
  }
  handling_ = false;
  schedule();
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

std::optional<std::int64_t> Job::version() const {
  if (!model_) return std::nullopt;
  return model_->version;
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
  put_off_[client] = why.detail;
  log::warning("job {} task {}: the update of {} is put off: {}", name(), task,
               services_.name_of(client), why.detail);
  const bool full = why.code == ErrorCode::disk_full || why.code == ErrorCode::too_large;
  const char* detail = full ? "the server has no room for the update; it is to be offered again"
                            : "the server could not store the update; it is to be offered again";
  send(client, wire::Retry{name(), task, detail, kRetrySeconds});
}

}  // namespace fed::app
