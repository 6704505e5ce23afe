// What a job does for sums of hidden updates beside SecureRound and Decryption: its restart, its
// clients, its offers.
#include <algorithm>

#include "app/job.h"
#include "base/log.h"

namespace fed::app {
namespace {

// What the updates start from, as clients bind their secrets to it.
crypto::Hash start_of(const GlobalModel& model) {
  return coding::start_of(model.ref.hash, model.clipping_norm);
}

}  // namespace

void Job::begin_secure() {
  secure_ = std::make_shared<SecureRound>(
      plan_, services_,
      SecureRound::User{.write_records =
                            [this] {
                              if (records_.empty()) return;
                              write_records();
                              if (!handling_) handle_all();
                            },
                        .tell = [this](round::Event event) { handle(std::move(event)); }});
}

void Job::begin_decryption() {
  decryption_ = std::make_shared<Decryption>(
      plan_, services_,
      Decryption::User{.decrypted = [this](ClosingInput input) { close(std::move(input)); },
                       .failed =
                           [this](std::int64_t round, Error why, bool retryable) {
                             handle(round::CommitFailed{round, std::move(why), retryable});
                           }});
}

// Inputs of a sum that nobody can go on with are of no use: their clients have the updates.
Result<std::set<std::int64_t>> Job::restore_secure(const store::JobProgress& progress) {
  std::set<std::int64_t> recorded;
  for (const store::ContributionRow& row : progress.contributions) {
    if (row.outcome == "accepted" && !row.committed) recorded.insert(row.client);
  }
  std::set<std::int64_t> invited;
  if (progress.open && model_) {
    FED_ASSIGN(restored, secure_->restore(progress.open->round, model_hashes(), recorded));
    invited = std::move(restored);
  }
  const Status cleared = invited.empty() ? clear_inputs() : Status();
  if (!cleared) log::warning("job {}: {}", name(), cleared.error().detail);
  return invited;
}

bool Job::run(const round::Await& effect) {
  const auto found = offers_.find(effect.client);
  if (found == offers_.end()) return true;
  wire::Offer& offer = found->second;
  const bool masked = offer.attempt > 0;
  send(effect.client, wire::Await{name(), effect.task, offer.attempt,
                                  masked ? "the masked input is here"
                                         : "the update is known; it stays with its client"});
  // From now on it stands for the update, which the client keeps.
  offer.attempt = 0;
  offer.checksum = {};
  if (!masked) secure_->connected(effect.client);
  return true;
}

// A row of an earlier sum that is still there, since the disk was full, would be taken for an input
// of the next one by a server that starts again; and its file would keep that one's input out.
Status Job::clear_inputs() {
  FED_ASSIGN(rows, journal().uncommitted(name()));
  for (const store::ContributionRow& row : rows) {
    FED_TRY(journal().discard_contribution(name(), {row.task, row.client},
                                           static_cast<int>(round::Reason::attempt_abandoned)));
    unstage({name(), row.task, row.client});
  }
  return {};
}

bool Job::run(const round::Secure& effect) {
  const Status cleared = clear_inputs();
  if (cleared) {
    secure_->begin(effect, model_hashes());
  } else {
    events_.push_back(round::NotSecured{effect.round, cleared.error().detail, {}});
  }
  return true;
}

SecureRound::ModelHash Job::model_hashes() const {
  return [this](std::int64_t version) -> std::optional<crypto::Hash> {
    const auto found = models_.find(version);
    if (found == models_.end()) return std::nullopt;
    return start_of(*found->second);
  };
}

// Updates that wait for a sum hear when their round is over.
void Job::judge_awaited() {
  for (const auto& entry : offers_) {
    const auto is_its = [&](const round::Contribution& each) {
      return each.client == entry.first && each.task == entry.second.task;
    };
    if (std::none_of(closing_.begin(), closing_.end(), is_its)) judge_again(entry.first);
  }
}

// Staging looks at floats; these are others.
Result<round::UploadFacts> Job::real_facts(const store::UploadKey& key, std::uint64_t bytes) const {
  return plan_->integers() ? integer_facts(*plan_, engine_->kind(), services_.staging, key, bytes)
                           : statistics_facts(services_.staging, key, bytes);
}

std::optional<std::string> Job::decryption_state() const {
  return decryption_ ? decryption_->state() : std::nullopt;
}

std::string Job::key_holder_missing() const {
  return decryption_ && !decryption_->holder_is_there() ? decryption_->holder() : "";
}

std::optional<SecureRound::Progress> Job::secure_progress() const {
  return secure_ ? secure_->progress() : std::nullopt;
}

}  // namespace fed::app
