// How the client carries out what its session asks for.
#include <algorithm>
#include <cmath>

#include "app/client_core.h"
#include "app/local_job.h"
#include "base/log.h"

namespace fed::app {
namespace {

constexpr double kProgressSeconds = 0.5;
constexpr double kReadAgainSeconds = 30;

// Tells the event loop how far training is, a few times a second at most. Called on the training
// thread.
class ProgressReporter {
 public:
  ProgressReporter(const Loop& clock, wire::Progress progress,
                   std::function<void(wire::Progress)> tell)
      : clock_(clock), progress_(std::move(progress)), tell_(std::move(tell)) {}

  void operator()(double share) {
    const Instant at = clock_.now();
    if (at - told_at_ < from_seconds(kProgressSeconds)) return;
    told_at_ = at;
    progress_.done = static_cast<std::uint64_t>(share * static_cast<double>(progress_.total));
    tell_(progress_);
  }

 private:
  const Loop& clock_;
  wire::Progress progress_;
  std::function<void(wire::Progress)> tell_;
  Instant told_at_{};
};

Error out_of_memory() {
  return {ErrorCode::too_large, "this client has not enough memory for the job"};
}

}  // namespace

void ClientCore::carry_out(session::Session::Effects effects) {
  std::move(effects.begin(), effects.end(), std::back_inserter(effects_));
  if (carrying_out_) return;
  carrying_out_ = true;
  while (!effects_.empty()) {
    const session::Effect effect = std::move(effects_.front());
    effects_.pop_front();
    std::visit([this](const auto& e) { run(e); }, effect);
  }
  carrying_out_ = false;
  schedule_tick();
  if (finished()) stop(0);
}

void ClientCore::run(const session::Send& effect) {
  log::debug("sending {}", wire::name(effect.message));
  uplink_.send(effect.message);
}

void ClientCore::run(const session::LoadJob& effect) {
  const std::uint64_t load = ++loads_;
  jobs_[effect.job] = Job{.load = load, .workload = nullptr};
  log::info("job {}: reading the data", effect.job);
  around_.loading.post([this, job = effect.job, spec = effect.spec, load] {
    Loaded loaded = out_of_memory();
    try {
      loaded = around_.workshop.open(job, spec);
    } catch (const std::bad_alloc&) {
      log::error("job {}: out of memory", job);
    }
    loop_.post([this, job, load, loaded] { job_loaded(job, load, loaded); });
  });
}

// ---- Models ----

void ClientCore::run(const session::ObtainModel& effect) {
  if (download_ && download_->expected > 0) {
    // Sealed bytes do not say which model they are of, so those of an older task must not be under
    // way when the next ones are asked for.
    return uplink_.reconnect("another model is needed than the one that is arriving");
  }
  const auto there = cache_.begin(effect.model);
  download_ = Download{effect.job, effect.version, cache_.missing(), {}, {}};
  if (!there) {
    download_->problem = there.error();
    return model_arrived();
  }
  if (*there == effect.model.bytes) return model_arrived();
  show_download();
  carry_out(session_.model_partial(effect.job, effect.version, *there));
}

Status ClientCore::sealed(ByteView bytes) {
  if (!download_ || bytes.size() > download_->expected) {
    return Error{ErrorCode::malformed, "sealed bytes that were not asked for"};
  }
  download_->expected -= bytes.size();
  if (!download_->problem) {
    const auto added = cache_.add(bytes);
    if (!added) download_->problem = added.error();
  }
  if (download_->expected > 0) {
    show_download();
  } else {
    model_arrived();
  }
  return {};
}

void ClientCore::model_arrived() {
  const Download download = *std::exchange(download_, std::nullopt);
  if (!download.problem) return carry_out(session_.model_ready(download.job, download.version));
  log::warning("job {} version {}: {}", download.job, download.version, download.problem->detail);
  const std::string detail = "the model did not arrive: " + for_server(*download.problem);
  carry_out(session_.model_failed(download.job, download.version, detail));
}

void ClientCore::show_download() {
  const wire::Task* task = session_.active();
  if (task == nullptr || !task->model || loop_.now() - download_->shown_at < from_seconds(1))
    return;
  const bool first = download_->shown_at == Instant();
  download_->shown_at = loop_.now();
  if (first) show(*task, "downloading");
  carry_out(session_.progress(
      {task->job, task->task, wire::Phase::downloading, cache_.present(), task->model->bytes}));
}

// ---- Training ----

void ClientCore::run(const session::Train& effect) {
  const wire::Task& task = effect.task;
  const std::uint64_t training = ++training_;
  const std::shared_ptr<Workload> workload = jobs_.at(task.job).workload;
  const bool is_training = task.kind == wire::TaskKind::training;
  log::info("job {} task {}: {} {} rows", task.job, task.task,
            is_training ? "training on" : "summing the columns of", workload->examples());
  show(task, "training");
  stop_training_ = std::stop_source();
  const wire::Progress progress{task.job, task.task, wire::Phase::training, 0,
                                workload->row_steps()};
  const auto tell = [this, training](const wire::Progress& told) {
    loop_.post([this, training, told] { training_progressed(training, told); });
  };
  const fs::path model = task.model ? cache_.path(task.model->hash) : fs::path();
  const auto work = [this, task, workload, model, progress, tell, client = session_.name(),
                     stop = stop_training_.get_token()]() -> Result<wire::Offer> {
    FED_ASSIGN(answer, workload->perform(task, model, client,
                                         ProgressReporter(loop_, progress, tell), stop));
    if (stop.stop_requested()) return Error{ErrorCode::closed, "training was stopped"};
    if (answer.offer.model) answer.offer.settings = workload->secure(task.kind).value().settings;
    return outbox_.put(answer.offer, answer.bytes());
  };
  around_.training.post([this, training, task, work] {
    Result<wire::Offer> offer = out_of_memory();
    try {
      offer = work();
    } catch (const std::bad_alloc&) {
      log::error("job {}: out of memory", task.job);
    }
    loop_.post([this, training, task, offer] { training_ended(training, task, offer); });
  });
}

void ClientCore::run(const session::CancelTraining&) {
  ++training_;
  stop_training_.request_stop();
  log::info("the training is stopped: its task is taken back");
}

// ---- Updates ----

void ClientCore::run(const session::SendOffer& effect) {
  const session::UpdateKey key{effect.job, effect.task};
  const wire::Offer* kept = effect.attempt == 0 ? session_.kept(key) : session_.kept_masked(key);
  if (kept == nullptr) return;
  wire::Offer offer = *kept;
  if (effect.attempt == 0 && offer.model) {
    offer.checksum = {};  // it would tell whether the update is one that somebody guesses
  } else if (offer.bytes <= options_.inline_bytes_max) {
    const auto file = to_send(key, effect.attempt);
    offer.body.resize(offer.bytes);
    const Status read = file ? (*file)->read_at(0, offer.body) : Status(file.error());
    if (!read) return not_read(offer, read.error());
  }
  uplink_.send(offer);
}

Result<std::shared_ptr<const File>> ClientCore::to_send(const session::UpdateKey& key,
                                                        std::int64_t attempt) const {
  if (attempt == 0) {
    FED_ASSIGN(file, outbox_.update(key.first, key.second));
    return std::make_shared<const File>(std::move(file));
  }
  auto input = secure_.input(key.first, key.second);
  if (input != nullptr) return input;
  return Error{ErrorCode::not_found, "the masked input is gone"};
}

void ClientCore::run(const session::StartUpload& effect) {
  const session::UpdateKey key{effect.job, effect.task};
  const wire::Offer* offer = effect.attempt == 0 ? session_.kept(key) : session_.kept_masked(key);
  if (offer == nullptr) return;
  const auto file = to_send(key, effect.attempt);
  if (!file) return not_read(*offer, file.error());
  const std::uint64_t bytes = offer->bytes;
  sending_ = Sending{key, effect.attempt, *file};
  uplink_.send_bulk(net::ChunkUpload{sending_->file, effect.upload, effect.offset, bytes});
  carry_out(
      session_.progress({effect.job, effect.task, wire::Phase::uploading, effect.offset, bytes}));
}

void ClientCore::run(const session::StopUpload&) {
  sending_.reset();
  uplink_.send_bulk(std::monostate());
}

void ClientCore::run(const session::StopDownload&) {
  uplink_.reconnect("a model is not to arrive any more");
}

void ClientCore::run(const session::StandBy& effect) {
  const wire::Standby& standby = effect.standby;
  log::debug("job {}: {}", standby.job, standby.detail);
  const std::int64_t until =
      standby.after_s > 0 ? loop_.unix_seconds() + std::llround(std::min(standby.after_s, 1e9)) : 0;
  status_.standby = {standby.job, standby.detail, until};
  write_status();
}

// An update that its own disk has lost is as good as discarded; one that could not be read now is
// offered again.
void ClientCore::not_read(const wire::Offer& offer, const Error& why) {
  if (why.code == ErrorCode::io) {
    log::error("job {} task {}: the update cannot be read now: {}", offer.job, offer.task,
               why.detail);
    return carry_out(session_.message(
        wire::Retry{offer.job, offer.task, "the update cannot be read", kReadAgainSeconds},
        loop_.now()));
  }
  log::error("job {} task {}: the update is lost: {}", offer.job, offer.task, why.detail);
  carry_out(session_.message(
      wire::Receipt{offer.job, offer.task, wire::Outcome::discarded, 0, why.detail}, loop_.now()));
}

// The link ends with an update that does not open on the way: offered again, it would end the next
// one, and so for ever.
void ClientCore::check_sent(const Sending& sending) {
  if (sending.attempt > 0) return;  // in memory
  const wire::Offer* offer = session_.kept(sending.key);
  const auto info = sending.file->inspect();
  if (offer != nullptr && !info) not_read(*offer, info.error());
}

// Before the update goes. Where it cannot be now, the update stays on the disk: it is offered, and
// answered for, once more after a restart.
bool ClientCore::note(const wire::Receipt& receipt) {
  if (receipt.outcome != wire::Outcome::accepted) return true;
  const Status noted = around_.workshop.acknowledged(receipt.job, receipt.task);
  if (noted) return true;
  log::error("job {} task {}: that it is accepted cannot be noted: {}", receipt.job, receipt.task,
             noted.error().detail);
  return noted.error().code == ErrorCode::malformed;
}

void ClientCore::run(const session::DropUpdate& effect) {
  const wire::Receipt& receipt = effect.receipt;
  const ClientStatus::Answer answer{receipt.job, receipt.task, name(receipt.outcome),
                                    receipt.detail, loop_.unix_seconds()};
  status_.last_answer = answer;
  status_.phase = "waiting";
  if (receipt.outcome == wire::Outcome::accepted) {
    log::info("job {} task {}: accepted", receipt.job, receipt.task);
  } else {
    status_.last_refusal = answer;
    log::warning("job {} task {}: {}: {}", receipt.job, receipt.task, answer.outcome,
                 receipt.detail);
  }
  write_status();
  secure_.forget(receipt.job, receipt.task);
  if (!note(receipt)) return;
  const Status dropped = outbox_.drop(receipt.job, receipt.task);
  if (!dropped) log::warning("{}", dropped.error().detail);
}

// ---- Ends ----

void ClientCore::run(const session::JobDone& effect) {
  log::info("job {} has ended{}{}", effect.job, effect.detail.empty() ? "" : ": ", effect.detail);
  jobs_.erase(effect.job);
  secure_.forget(effect.job);
  if (status_.standby.job == effect.job) status_.standby = {};
  status_.declined.erase(effect.job);
  status_.held.erase(effect.job);
  write_status();
  job_done_ = true;
}

void ClientCore::run(const session::Hangup& effect) {
  log::warning("the server says goodbye: {}", effect.bye.detail);
  status_.last_refusal = {"", 0, "refused", effect.bye.detail, loop_.unix_seconds()};
  write_status();
  if (options_.once && !effect.bye.come_back) stop(1);
}

}  // namespace fed::app
