// The folding of a round while its updates come in: a block of accepted ones is added up as soon as
// it is there, so that little is left to do when the round closes, however many clients it has.
//
// What is added up is only ever a beginning: it is used if the round closes with exactly the weight
// that it began with and with all that is in it, and otherwise left aside, since all updates are in
// staging until the commit. So nothing here needs to survive a crash, and an error costs time
// alone. The last block is left to the closing, which reads it anyway.
//
// Used by jobs whose plan has `early_fold_bytes`. Control loop only, but for what runs on the
// compute pool. Shared, so that work in the background can tell that it is gone.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "aggregate/partial_fold.h"
#include "app/plan.h"
#include "app/services.h"
#include "round/effects.h"

namespace fed::app {

// What was added up of a round, and of which updates: {task, client}.
struct BegunFold {
  aggregate::PartialFold sum;
  std::set<std::pair<std::int64_t, std::int64_t>> updates;
};

class EarlyFold : public std::enable_shared_from_this<EarlyFold> {
 public:
  EarlyFold(std::shared_ptr<const Plan> plan, const Services& services)
      : plan_(std::move(plan)), services_(services) {}

  // An attempt at a round of training begins, and what is there is of no use any more. In other
  // rounds, and where a round closes with its first contribution, nothing happens until the next.
  void begin(const round::BeginRound& round, double clipping_norm = 0);
  // An update of this attempt is in staging and on record, and is not stale.
  void accepted(std::int64_t task, std::int64_t client, double weight);

  // Calls `done` as soon as nothing is being added, with what was added of this round or null. It
  // is the caller's until the next `begin`.
  using Done = std::function<void(std::shared_ptr<BegunFold>)>;
  void finish(const round::CloseRound& round, Done done);
  // Holds no memory any more.
  void forget();

 private:
  struct Update {
    store::UploadKey key;
    double weight = 0;
  };

  void abandon();
  bool enough() const;
  void add();
  void added(const std::vector<Update>& block, const Status& status);
  bool belongs_to(const round::CloseRound& round) const;

  const std::shared_ptr<const Plan> plan_;
  const Services& services_;
  std::shared_ptr<BegunFold> begun_;  // made when first needed; its memory stays
  aggregate::Grid grid_;              // of this attempt
  std::size_t block_ = 0;             // updates that are added at once; 0: none in this attempt
  std::int64_t left_ = 0;             // contributions that are missing until the round closes
  std::vector<Update> waiting_;
  bool fresh_ = true;      // nothing of this attempt is in begun_
  bool adding_ = false;    // in the background
  bool outdated_ = false;  // what is being added is of an earlier attempt
  std::function<void()> finish_;
};

}  // namespace fed::app
