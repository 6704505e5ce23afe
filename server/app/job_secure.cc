// What a job does for secure sums beside SecureRound: its restart, its clients, its offers.
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

// Inputs of a sum that nobody can go on with are of no use: their clients have the updates.
std::set<std::int64_t> Job::restore_secure(const store::JobProgress& progress) {
  std::set<std::int64_t> recorded;
  for (const store::ContributionRow& row : progress.contributions) {
    if (row.outcome == "accepted" && !row.committed) recorded.insert(row.client);
  }
  std::set<std::int64_t> invited;
  if (progress.open && model_) {
    invited = secure_->restore(progress.open->round, start_of(*model_), recorded);
  }
  if (invited.empty()) discard_unused();
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

bool Job::run(const round::Secure& effect) {
  secure_->begin(effect, start_of(*model_));
  return true;
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
  return engine_->kind() == round::TaskKind::statistics
             ? statistics_facts(services_.staging, key, bytes)
             : integer_facts(*plan_, services_.staging, key, bytes);
}

std::optional<SecureRound::Progress> Job::secure_progress() const {
  return secure_ ? secure_->progress() : std::nullopt;
}

}  // namespace fed::app
