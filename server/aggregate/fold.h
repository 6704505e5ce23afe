// The closing of a round: every admitted update is read from its file, tile by tile, aggregated,
// and the server optimizer's step is taken.
//
// Nothing given is changed: the result is a new set of weights and a new state, or an error and
// nothing. The result is the same, bit for bit, for any order of the contributions and any number
// of threads: tiles are independent, the rule is free of order (aggregator.h), and denormals are
// flushed to zero on whichever thread. Memory beside the result: threads x (tile x block of updates
// + what the rule holds for a tile), whatever the number of clients. Rules which need all updates
// of a tile at once hold updates x tile.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "aggregate/partial_fold.h"
#include "aggregate/server_optimizer.h"
#include "tensor/vector.h"

namespace fed::aggregate {

// Fills a tile with noise: multiples of the grid's spacing, below 2^52 of them. Called once for
// each tile, from several threads at once.
using Noise = std::function<void(std::span<double> noise)>;

// What is folded. Views only; everything must outlive the call.
struct FoldInput {
  std::span<const float> weights;  // the global model
  const OptimizerState* state = nullptr;
  // Their weights and those of `begun` sum to at most the grid's total.
  std::span<const Contribution> contributions;
  // What was added up before, on the same grid, with the same rule and of as many coordinates, and
  // something was; the fold ends its use. Null: nothing was.
  PartialFold* begun = nullptr;
  Grid grid;  // of the cohort: its total weight, the job's update limit
  const Rule* rule = nullptr;
  const ServerOptimizer* optimizer = nullptr;
  config::TrainingSpec::Update update = config::TrainingSpec::Update::delta;
  // What staleness leaves of the step, in (0, 1]: the contributions' weights over what they would
  // weigh if they were not stale. So the step is sum(s w x) / sum(w), not / sum(s w): with K alike
  // updates (1 / K) sum(s x), line 10 of algorithm 1 of FedBuff (Nguyen et al. 2022).
  double discount = 1;
  // Added to the exact sum, before anything is rounded to floats; null: none.
  const Noise* noise = nullptr;
};

struct Folded {
  tensor::Floats weights;
  OptimizerState state{};
  double total_weight = 0;  // of the accepted contributions
};

// Bytes that `fold` needs beside its input: result, tiles and rule, for the check that a job fits.
std::uint64_t fold_bytes(const Rule& rule, const OptimizerSlots& slots, std::uint64_t coordinates,
                         std::uint64_t contributions, unsigned threads);

// A step by a mean that is known already. Views only, as in FoldInput.
struct MeanInput {
  std::span<const float> weights;
  const OptimizerState* state = nullptr;
  std::span<const float> mean;  // of the updates; one for each weight
  const ServerOptimizer* optimizer = nullptr;
  config::TrainingSpec::Update update = config::TrainingSpec::Update::delta;
  double discount = 1;  // as of FoldInput
  double total_weight = 0;
};

// The server optimizer's step. Errors as those of `fold` that are not about contributions.
Result<Folded> apply(const MeanInput& input, const ParallelFor& parallel_for, Folded worn = {});

// ErrorCode::invalid for no contribution, a weight that is not positive, weights beyond the grid's
// total, a coordinate beyond the update limit or NaN, or weights that are no longer finite after
// the step; mismatch for a file of another size; io and malformed as reading has it. The detail
// names the file. `worn` lends the memory of a result that nobody needs any more; what it holds
// does not matter.
Result<Folded> fold(const FoldInput& input, const ParallelFor& parallel_for, Folded worn = {});

}  // namespace fed::aggregate
