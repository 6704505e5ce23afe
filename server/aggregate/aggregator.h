// A rule that joins the updates of a round into one, as an algebra over tiles of coordinates.
//
//   zero      an Aggregator as its factory makes it, for one tile
//   accumulate  takes the same tile of some updates, each with its weight
//   merge     takes what another Aggregator has accumulated of the same tile
//   report    the aggregated tile
//
// What holds, and what the registry's conformance test checks for every entry: the report does not
// depend, in any bit, on the order of the updates, on how they are cut into calls of accumulate, or
// on how partial aggregators are merged. A rule may keep only a sum of what it saw (mean), or all
// tiles until the report (median, trimmed mean): a tile is small, so memory stays at updates x
// tile, never updates x model. (After the algebra of Google's federated aggregation core,
// `tensor_aggregator.h`: accumulate, merge, report.)
//
// To add a rule: one file with its factory, one line in aggregators.def, its name in the job's
// schema.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "aggregate/exact_sum.h"

namespace fed::aggregate {

// One owner at a time; objects for different tiles are independent.
class Aggregator {
 public:
  virtual ~Aggregator() = default;

  // Every term has as many coordinates as the tile, all within the grid's update limit; weights
  // come from Grid::round_weight and are positive. The terms' tiles may change after the call.
  virtual void accumulate(std::span<const Term> terms) = 0;

  // Adds to the sum: multiples of the grid's spacing, [coordinates], which with the sum are below
  // 2^52 of them. Only for rules that keep a sum (partial_fold.h); the others end the process.
  virtual void add_noise(std::span<const double> noise) = 0;

  // `other` is of the same rule, grid and tile; it is consumed.
  virtual void merge(Aggregator&& other) = 0;

  // The aggregated tile into `aggregated` [coordinates]; at least one update was accumulated. Ends
  // the aggregator's use.
  virtual void report(std::span<double> aggregated) = 0;

  // Ready for another tile of `coordinates` on this grid, as new; keeps its memory.
  virtual void reset(const Grid& grid, std::size_t coordinates) = 0;
};

// A registered rule.
struct Rule {
  std::string_view name;  // what a job's `aggregation.rule` says
  std::unique_ptr<Aggregator> (*make)(const Grid& grid, std::size_t coordinates);
  // Bytes that one aggregator holds for a tile of so many coordinates of so many updates, for the
  // check that a job fits before it starts.
  std::size_t (*bytes)(std::size_t coordinates, std::size_t updates);
};

// All rules, in the order of aggregators.def.
std::span<const Rule> rules();

// ErrorCode::unsupported, with the names there are.
Result<const Rule*> find_rule(std::string_view name);

}  // namespace fed::aggregate
