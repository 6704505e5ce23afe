#include "app/secure_round.h"

#include <algorithm>

#include "app/background.h"
#include "app/closing.h"
#include "base/log.h"

namespace fed::app {
namespace {

// Kinds of entries in the log: those of Notes, and the first one, which names who was invited.
constexpr std::uint8_t kInvited = 255;

constexpr auto kFinishAgain = std::chrono::seconds(5);

// Its content: the base version, then a client and its task each; 8 bytes a number, little-endian.
store::LogEntry invitation(const round::Secure& effect) {
  std::vector<std::int64_t> numbers{effect.base_version};
  for (const round::Secure::Update& each : effect.updates) {
    numbers.insert(numbers.end(), {each.client, each.task});
  }
  store::LogEntry entry{kInvited, 0, Bytes(numbers.size() * sizeof(std::uint64_t))};
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    store_le(entry.content.data() + i * sizeof(std::uint64_t),
             static_cast<std::uint64_t>(numbers[i]));
  }
  return entry;
}

// Nobody is invited by an entry that is none.
round::Secure invited_in(const store::LogEntry& entry, std::int64_t round) {
  std::vector<std::int64_t> numbers;
  for (std::size_t at = 0; at + sizeof(std::uint64_t) <= entry.content.size();
       at += sizeof(std::uint64_t)) {
    numbers.push_back(static_cast<std::int64_t>(load_le<std::uint64_t>(entry.content.data() + at)));
  }
  round::Secure effect{.round = round, .base_version = 0, .updates = {}};
  if (entry.kind != kInvited || numbers.size() % 2 == 0) return effect;
  effect.base_version = numbers.front();
  for (std::size_t i = 1; i < numbers.size(); i += 2) {
    effect.updates.push_back({numbers[i], numbers[i + 1]});
  }
  return effect;
}

// Round 0 asks for the statistics of columns, from no model.
round::TaskKind kind_of(std::int64_t round) {
  return round == 0 ? round::TaskKind::statistics : round::TaskKind::training;
}

// Else the attempt was given up, when that could not be put on record any more.
bool has_inputs(const std::vector<store::LogEntry>& entries,
                const std::set<std::int64_t>& recorded) {
  return std::all_of(entries.begin() + 1, entries.end(), [&](const store::LogEntry& entry) {
    return entry.kind != static_cast<std::uint8_t>(secure::Note::Kind::input) ||
           recorded.contains(entry.client);
  });
}

std::vector<secure::Note> notes_in(const std::vector<store::LogEntry>& entries) {
  std::vector<secure::Note> notes;
  for (auto entry = entries.begin() + 1; entry != entries.end(); ++entry) {
    notes.push_back({static_cast<secure::Note::Kind>(entry->kind), entry->client, entry->content});
  }
  return notes;
}

Result<secagg::Words> add_up_inputs(const secure::Attempt& attempt, const Plan& plan,
                                    const store::Staging& staging) {
  const secagg::Terms& terms = attempt.setup().terms;
  const round::TaskKind kind = kind_of(static_cast<std::int64_t>(terms.round));
  std::vector<File> files;
  for (const std::int64_t client : attempt.survivors()) {
    FED_ASSIGN(file, staging.open_complete({terms.job, attempt.task_of(client).value(), client},
                                           plan.update_bytes(kind)));
    files.push_back(std::move(file));
  }
  return add_up(files, plan.vector_shape(kind));
}

// Whom a message is about, if it is one of a secure sum.
const wire::SecureName* name_of(const wire::Message& message) {
  return std::visit(
      [](const auto& m) -> const wire::SecureName* {
        if constexpr (requires { m.name.attempt; }) return &m.name;
        return nullptr;
      },
      message);
}

}  // namespace

store::AttemptLogs attempt_logs_of(const Services& services) {
  return {services.disk, services.config.state_dir / "secure", services.config.durability};
}

secure::Setup SecureRound::setup_for(const round::Secure& effect, std::int64_t attempt,
                                     const ModelHash& model) const {
  const config::JobSpec& job = plan_->spec;
  const round::TaskKind kind = kind_of(effect.round);
  const coding::VectorShape shape = plan_->vector_shape(kind);
  crypto::Hash hash{};
  if (kind == round::TaskKind::training) hash = model(effect.base_version).value_or(hash);
  secure::Setup setup{.terms = {.job = job.name,
                                .round = static_cast<std::uint64_t>(effect.round),
                                .attempt = static_cast<std::uint32_t>(attempt),
                                .model = hash,
                                .settings = plan_->settings,
                                .threat = coding::threat_of(*job.secure_aggregation),
                                .clients = static_cast<std::uint32_t>(effect.updates.size()),
                                .modulus_bits = static_cast<std::uint8_t>(shape.modulus_bits),
                                .length = shape.length},
                      .invited = {},
                      .survivors_min = static_cast<std::uint32_t>(job.rounds.contributions_min),
                      .step_max = from_seconds(job.secure_aggregation->phase_s),
                      .inputs_max = from_seconds(job.rounds.seconds_max)};
  for (const round::Secure::Update& each : effect.updates) {
    setup.invited.push_back({each.client, each.task, services_.name_of(each.client),
                             services_.identity_of(each.client)});
  }
  return setup;
}

void SecureRound::begin(const round::Secure& effect, const ModelHash& model) {
  forget();
  auto log = attempt_logs_of(services_).begin(plan_->spec.name, effect.round, invitation(effect));
  attempt_ = std::make_shared<secure::Attempt>(setup_for(effect, log ? log->attempt() : 1, model));
  if (!log) return fail("it cannot be put on record: " + log.error().detail);
  log_ = std::move(*log);
  log::info("job {} round {}: sum {} of the updates of {} clients begins", plan_->spec.name,
            effect.round, log_->attempt(), effect.updates.size());
  carry_out(attempt_->begin(services_.control.now()));
}

Result<std::set<std::int64_t>> SecureRound::restore(std::int64_t round, const ModelHash& model,
                                                    const std::set<std::int64_t>& recorded) {
  using Clients = std::set<std::int64_t>;
  FED_ASSIGN(found, attempt_logs_of(services_).last(plan_->spec.name, round));
  if (!found) return Clients();
  const round::Secure effect = invited_in(found->entries.front(), round);
  const bool known =
      kind_of(round) == round::TaskKind::statistics || model(effect.base_version).has_value();
  if (!known || effect.updates.size() < secagg::kClientsMin) return Clients();
  if (!has_inputs(found->entries, recorded)) return Clients();
  const Instant now = services_.control.now();
  auto attempt = std::make_shared<secure::Attempt>(setup_for(effect, found->log.attempt(), model));
  const Status restored = attempt->restore(notes_in(found->entries), now);
  if (!restored || attempt->step() == secure::Step::failed) {
    if (!restored) log::error("job {}: {}", plan_->spec.name, restored.error().detail);
    return Clients();
  }
  attempt_ = std::move(attempt);
  log_ = std::move(found->log);
  log::info("job {} round {}: goes on with sum {}, step {}", plan_->spec.name, round,
            log_->attempt(), secure::name(attempt_->step()));
  for (const auto& [client, lost] : attempt_->lost()) reported_.insert(client);
  // Rows that were written in the moment before the end, when their notes were not.
  for (const std::int64_t client : recorded) this->recorded(client);
  if (!attempt_) return Clients();
  if (attempt_->step() == secure::Step::complete) finish();
  schedule();
  Clients invited;
  for (const round::Secure::Update& each : effect.updates) invited.insert(each.client);
  return invited;
}

bool SecureRound::received(std::int64_t client, const wire::Message& message) {
  const wire::SecureName* name = name_of(message);
  if (name == nullptr) return false;
  user_.write_records();
  if (attempt_ && name->attempt == attempt_->setup().terms.attempt) {
    if (const auto* refused = std::get_if<wire::SecureRefused>(&message)) {
      log::warning("job {} round {}: {} takes no part in sum {}: {}: {}", name->job,
                   attempt_->setup().terms.round, services_.name_of(client), name->attempt,
                   refused->reason, refused->detail);
      if (attempt_->task_of(client) == name->task) reported_.insert(client);
    }
    carry_out(attempt_->received(client, message, services_.control.now()));
  }
  return true;
}

bool SecureRound::wants(std::int64_t client, const wire::Offer& offer) {
  const bool present = attempt_ && offer.attempt == attempt_->setup().terms.attempt &&
                       attempt_->task_of(client) == offer.task;
  // One that is here already is told so by whoever admits.
  if (present && (attempt_->wants_input(client) || attempt_->step() == secure::Step::inputs)) {
    return true;
  }
  if (const auto session = services_.session_of(client)) {
    session->send(wire::SecureAbandoned{{offer.job, offer.task, offer.attempt},
                                        "the sum goes on without this input"});
  }
  return false;
}

bool SecureRound::wants_input(std::int64_t client) const {
  return attempt_ && attempt_->wants_input(client);
}

void SecureRound::recorded(std::int64_t client) {
  if (attempt_) carry_out(attempt_->input(client, services_.control.now()));
}

void SecureRound::connected(std::int64_t client) {
  if (attempt_) carry_out(attempt_->connected(client));
}

void SecureRound::gone(std::int64_t client, const std::string& why) {
  user_.write_records();
  if (attempt_) carry_out(attempt_->gone(client, why, services_.control.now()));
}

void SecureRound::forget() {
  attempt_.reset();
  reported_.clear();
  log_.reset();
  sum_.reset();
  timer_.cancel();
}

void SecureRound::remove() {
  forget();
  const Status removed = attempt_logs_of(services_).remove(plan_->spec.name);
  if (!removed) log::warning("job {}: {}", plan_->spec.name, removed.error().detail);
}

void SecureRound::given_back(std::int64_t client, std::int64_t task) {
  if (attempt_ && attempt_->task_of(client) == task) gone(client, "has given its task back");
}

std::optional<SecureRound::Progress> SecureRound::progress() const {
  if (!attempt_) return std::nullopt;
  const auto& waiting = attempt_->waiting();
  return Progress{
      secure::name(attempt_->step()), {waiting.begin(), waiting.end()}, attempt_->deadline()};
}

// Once the shares are asked for, nobody is told anything more: without the rest of the record a
// server after this one asks for them again. Given up, the sum would be made of others, when
// perhaps enough is known of this one to tell the two apart.
bool SecureRound::needs_record(const secure::Actions& actions) const {
  const secure::Step step = attempt_->step();
  if (step != secure::Step::reveal && step != secure::Step::complete) return true;
  return std::any_of(actions.begin(), actions.end(), [](const secure::Action& action) {
    return std::holds_alternative<secure::Tell>(action);
  });
}

Status SecureRound::write(const secure::Note& note) {
  if (!log_) return {};
  FED_TRY(log_->append({static_cast<std::uint8_t>(note.kind), note.client, note.message}));
  return note.kind == secure::Note::Kind::close ? log_->sync() : Status();
}

// The actions are of the present attempt; the first one that ends it is the last.
void SecureRound::carry_out(secure::Actions actions) {
  const bool must = needs_record(actions);
  for (secure::Action& action : actions) {
    if (const auto* note = std::get_if<secure::Note>(&action)) {
      const Status written = write(*note);
      if (!written && must) {
        return fail("it cannot be put on record: " + written.error().detail);
      }
      if (!written) log_.reset();
    } else if (auto* tell = std::get_if<secure::Tell>(&action)) {
      if (const auto session = services_.session_of(tell->client)) {
        session->send(std::move(tell->message));
      }
    } else if (auto* failed = std::get_if<secure::Failed>(&action)) {
      return fail(std::move(failed->detail), std::move(failed->lost));
    } else {
      finish();
    }
  }
  report_lost();
  schedule();
}

// The sum goes on without them.
void SecureRound::report_lost() {
  if (!attempt_) return;
  const secagg::Terms& terms = attempt_->setup().terms;
  const std::vector<std::int64_t> in = attempt_->survivors();
  for (const auto& [client, lost] : attempt_->lost()) {
    if (!reported_.insert(client).second) continue;
    const bool counts = std::find(in.begin(), in.end(), client) != in.end();
    log::warning("job {} round {}: {} {} sum {}: it {}", terms.job, terms.round,
                 services_.name_of(client),
                 counts ? "has its update in, but does not help to make," : "is left out of",
                 terms.attempt, lost.detail);
  }
}

void SecureRound::fail(std::string detail, std::vector<secure::Failed::Lost> lost) {
  const secagg::Terms terms = attempt_->setup().terms;
  log::warning("job {} round {}: sum {} has come to nothing: {}", terms.job, terms.round,
               terms.attempt, detail);
  round::NotSecured event{static_cast<std::int64_t>(terms.round), std::move(detail), {}};
  for (secure::Failed::Lost& each : lost) {
    log::warning("job {} round {}: {} {}", terms.job, terms.round, services_.name_of(each.client),
                 each.detail);
    event.lost.push_back({each.client, std::move(each.detail), each.silent});
  }
  forget();
  user_.tell(std::move(event));
}

// The masked inputs are added up, and their masks taken out.
void SecureRound::finish() {
  in_background(
      services_.compute, services_.control, weak_from_this(),
      [attempt = std::shared_ptr<const secure::Attempt>(attempt_), plan = plan_,
       &services = services_]() -> boost::system::result<secagg::Words, Unmade> {
        auto masked = add_up_inputs(*attempt, *plan, services.staging);
        if (!masked) {
          return Unmade{{masked.error().detail, {}}, masked.error().code == ErrorCode::io};
        }
        auto sum = attempt->finish(std::move(*masked), services.parallel_for);
        if (!sum) return Unmade{sum.error(), false};
        return std::move(*sum);
      },
      [of = attempt_](SecureRound& self, boost::system::result<secagg::Words, Unmade> sum) {
        if (self.attempt_ == of) self.finished(std::move(sum));  // else cancelled meanwhile
      });
}

// All masks are known by now: a sum over others could be told apart from this one, so it is this
// one that is tried again as long as it may yet be made.
void SecureRound::finished(boost::system::result<secagg::Words, Unmade> sum) {
  const secagg::Terms& terms = attempt_->setup().terms;
  if (sum) {
    sum_ = std::make_shared<const secagg::Words>(std::move(*sum));
    return user_.tell(round::Secured{static_cast<std::int64_t>(terms.round)});
  }
  if (!sum.error().passing) return fail(sum.error().why.detail, sum.error().why.lost);
  log::error("job {} round {}: sum {} cannot be made now, and is tried again: {}", terms.job,
             terms.round, terms.attempt, sum.error().why.detail);
  timer_ = services_.control.after(kFinishAgain, [this] { finish(); });
}

void SecureRound::schedule() {
  if (attempt_ && attempt_->step() == secure::Step::complete) return;  // finish() is at work
  timer_.cancel();
  const auto wakeup = attempt_ ? attempt_->next_wakeup() : std::nullopt;
  if (!wakeup) return;
  timer_ = services_.control.at(*wakeup, [this] {
    user_.write_records();
    if (attempt_) carry_out(attempt_->tick(services_.control.now()));
  });
}

}  // namespace fed::app
