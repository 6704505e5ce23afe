#include "app/client_core.h"

#include <algorithm>

#include "app/local_job.h"
#include "app/local_time.h"
#include "base/log.h"
#include "cli/command.h"

namespace fed::app {
namespace {

constexpr double kLastWordsSeconds = 2;
// A clock can be put forward, and a machine can sleep: the wall clock is looked at so often.
constexpr double kHoursSecondsMax = 60;
constexpr std::size_t kShownMax = 100;  // jobs in the status; a server may offer any number

}  // namespace

ClientCore::ClientCore(const config::ClientSpec& spec, ClientSurroundings surroundings,
                       session::Outbox outbox, session::ModelCache cache, Options options)
    : spec_(spec),
      around_(std::move(surroundings)),
      loop_(around_.loop),
      options_(options),
      outbox_(std::move(outbox)),
      cache_(std::move(cache)),
      site_(spec.limits),
      session_(cli::version_line("fedclient"), outbox_.offers()),
      secure_(secure_setup()),
      key_holder_(key_holder_setup()),
      uplink_(loop_, around_.dialer, spec, *this, options.seed) {}

void ClientCore::start() {
  status_.public_key = key_holder_.public_key();
  watch_hours();
  uplink_.start();
  write_status();
}

void ClientCore::stop(int status) {
  if (stopping_) return;
  stopping_ = true;
  exit_status_ = status;
  stop_training_.request_stop();
  status_.connection = "stopped";
  write_status();
  const bool was_open = uplink_.is_open();
  uplink_.stop();
  if (!was_open) return around_.ended(exit_status_);
  last_words_ =
      loop_.after(from_seconds(kLastWordsSeconds), [this] { around_.ended(exit_status_); });
}

void ClientCore::schedule_tick() {
  const auto wakeup = session_.next_wakeup();
  if (!wakeup) return;
  tick_ = loop_.at(*wakeup, [this] { carry_out(session_.tick(loop_.now())); });
}

void ClientCore::watch_hours() {
  if (!site_.limited()) return;
  const session::LocalTime time = local_time(loop_.unix_seconds());
  const wire::Availability availability = site_.availability(time);
  if (availability.open != session_.open()) {
    log::info("this site is {}", site_.state(time));
    around_.show(site_.state(time));
  }
  carry_out(session_.availability(availability, loop_.now()));
  const double change = availability.change_s > 0 ? availability.change_s : kHoursSecondsMax;
  hours_ = loop_.after(from_seconds(std::min(change, kHoursSecondsMax)), [this] { watch_hours(); });
}

// ---- The link ----

void ClientCore::connected() {
  carry_out(session_.connected());
  watch_hours();
}

void ClientCore::disconnected() {
  cache_.stop();
  download_.reset();
  if (stopping_) return around_.ended(exit_status_);
  const auto sending = std::exchange(sending_, std::nullopt);
  carry_out(session_.disconnected());
  if (sending) check_sent(*sending);
}

void ClientCore::link_changed(const std::string& state) {
  status_.connection = state;
  write_status();
  around_.show(state);
}

Status ClientCore::received(const wire::Message& message) {
  log::debug("received {}", wire::name(message));
  if (const auto* welcome = std::get_if<wire::Welcome>(&message)) {
    uplink_.welcomed();
    uplink_.hear_idle(from_seconds(welcome->idle_s));
    log::info("the server knows this client as {}", welcome->client);
    status_.name = welcome->client;
    write_status();
  }
  if (const auto* offer = std::get_if<wire::JobOffer>(&message)) {
    if (key_holder_.offered(*offer)) note_held(offer->job);
  }
  if (!received_secure(message)) carry_out(session_.message(message, loop_.now()));
  return {};
}

// ---- Sums of hidden updates ----

SecureWork::Setup ClientCore::secure_setup() {
  return {.disk = around_.disk,
          .state_dir = spec_.state_dir,
          .agreement = spec_.jobs.secure_aggregation,
          .identity = around_.identity,
          .random = around_.random,
          .loop = loop_,
          .work = around_.loading,
          .outbox = outbox_,
          .send = [this](const wire::Message& message) { carry_out({session::Send{message}}); },
          .masked = [this](const wire::Offer& offer) { carry_out(session_.masked(offer)); },
          .unmasked = [this](const std::string& job,
                             std::int64_t task) { carry_out(session_.unmasked(job, task)); },
          .lost = [this](const wire::Offer& update, const Error& why) { not_read(update, why); },
          .refused =
              [this](const wire::SecureRefused& told) {
                note_refusal(told.name.job, told.name.task, told.reason, told.detail);
              }};
}

KeyHolder::Setup ClientCore::key_holder_setup() {
  return {.key = around_.decryption_key,
          .disk = around_.disk,
          .state_dir = spec_.state_dir,
          .clients_min = spec_.jobs.homomorphic_encryption.clients_min,
          .loop = loop_,
          .work = around_.loading,
          .send = [this](const wire::Message& message) { carry_out({session::Send{message}}); },
          .refused =
              [this](const wire::DecryptSum& question, const Error& why) {
                note_refusal(question.job, question.round, name(why.code), why.detail);
              }};
}

SecureWork::Ready ClientCore::ready_for(const wire::SecureName& name) const {
  const auto job = jobs_.find(name.job);
  const bool loaded = job != jobs_.end() && job->second.workload != nullptr;
  const auto kind = name.task == 0 ? wire::TaskKind::statistics : wire::TaskKind::training;
  return {.shape = loaded ? job->second.workload->secure(kind) : std::nullopt,
          .update = session_.kept({name.job, name.task}),
          .open = session_.open(),
          .name = session_.name()};
}

bool ClientCore::received_secure(const wire::Message& message) {
  if (const auto* question = std::get_if<wire::DecryptSum>(&message)) {
    key_holder_.on(*question);
    return true;
  }
  if (const auto* terms = std::get_if<wire::SecureTerms>(&message)) {
    const auto job = jobs_.find(terms->name.job);
    const bool loading = job != jobs_.end() && job->second.workload == nullptr;
    if (loading) {
      job->second.terms = *terms;  // until its data is there
    } else {
      secure_.on(*terms, ready_for(terms->name));
    }
    return true;
  }
  return std::visit(
      [this](const auto& m) {
        if constexpr (requires { secure_.on(m); }) {
          secure_.on(m);
          return true;
        }
        return false;
      },
      message);
}

// ---- Other threads' results ----

void ClientCore::job_loaded(const std::string& job, std::uint64_t load, const Loaded& loaded) {
  const auto entry = jobs_.find(job);
  if (entry == jobs_.end() || entry->second.load != load) return;
  if (!loaded) {
    decline(job, loaded.error().detail);
    return carry_out(session_.job_loaded(job, loaded.error()));
  }
  if (status_.declined.erase(job) > 0) write_status();
  entry->second.workload = *loaded;
  const std::int64_t examples = entry->second.workload->examples();
  log::info("job {}: {} rows to train on", job, examples);
  const bool hidden = entry->second.workload->hides_rows();
  const auto terms = std::exchange(entry->second.terms, std::nullopt);
  carry_out(session_.job_loaded(job, hidden ? 1 : examples));
  if (terms) secure_.on(*terms, ready_for(terms->name));
}

void ClientCore::training_progressed(std::uint64_t training, wire::Progress progress) {
  if (training == training_) carry_out(session_.progress(progress));
}

void ClientCore::training_ended(std::uint64_t training, const wire::Task& task,
                                Result<wire::Offer> offer) {
  if (training != training_) {
    // Cancelled when it had already been stored: nobody waits for it, unless for the same again.
    const wire::Task* active = session_.active();
    const bool again = active != nullptr && active->job == task.job && active->task == task.task;
    if (offer && !again && session_.kept({task.job, task.task}) == nullptr) {
      const Status dropped = outbox_.drop(task.job, task.task);
      if (!dropped) log::warning("{}", dropped.error().detail);
    }
    return;
  }
  ++training_;
  const bool same_again = offer && offer->model && secure_.is_revealed(*offer);
  if (same_again) offer = drop_same_again(*offer);
  if (offer) {
    log::info("job {} task {}: done, {} bytes to send", task.job, task.task, offer->bytes);
    show(task, "uploading");
    return carry_out(session_.trained(*offer));
  }
  log::error("job {} task {}: {}", task.job, task.task, offer.error().detail);
  note_refusal(task.job, task.task, name(offer.error().code), offer.error().detail);
  show(task, "waiting");
  carry_out(session_.training_failed(task.job, task.task, for_server(offer.error()), same_again));
}

// It was revealed for a sum that failed, and has been made once more.
Error ClientCore::drop_same_again(const wire::Offer& update) {
  const Status dropped = outbox_.drop(update.job, update.task);
  if (!dropped) log::warning("{}", dropped.error().detail);
  return {ErrorCode::closed,
          "this update was revealed for an earlier sum, which failed; it is in no other"};
}

// ---- For people ----

void ClientCore::decline(const std::string& job, const std::string& why) {
  log::warning("job {} is declined: {}", job, why);
  if (status_.declined.size() < kShownMax) status_.declined[job] = why;
  write_status();
}

void ClientCore::note_refusal(const std::string& job, std::int64_t task, const std::string& reason,
                              const std::string& why) {
  status_.own_refusal = {job, task, reason, why, loop_.unix_seconds()};
  write_status();
}

void ClientCore::note_held(const std::string& job) {
  if (status_.held.size() >= kShownMax || !status_.held.insert(job).second) return;
  write_status();
}

void ClientCore::show(const wire::Task& task, const char* phase) {
  status_.job = task.job;
  status_.task = task.task;
  status_.phase = phase;
  if (status_.standby.job == task.job) status_.standby = {};
  write_status();
  around_.show(task.job + " task " + std::to_string(task.task) + ": " + phase);
}

void ClientCore::write_status() {
  status_.updated_at = loop_.unix_seconds();
  const Status saved = save(around_.disk, spec_.state_dir, status_);
  if (!saved) log::warning("{}", saved.error().detail);
  if (status_is_stale_ == !saved) return;
  const Status marked = saved ? unmark_stale(around_.disk, spec_.state_dir)
                              : mark_stale(around_.disk, spec_.state_dir);
  if (!marked) return log::warning("{}", marked.error().detail);
  status_is_stale_ = !saved;
}

bool ClientCore::finished() const { return options_.once && job_done_ && session_.idle(); }

}  // namespace fed::app
