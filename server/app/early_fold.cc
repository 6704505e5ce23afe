#include "app/early_fold.h"

#include <algorithm>

#include "app/background.h"
#include "base/log.h"

namespace fed::app {

void EarlyFold::abandon() {
  block_ = 0;
  waiting_.clear();
  fresh_ = true;
  outdated_ = adding_;  // what comes back is of no use
}

void EarlyFold::forget() {
  abandon();
  begun_.reset();
}

void EarlyFold::begin(const round::BeginRound& round, double clipping_norm) {
  abandon();
  const bool large = plan_->update_bytes(round.kind) >= services_.early_fold_from;
  if (round.kind != round::TaskKind::training || !large || plan_->early_fold_bytes() == 0) return;
  const auto grid = plan_->grid(round.total_weight, clipping_norm);
  if (!grid) return;  // the closing says so
  grid_ = *grid;
  left_ = round.goal;
  block_ = std::min(static_cast<std::size_t>(round.goal) / 2, aggregate::Grid::kBlock);
}

void EarlyFold::accepted(std::int64_t task, std::int64_t client, double weight) {
  if (block_ == 0) return;
  --left_;
  waiting_.push_back({{plan_->spec.name, task, client}, weight});
  if (enough()) add();
}

bool EarlyFold::enough() const {
  return block_ > 0 && !adding_ && !outdated_ && left_ > 0 && waiting_.size() >= block_;
}

void EarlyFold::add() {
  if (begun_ == nullptr) {
    begun_ = std::make_shared<BegunFold>(
        BegunFold{aggregate::PartialFold(*plan_->rule, plan_->model->layout().size()), {}});
  }
  if (std::exchange(fresh_, false)) {
    begun_->sum.begin(grid_);
    begun_->updates.clear();
  }
  adding_ = true;
  in_background(
      services_.compute, services_.control, weak_from_this(),
      [begun = begun_, block = waiting_, plan = plan_, &services = services_]() -> Status {
        std::vector<File> files;
        std::vector<aggregate::Contribution> contributions;
        files.reserve(block.size());
        for (const Update& update : block) {
          FED_ASSIGN(file, services.staging.open_complete(
                               update.key, plan->update_bytes(round::TaskKind::training)));
          files.push_back(std::move(file));
          contributions.push_back({&files.back(), update.weight});
        }
        return begun->sum.add(contributions, services.parallel_for);
      },
      [block = waiting_](EarlyFold& self, const Status& status) { self.added(block, status); });
  waiting_.clear();
}

void EarlyFold::added(const std::vector<Update>& block, const Status& status) {
  adding_ = false;
  if (!status) {
    log::warning("job {}: updates could not be added up before the end of the round: {}",
                 plan_->spec.name, status.error().detail);
    block_ = 0;
  }
  const bool useless = std::exchange(outdated_, false) || !status;
  if (useless) fresh_ = true;
  for (const Update& update : block) {
    if (!useless) begun_->updates.emplace(update.key.task, update.key.client);
  }
  if (finish_) return std::exchange(finish_, nullptr)();
  if (enough()) add();
}

void EarlyFold::finish(const round::CloseRound& round, Done done) {
  finish_ = [this, round, done = std::move(done)] {
    block_ = 0;
    const bool usable = belongs_to(round);
    fresh_ = true;
    done(usable ? begun_ : nullptr);
  };
  if (!adding_) std::exchange(finish_, nullptr)();
}

bool EarlyFold::belongs_to(const round::CloseRound& round) const {
  if (fresh_ || round.total_weight != grid_.total_weight()) return false;
  const auto in_sum = [&](const round::Contribution& each) {
    return each.discount == 1 && begun_->updates.contains({each.task, each.client});
  };
  return std::count_if(round.contributions.begin(), round.contributions.end(), in_sum) ==
         std::ssize(begun_->updates);
}

}  // namespace fed::app
