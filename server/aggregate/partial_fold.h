// What of a round's updates is added up while others are still on their way.
//
// Sums are exact (exact_sum.h), so it does not matter in any bit which updates were added early and
// which at the end. It holds what the rule keeps of every tile, 8 bytes a coordinate for a sum, and
// is worth having for rules alone that keep no more than that (`keeps_a_sum`).
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "aggregate/contribution.h"

namespace fed::aggregate {

// Whether what the rule holds does not grow with the updates that it was given.
bool keeps_a_sum(const Rule& rule);

// One owner at a time. Its memory stays from round to round.
class PartialFold {
 public:
  PartialFold(const Rule& rule, std::size_t coordinates);

  // Nothing is added up any more, and what follows is on this grid.
  void begin(const Grid& grid);

  // Errors as of fold(): what it holds is of no use then, until `begin`.
  Status add(std::span<const Contribution> contributions, const ParallelFor& parallel_for);

  double weight() const { return weight_; }  // of all that was added
  std::size_t coordinates() const { return coordinates_; }

  // What was accumulated of this tile; for fold(). Something has been added since `begin`.
  Aggregator& tile(std::size_t index) {
    FED_CHECK(!fresh_);
    return *tiles_[index];
  }

 private:
  const Rule* rule_;
  std::size_t coordinates_;
  Grid grid_;
  double weight_ = 0;
  std::vector<std::unique_ptr<Aggregator>> tiles_;  // made by the first `add`
  bool fresh_ = true;                               // the tiles are to be made ready first
};

}  // namespace fed::aggregate
