// How a job carries out what its engine asks for.
#include <nlohmann/json.hpp>

#include "app/background.h"
#include "app/job.h"
#include "app/metrics_json.h"
#include "app/replay.h"
#include "base/log.h"

namespace fed::app {

bool Job::run(const round::BeginRound& effect) {
  store::RoundStart start{.job = name(),
                          .round = effect.round,
                          .attempt = effect.attempt,
                          .cohort = {},
                          .goal = effect.goal,
                          .total_weight = effect.total_weight,
                          .opened_at = services_.control.unix_seconds()};
  for (const round::CohortMember& member : effect.cohort) {
    start.cohort.push_back({member.client, member.examples});
  }
  const Status begun = journal().begin_round(start);
  if (!begun) {
    log::error("job {} round {}: cannot begin: {}", name(), effect.round, begun.error().detail);
    events_.push_back(round::BeginFailed{effect.round, effect.attempt, begun.error()});
    return false;
  }
  early_fold_->begin(effect, model_->clipping_norm);
  const std::string attempt =
      effect.attempt > 1 ? " attempt " + std::to_string(effect.attempt) : "";
  const std::string clients =
      effect.cohort.empty() ? "" : std::to_string(effect.cohort.size()) + " clients, ";
  log::info("job {} round {}{}: {}{} contributions wanted", name(), effect.round, attempt, clients,
            effect.goal);
  return true;
}

bool Job::run(const round::OpenTasks& effect) {
  std::vector<store::OpenTask> tasks;
  for (const round::OpenTask& task : effect.tasks) {
    tasks.push_back({task.task, task.client, task.base_version, task.examples});
  }
  const Status opened = journal().open_tasks(name(), tasks);
  if (opened) return true;
  log::error("job {}: cannot give tasks: {}", name(), opened.error().detail);
  never_assigned_ = {tasks.front().task, tasks.back().task, opened.error()};
  events_.push_back(*never_assigned_);
  return true;
}

bool Job::run(const round::EndTask& effect) {
  log::info("job {} task {} of {}: ended: {}", name(), effect.task,
            services_.name_of(effect.client), round::sentence(effect.reason));
  const Status ended = journal().end_task(name(), effect.task);
  if (!ended) log::warning("job {}: {}", name(), ended.error().detail);
  unstage(effect.task);
  if (secure_) judge_again(effect.client);  // whoever waits with its update hears of the end
  return true;
}

bool Job::run(const round::Discard& effect) {
  if (!secure_) {
    log::warning("job {} task {}: the accepted update of {} is in no version: {}", name(),
                 effect.task, services_.name_of(effect.client), round::sentence(effect.reason));
  }
  const Status noted = journal().discard_contribution(name(), {effect.task, effect.client},
                                                      static_cast<int>(effect.reason));
  if (noted && secure_) {
    unstage({name(), effect.task, effect.client});  // others' inputs are under the same task
  } else if (noted) {
    unstage(effect.task);
  } else {  // the row still says that the file is there, and a restart believes it
    log::error("job {}: {}", name(), noted.error().detail);
  }
  return true;
}

bool Job::run(const round::Standby& effect) {
  const std::string detail = "round " + std::to_string(effect.round) + " does not ask this client";
  send(effect.client, wire::Standby{name(), detail, seconds(effect.after)});
  return true;
}

bool Job::run(const round::AssignTask& effect) {
  const bool unopened = never_assigned_ && effect.task >= never_assigned_->first_task &&
                        effect.task <= never_assigned_->last_task;
  if (unopened) return true;
  if (effect.kind == round::TaskKind::training && !models_.contains(effect.base_version)) {
    events_.push_back(round::TaskFailed{effect.client, effect.task,
                                        "the server no longer has the version it began from"});
    return true;
  }
  if (const auto why = away(effect.client)) {  // since the engine was told that it is there
    weigh(effect.client);
    events_.push_back(round::TaskFailed{effect.client, effect.task, *why});
    return true;
  }
  attendance_.assigned(effect.client, effect.task, services_.control.now());
  wire::Task task{.job = name(),
                  .task = effect.task,
                  .attempt = effect.attempt,
                  .kind = static_cast<wire::TaskKind>(effect.kind),
                  .base_version = effect.base_version,
                  .model = {},
                  .means = {},
                  .deviations = {},
                  .update_bytes = plan_->update_bytes(effect.kind),
                  .clipping_norm = 0,
                  .privacy_tasks = privacy_tasks(effect.client)};
  if (effect.kind == round::TaskKind::training) {
    task.model = models_.at(effect.base_version)->ref;
    task.clipping_norm = models_.at(effect.base_version)->clipping_norm;
    for (const data::Scaling& column : scaling_) {
      task.means.push_back(column.mean);
      task.deviations.push_back(column.deviation);
    }
  }
  send(effect.client, std::move(task));
  return true;
}

bool Job::run(const round::CancelTask& effect) {
  send(effect.client, wire::CancelTask{name(), effect.task, round::sentence(effect.reason)});
  if (effect.reason != round::Reason::attempt_abandoned) judge_again(effect.client);
  task_over(effect.client, effect.task, false);
  return true;
}

bool Job::run(const round::Admit& effect) {
  wire::Offer& offer = offers_.at(effect.client);
  const store::UploadKey key{name(), effect.task, effect.client};
  if (offer.body.empty()) {
    admit_chunks(key, offer);
  } else {
    admit_body(key, offer, std::exchange(offer.body, Bytes()));
  }
  return true;
}

namespace {

Result<store::Upload> write_whole(store::Staging& staging, const store::UploadKey& key,
                                  const Checksum& checksum, ByteView body) {
  FED_ASSIGN(upload, staging.receive(key, body.size(), checksum));
  const std::uint64_t offset = upload.offset();
  FED_TRY(upload.write(offset, body.subspan(offset)));
  return upload;
}

}  // namespace

void Job::admit_body(const store::UploadKey& key, const wire::Offer& offer, Bytes body) {
  auto stored = [self = weak_from_this(), key,
                 &control = services_.control](Result<store::UploadFacts> facts) {
    control.post([self, key, facts = std::move(facts)] {
      if (const auto job = self.lock()) job->uploaded(key.client, key.task, facts);
    });
  };
  services_.compute.post([&staging = services_.staging, key, checksum = offer.checksum,
                          body = std::make_shared<const Bytes>(std::move(body)),
                          stored = std::move(stored)] {
    auto upload = write_whole(staging, key, checksum, *body);
    if (!upload) return stored(upload.error());
    staging.finish(std::move(*upload), stored);
  });
}

void Job::admit_chunks(const store::UploadKey& key, const wire::Offer& offer) {
  in_background(
      services_.compute, services_.control, weak_from_this(),
      [&staging = services_.staging, key, bytes = offer.bytes, checksum = offer.checksum] {
        return staging.receive(key, bytes, checksum);
      },
      [key, id = ++uploads_](Job& self, Result<store::Upload> upload) {
        if (!upload && upload.error().code == ErrorCode::closed) return;  // it has been stored
        if (!upload) return self.put_off(key.client, key.task, upload.error());
        if (!self.is_offered(key)) return self.unstage(key);
        const auto session = self.services_.session_of(key.client);
        if (session) session->receive_upload(id, key, std::move(*upload));
      });
}

// Whether the update still waits for its answer: its task may have ended meanwhile.
bool Job::is_offered(const store::UploadKey& key) const {
  const auto offer = offers_.find(key.client);
  return !retired_ && offer != offers_.end() && offer->second.task == key.task;
}

void Job::unstage(const store::UploadKey& key) const {
  const Status removed = services_.staging.remove(key);
  if (!removed) log::warning("job {}: {}", name(), removed.error().detail);
}

bool Job::run(const round::Retry& effect) {
  const store::UploadKey key{name(), effect.task, effect.client};
  if (effect.reason != round::Reason::being_stored) services_.staging.let_go(key);
  send(effect.client, wire::Retry{name(), effect.task, effect.detail, seconds(effect.after)});
  answered(effect.client, effect.task);
  return true;
}

// Whether the clipping norm adapts under noise of this server.
bool Job::adapts() const {
  return model_ != nullptr && model_->clipping_norm > 0 && plan_->privacy->at_server();
}

// Of the updates that are being closed. A count without them is one that says nothing.
std::int64_t Job::more_within() {
  if (!adapts()) return 0;
  auto rows = journal().uncommitted(name());
  if (!rows) {
    log::warning("job {}: {}", name(), rows.error().detail);
    return 0;
  }
  std::erase_if(*rows, [this](const store::ContributionRow& row) { return !is_closing(row); });
  return more_within_norm(*rows);
}

ClosingInput Job::closing_input(const round::CloseRound& effect) {
  ClosingInput input{plan_, effect, model_, scaling_, {}, nullptr, nullptr, more_within()};
  Json contributions = Json::array();
  for (const round::Contribution& c : effect.contributions) {
    contributions.push_back({{"client", services_.name_of(c.client)},
                             {"examples", c.examples},
                             {"base_version", c.base_version}});
  }
  if (secure_) input.sum = secure_->sum();
  input.provenance["job_text"] = plan_->public_text;
  // Who sees the model is not to learn from it who took part.
  if (!plan_->privacy) input.provenance["contributions"] = contributions.dump();
  if (!scaling_.empty()) input.provenance["statistics"] = scaling_text(scaling_);
  return input;
}

bool Job::run(const round::CloseRound& effect) {
  const Status noted =
      journal().set_round_state(name(), effect.round, effect.attempt, "closing", 0);
  if (!noted) log::warning("job {}: {}", name(), noted.error().detail);
  if (!noted && decryption_) {  // a server after this one might ask for another sum
    events_.push_back(round::CommitFailed{effect.round, noted.error(), true});
    return true;
  }
  log::info("job {} round {}: folding {} contributions", name(), effect.round,
            effect.contributions.size());
  closing_ = effect.contributions;
  early_fold_->finish(effect, [self = weak_from_this(), input = closing_input(effect)](
                                  std::shared_ptr<BegunFold> begun) mutable {
    const auto job = self.lock();
    if (job == nullptr) return;
    input.begun = std::move(begun);
    job->close(std::move(input));
  });
  return true;
}

void Job::close(ClosingInput input) {
  if (decryption_ && !input.sum) return decryption_->begin(std::move(input));
  const std::int64_t number = input.round.round;
  in_background(
      services_.compute, services_.control, weak_from_this(),
      [input = std::move(input), &services = services_] {
        return input.round.kind == round::TaskKind::training ? close_training(input, services)
                                                             : close_statistics(input, services);
      },
      [round = number](Job& self, Result<Closed> closed) {
        if (closed) {
          self.closed_ = std::move(*closed);
          return self.handle(round::Aggregated{round});
        }
        log::error("job {} round {}: cannot close: {}", self.name(), round, closed.error().detail);
        const bool retryable = closed.error().code == ErrorCode::disk_full;
        self.handle(round::CommitFailed{round, closed.error(), retryable});
      });
}

bool Job::is_closing(const store::ContributionRow& row) const {
  return std::any_of(closing_.begin(), closing_.end(), [&](const round::Contribution& each) {
    return each.task == row.task && each.client == row.client;
  });
}

// The server's own evaluation of the new version if it has test rows; else what the clients found
// of the version that this round began from.
std::optional<round::Evaluation> Job::evaluation_of(const round::CommitRound& effect,
                                                    std::string& metrics_text) {
  auto rows = journal().uncommitted(name());
  if (rows) {
    std::erase_if(*rows, [this](const store::ContributionRow& row) { return !is_closing(row); });
  }
  const auto clients = plan_->spec.hides_updates() ? closed_->clients
                       : rows                      ? weighted_metrics(*rows)
                                                   : std::nullopt;
  Json metrics = Json::object();
  if (closed_->metrics) metrics["server"] = to_json(*closed_->metrics);
  if (clients) metrics["clients"] = to_json(*clients);
  if (effect.kind == round::TaskKind::statistics) {
    metrics["scaling"] = Json::parse(scaling_text(closed_->scaling));
  }
  const double norm = closed_->model->clipping_norm;
  if (norm > 0) metrics["clipping_norm"] = norm;  // of the next round
  metrics_text = metrics.dump();
  const config::EvaluationSpec& spec = plan_->spec.evaluation;
  const auto& source = spec.data ? closed_->metrics : clients;
  const std::int64_t version = spec.data ? effect.version : effect.version - 1;
  if (!source || version < 1 || spec.every == 0) return std::nullopt;
  const auto value = model::value_of(*source, spec.metric);
  if (!value) return std::nullopt;
  return round::Evaluation{version, *value};
}

// A version whose cost the budget does not cover is not committed, whatever led there.
Status Job::enter_cost(store::RoundCommit& commit) {
  if (!plan_->privacy) return {};
  FED_ASSIGN(ledger, journal().privacy_ledger(name()));
  // Again what was committed, its answer being lost: it is in the ledger.
  if (!ledger.empty() && ledger.back().round == commit.round) return {};
  FED_TRY(plan_->privacy->check_budget(ledger));
  commit.privacy = plan_->privacy->entry();
  return {};
}

bool Job::run(const round::CommitRound& effect) {
  FED_CHECK(closed_.has_value());
  std::string metrics;
  const auto evaluation = evaluation_of(effect, metrics);
  round::StoppingState stopping = engine_->stopping();
  if (evaluation) stopping = round::observe(plan_->engine.stopping, stopping, *evaluation);
  store::RoundCommit commit{.job = name(),
                            .round = effect.round,
                            .attempt = engine_->attempt(),
                            .version = effect.version,
                            .metrics = metrics,
                            .committed_at = services_.control.unix_seconds(),
                            .best_version = {},
                            .best_value = {},
                            .without_better = stopping.without_better};
  for (const round::Contribution& each : closing_) {
    commit.contributions.push_back({each.task, each.client});
  }
  if (stopping.best) {
    commit.best_version = stopping.best->version;
    commit.best_value = stopping.best->value;
  }
  Status committed = enter_cost(commit);
  if (committed) committed = journal().commit_round(commit);
  if (!committed) {
    log::error("job {} round {}: cannot commit: {}", name(), effect.round,
               committed.error().detail);
    const bool retryable = committed.error().code == ErrorCode::disk_full;
    events_.push_back(round::CommitFailed{effect.round, committed.error(), retryable});
    return true;
  }
  note_committed(effect);
  if (effect.kind == round::TaskKind::training) {
    models_[model_->version] = without_weights(*model_);
    models_[effect.version] = closed_->model;
  }
  model_ = closed_->model;
  if (adapts()) engine_->limit_norm(model_->clipping_norm);
  scaling_ = closed_->scaling;
  closed_.reset();
  if (secure_) {
    secure_->forget();
    judge_awaited();
  }
  log::info("job {} round {}: committed version {} {}", name(), effect.round, effect.version,
            metrics);
  std::set<std::int64_t> keep{effect.version};
  if (stopping.best) keep.insert(stopping.best->version);
  tidy_up(std::move(keep));
  events_.push_back(round::Committed{effect.round, evaluation});
  return true;
}

// What a durable commit has made superfluous. Done before the next round can write anything. A
// failure costs room only, and is made good after the next commit.
void Job::tidy_up(std::set<std::int64_t> keep) {
  const std::set<std::int64_t> bases = engine_->bases();
  std::erase_if(models_, [&](const auto& entry) {
    return entry.first != model_->version && !bases.contains(entry.first);
  });
  keep.insert(bases.begin(), bases.end());
  prune(std::move(keep), model_->version);
  std::set<std::int64_t> tasks;
  for (const round::Contribution& each : closing_) tasks.insert(each.task);
  closing_.clear();
  for (const std::int64_t task : tasks) unstage(task);
}

// Removes all checkpoints but these and those of the rounds that are kept, up to version `last`.
void Job::prune(std::set<std::int64_t> keep, std::int64_t last) const {
  const std::int64_t kept = plan_->spec.keep.rounds;
  for (std::int64_t version = std::max<std::int64_t>(1, last - kept); version <= last; ++version) {
    keep.insert(version);
  }
  for (const Status& pruned : {services_.checkpoints.prune(name(), keep),
                               kept_of(services_).prune(name(), last - kept + 1)}) {
    if (!pruned) log::warning("job {}: {}", name(), pruned.error().detail);
  }
}

void Job::unstage(std::int64_t task) const {
  const Status removed = services_.staging.remove_task(name(), task);
  if (!removed) log::warning("job {}: {}", name(), removed.error().detail);
}

bool Job::run(const round::AbandonRound& effect) {
  const Status noted = journal().set_round_state(name(), effect.round, effect.attempt, "abandoned",
                                                 static_cast<int>(effect.reason));
  if (!noted) log::warning("job {}: {}", name(), noted.error().detail);
  log::warning(
      "job {} round {}: attempt {} is abandoned: {} {} contributions are kept; next attempt in "
      "{:.0f} s",
      name(), effect.round, effect.attempt, round::sentence(effect.reason), effect.kept,
      seconds(effect.pause));
  return true;
}

bool Job::run(const round::JobChanged& effect) {
  log::info("job {}: {}: {}", name(), round::name(effect.state), effect.detail);
  if (effect.reason != round::Reason::by_operator) {
    // If it cannot be, it follows again from what is on record.
    const Status noted = record_state(effect.state, effect.reason, effect.detail);
    if (!noted) log::error("job {}: cannot record its state: {}", name(), noted.error().detail);
  }
  services_.at_rest(name());
  if (!ended()) return true;
  if (secure_) secure_->forget();
  if (decryption_) decryption_->forget();
  tell_ended(effect.detail);
  for (const auto& [client, offer] : offers_) judge_again(client);
  return true;
}

bool Job::run(const round::Drained&) {
  services_.at_rest(name());
  return true;
}

}  // namespace fed::app
