// A client's data and training, made up: what a task yields depends on the seed, the client, the
// task and the model that it was asked for, and on nothing else.
//
// An honest workshop reads the model that it was sent (and so notices a wrong one) and answers
// with numbers within the job's limit, or with integers where the job has them: the same ones each
// time. A liar's answers are wrong in a way that the server must
// see. What the site has not agreed to is refused as the real one does. Not thread-safe: it lives
// in the simulator.
#pragma once

#include "app/workload.h"
#include "base/disk.h"
#include "base/random.h"
#include "ledger.h"
#include "session/agreement.h"
#include "sum_lies.h"
#include "tally.h"

namespace fed::sim {

enum class Lie { none, not_finite, over_limit, wrong_size, too_many_examples, wrong_base };
inline constexpr int kLies = 6;
const char* name(Lie lie);

class FakeWorkshop final : public app::Workshop {
 public:
  struct Traits {
    std::size_t client = 0;
    std::uint64_t seed = 0;
    std::int64_t examples = 100;
    Lie lie = Lie::none;
    double lies = 0;   // share of the tasks that it lies about
    double fails = 0;  // share of the tasks that it cannot do
    SumLie sum_lie = SumLie::none;
    double sum_lies = 0;  // share of its words in secure sums that are lies
  };
  // All outlive it; `traits` may change.
  FakeWorkshop(Disk& disk, const Traits& traits, session::Agreement agreement, Ledger& ledger,
               Tally& tally)
      : disk_(disk),
        traits_(traits),
        agreement_(std::move(agreement)),
        ledger_(ledger),
        tally_(tally) {}

  Result<std::shared_ptr<app::Workload>> open(const std::string& name,
                                              const std::string& text) override;

 private:
  class Opened;
  Disk& disk_;
  const Traits& traits_;
  const session::Agreement agreement_;
  Ledger& ledger_;
  Tally& tally_;
};

// The update of an honest client: `count` numbers of magnitude below 1.
std::vector<float> honest_update(std::uint64_t seed, std::size_t count);

}  // namespace fed::sim
