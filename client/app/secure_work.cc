#include "app/secure_work.h"

#include <algorithm>

#include "app/memory_file.h"
#include "base/checksum.h"
#include "base/log.h"
#include "secagg/packing.h"

namespace fed::app {

using session::Answer;
using session::SecureParty;

secagg::Demands demands_of(const SecureShape& shape, const config::SecureAgreementSpec& site,
                           const wire::Offer& update, std::uint64_t round) {
  const auto least = std::max(static_cast<std::uint32_t>(site.clients_min), shape.survivors_min);
  return {.job = update.job,
          .round = round,
          .model = *update.model,
          .settings = shape.settings,
          .modulus_bits = shape.modulus_bits,
          .length = shape.length,
          .threat = shape.threat,
          .clients_min = least,
          .clients_max = shape.clients_max,
          .survivors_min = least};
}

SecureWork::SecureWork(Setup setup) : setup_(std::move(setup)) {}

// Opened when first needed, and again after an error: a person may have mended the file.
Status SecureWork::open_memory() {
  if (!peers_) {
    using Peers = config::SecureAgreementSpec::Peers;
    const auto trust = setup_.agreement.peers == Peers::pinned ? session::Trust::pinned
                                                               : session::Trust::first_use;
    FED_ASSIGN(peers,
               session::Peers::open(setup_.disk, setup_.state_dir / session::kRoster, trust));
    peers_ = std::move(peers);
  }
  if (!answered_) {
    FED_ASSIGN(answered,
               session::Answered::open(setup_.disk, setup_.state_dir / session::kAnswered));
    answered_ = std::move(answered);
  }
  return {};
}

bool SecureWork::is_revealed(const wire::Offer& update) {
  return open_memory() && answered_->is_revealed(update.job, update.task, update.checksum);
}

// `detail_here`: what the server is not told, or nothing.
void SecureWork::refuse(const wire::SecureName& name, const std::string& reason,
                        const std::string& detail, const std::string& detail_here) {
  log::warning("job {} task {}: takes no part in sum {}: {}: {}", name.job, name.task, name.attempt,
               reason, detail);
  if (setup_.refused) setup_.refused({name, reason, detail_here.empty() ? detail : detail_here});
  setup_.send(wire::SecureRefused{name, reason, detail});
}

SecureWork::Part* SecureWork::part_of(const wire::SecureName& name) {
  const auto at = parts_.find(name.job);
  return at == parts_.end() || at->second.party->name() != name ? nullptr : &at->second;
}

// The part that such a message is for, if it can be answered now.
SecureWork::Part* SecureWork::known_part(const wire::SecureName& name) {
  Part* part = part_of(name);
  if (part == nullptr) {
    refuse(name, "unknown_sum",
           "this client has no part in that sum; it was started anew since the sum began");
    return nullptr;
  }
  return part->masking ? nullptr : part;
}

// The answer, or why there is none.
template <class Message, class Told>
void SecureWork::tell(const Message& asked, const Told& answer, Part& part) {
  if (answer) return setup_.send(*answer);
  const wire::SecureRefused& refusal = *part.party->refusal();
  refuse(asked.name, refusal.reason, refusal.detail);
}

void SecureWork::on(const wire::SecureTerms& message, const Ready& ready) {
  if (part_of(message.name) == nullptr) begin(message, ready);
  Part* part = part_of(message.name);
  if (part == nullptr || part->masking) return;
  tell(message, part->party->on(message), *part);
}

namespace {

// An update is for the version after the one that it began from, or in an asynchronous job for one
// of those that follow. Statistics are round 0.
bool may_be_round(std::uint64_t round, const SecureShape& shape, const wire::Offer& update) {
  if (shape.kind == wire::TaskKind::statistics) return round == 0;
  const auto first = static_cast<std::uint64_t>(update.base_version + 1);
  return round >= first && round - first <= static_cast<std::uint64_t>(shape.staleness_max);
}

// Noise and price are of the shape: the update is to be one that was made for it.
bool is_of(const SecureShape& shape, const wire::Offer& update) {
  const bool of_columns = *update.model == crypto::Hash{};
  return update.settings == shape.settings &&
         of_columns == (shape.kind == wire::TaskKind::statistics);
}

}  // namespace

void SecureWork::begin(const wire::SecureTerms& message, const Ready& ready) {
  const wire::SecureName& name = message.name;
  if (!ready.shape) return refuse(name, "no_job", "the job is not being done here");
  if (ready.update == nullptr || !ready.update->model) {
    return refuse(name, "no_update", "this client has no update for that task");
  }
  if (!is_of(*ready.shape, *ready.update)) {
    refuse(name, "other_job",
           "the update of this client was made for another text of the job; it is given up");
    return setup_.lost(wire::Offer(*ready.update),
                       Error{ErrorCode::mismatch, "it was made for another text of the job"});
  }
  if (!ready.open) return refuse(name, "resting", "this site's hours have ended");
  if (const Status opened = open_memory(); !opened) {
    log::error("no part in secure sums: {}", opened.error().detail);
    return refuse(name, "no_memory_of_peers",
                  "what this site remembers of its peers or of earlier sums cannot be read; its "
                  "own log says why",
                  opened.error().detail);
  }
  if (is_revealed(*ready.update)) {
    refuse(name, "revealed",
           "shares were revealed for an earlier sum with this update in it; it is given up");
    return lose_revealed(*ready.update);
  }
  if (!may_be_round(message.terms.round, *ready.shape, *ready.update)) {
    return refuse(
        name, "other_job",
        "the update of this client cannot be part of round " + std::to_string(message.terms.round));
  }
  secagg::Demands demands =
      demands_of(*ready.shape, setup_.agreement, *ready.update, message.terms.round);
  end_part(name);
  parts_[name.job] =
      Part{.number = ++parts_made_,
           .party = std::make_shared<SecureParty>(session::PartySetup{.name = name,
                                                                      .demands = std::move(demands),
                                                                      .id = ready.name,
                                                                      .identity = setup_.identity,
                                                                      .peers = *peers_,
                                                                      .answered = *answered_,
                                                                      .random = setup_.random}),
           .update = *ready.update,
           .shape = *ready.shape,
           .masking = false,
           .offer = {},
           .input = {}};
}

// Before another attempt takes its place.
void SecureWork::end_part(const wire::SecureName& next) {
  const auto part = parts_.extract(next.job);
  if (part.empty()) return;
  const wire::Offer& update = part.mapped().update;
  setup_.unmasked(next.job, update.task);
  if (part.mapped().party->is_done() && update.task != next.task) lose_revealed(update);
}

void SecureWork::on(const wire::SecureRoster& message) {
  Part* part = known_part(message.name);
  if (part == nullptr) return;
  log::info("job {} task {}: sum {} with {} clients", message.name.job, message.name.task,
            message.name.attempt, message.roster.entries.size());
  tell(message, part->party->on(message, setup_.loop.unix_seconds()), *part);
}

void SecureWork::on(const wire::SecureDelivery& message) {
  Part* part = known_part(message.name);
  if (part == nullptr) return;
  if (!part->party->has_masked(message)) return mask(*part, message);
  if (part->offer) setup_.masked(*part->offer);
}

void SecureWork::mask(Part& part, const wire::SecureDelivery& message) {
  part.masking = true;
  const auto key = std::make_shared<crypto::Wiped<crypto::kKeyBytes>>();
  if (part.shape.noise) setup_.random(key->span());
  setup_.work.post([this, party = part.party, update = part.update, shape = part.shape, message,
                    key, number = part.number] {
    auto input = make_input(*party, update, shape, message, key->view());
    setup_.loop.post([this, job = update.job, number, input = std::move(input)]() mutable {
      masked(job, number, std::move(input));
    });
  });
}

// On the work's thread.
SecureWork::Masked SecureWork::make_input(SecureParty& party, const wire::Offer& update,
                                          const SecureShape& shape,
                                          const wire::SecureDelivery& message,
                                          crypto::KeyView noise_key) const {
  FED_ASSIGN(file, setup_.outbox.update(update.job, update.task));
  Bytes packed(update.bytes);
  FED_TRY(file.read_at(0, packed));
  FED_TRY(secagg::check_packed(packed, shape.modulus_bits, shape.length));
  secagg::Words input = secagg::zero_words(shape.modulus_bits, shape.length);
  secagg::add_packed(packed, shape.modulus_bits, input);
  crypto::wipe(packed);
  if (shape.noise) {
    if (shape.pay) FED_TRY(shape.pay(update.task));
    auto source = privacy::RandomSource::from_key(noise_key);
    shape.noise->add(input, source);
  }
  return party.mask(message, std::move(input));
}

void SecureWork::masked(const std::string& job, std::uint64_t number, Masked input) {
  const auto at = parts_.find(job);
  if (at == parts_.end() || at->second.number != number) return;  // of an attempt that is over
  Part& part = at->second;
  part.masking = false;
  const wire::SecureName name = part.party->name();
  if (!input) {
    log::error("job {} task {}: there is no input for sum {}: {}", job, name.task, name.attempt,
               input.error().detail);
    const wire::Offer update = part.update;
    parts_.erase(at);
    if (input.error().code == ErrorCode::unsupported) {
      return refuse(name, "privacy_spent", input.error().detail);
    }
    refuse(name, "no_update",
           "this client cannot read its update, or not enter it in its privacy ledger; its own log "
           "says why",
           input.error().detail);
    // What can be read, or entered, later stays for the next sum.
    const ErrorCode code = input.error().code;
    if (code != ErrorCode::io && code != ErrorCode::disk_full) setup_.lost(update, input.error());
    return;
  }
  if (!*input) {
    const wire::SecureRefused& refusal = *part.party->refusal();
    return refuse(name, refusal.reason, refusal.detail);
  }
  Bytes bytes = std::move(**input);
  wire::Offer offer = part.update;
  offer.attempt = name.attempt;
  offer.bytes = bytes.size();
  offer.checksum = checksum(bytes);
  part.offer = offer;
  part.input = std::make_shared<const File>(memory_file(std::move(bytes)));
  setup_.masked(offer);
}

void SecureWork::on(const wire::SecureSurvivors& message) {
  Part* part = known_part(message.name);
  if (part == nullptr) return;
  tell(message, part->party->on(message), *part);
}

void SecureWork::on(const wire::SecureSignatures& message) {
  Part* part = known_part(message.name);
  if (part == nullptr) return;
  const auto reveal = part->party->on(message);
  if (reveal) {
    const auto is_here = [this, &job = message.name.job](std::int64_t task) {
      const auto update = setup_.outbox.update(job, task);
      return update || update.error().code != ErrorCode::not_found;
    };
    const Status noted = answered_->remember_reveal(message.name.job, part->update.task,
                                                    part->update.checksum, is_here);
    if (!noted) {
      log::error("{}", noted.error().detail);
      return refuse(message.name, "not_recorded",
                    "what this site has revealed cannot be put on record; its own log says why",
                    noted.error().detail);
    }
  }
  tell(message, reveal, *part);
}

// Its sum may be known to the server, so it is to be in no other.
void SecureWork::lose_revealed(const wire::Offer& update) {
  setup_.lost(wire::Offer(update), Error{ErrorCode::closed,
                                         "its sum has come to nothing, when it "
                                         "was revealed already"});
}

void SecureWork::on(const wire::SecureAbandoned& message) {
  if (part_of(message.name) == nullptr) return;
  log::warning("job {} task {}: sum {} has come to nothing: {}", message.name.job,
               message.name.task, message.name.attempt, message.detail);
  setup_.unmasked(message.name.job, message.name.task);
  const auto part = parts_.extract(message.name.job);
  if (part.mapped().party->is_done()) lose_revealed(part.mapped().update);
}

void SecureWork::forget(const std::string& job, std::int64_t task) {
  const auto at = parts_.find(job);
  if (at != parts_.end() && at->second.update.task == task) parts_.erase(at);
}

// A masked input that is gone must not be on offer any more: nothing else is offered meanwhile.
void SecureWork::forget(const std::string& job) {
  const auto part = parts_.extract(job);
  if (!part.empty()) setup_.unmasked(job, part.mapped().update.task);
}

std::shared_ptr<const File> SecureWork::input(const std::string& job, std::int64_t task) const {
  const auto at = parts_.find(job);
  return at == parts_.end() || at->second.update.task != task ? nullptr : at->second.input;
}

}  // namespace fed::app
