#include "aggregate/fold.h"

#include <limits>

namespace fed::aggregate {
namespace {

// The step from a mean to the next weights, tile by tile; outputs are written by one thread a tile.
class Step {
 public:
  Step(const MeanInput& input, Folded& folded) : input_(input), folded_(folded) {}

  // From the mean of this tile's updates; `mean` is used up.
  Status take(std::size_t begin, std::size_t count, std::span<double> mean) const {
    const std::span<const float> x = input_.weights.subspan(begin, count);
    for (std::size_t i = 0; i < count; ++i) mean[i] = pseudo_gradient(mean[i], x[i]);
    const auto before = [&](const tensor::Floats& all) {
      return all.empty() ? std::span<const float>() : std::span(all).subspan(begin, count);
    };
    const auto after = [&](tensor::Floats& all) {
      return all.empty() ? std::span<float>() : std::span(all).subspan(begin, count);
    };
    const StepTile tile{.delta = mean,
                        .x = x,
                        .m = before(input_.state->m),
                        .v = before(input_.state->v),
                        .x_next = after(folded_.weights),
                        .m_next = after(folded_.state.m),
                        .v_next = after(folded_.state.v)};
    input_.optimizer->step(tile);
    if (all_finite(tile.x_next) && all_finite(tile.m_next) && all_finite(tile.v_next)) return {};
    return Error{
        ErrorCode::invalid,
        "the server optimizer's step leaves the range of float32: lower its learning rate"};
  }

 private:
  static bool all_finite(std::span<const float> values) {
    return within(values, std::numeric_limits<float>::max());
  }

  // The direction of the step: the mean delta, against the mean gradient, or from the weights there
  // are to the mean of the trained ones (FedAsync, Xie et al. 2019, algorithm 1).
  double pseudo_gradient(double mean, float x) const {
    using Update = config::TrainingSpec::Update;
    switch (input_.update) {
      case Update::delta:
        return input_.discount * mean;
      case Update::gradient:
        return -input_.discount * mean;
      case Update::weights:
        return input_.discount * (mean - static_cast<double>(x));
    }
    FED_CHECK(false);
  }

  const MeanInput& input_;
  Folded& folded_;
};

Status check_state(const MeanInput& input) {
  const std::size_t coordinates = input.weights.size();
  const OptimizerSlots slots = input.optimizer->slots();
  if (input.state->m.size() == (slots.m ? coordinates : 0) &&
      input.state->v.size() == (slots.v ? coordinates : 0)) {
    return {};
  }
  return Error{ErrorCode::mismatch, "the server optimizer's state does not fit the model"};
}

tensor::Floats sized(tensor::Floats worn, std::size_t size) {
  return worn.size() == size ? std::move(worn) : tensor::Floats(size);
}

Folded room_for(const MeanInput& input, Folded worn) {
  return {.weights = sized(std::move(worn.weights), input.weights.size()),
          .state = {.m = sized(std::move(worn.state.m), input.state->m.size()),
                    .v = sized(std::move(worn.state.v), input.state->v.size())},
          .total_weight = input.total_weight};
}

// The weight of all contributions, also of those that were added up before.
Result<double> add_weights(const FoldInput& input) {
  const double begun = input.begun == nullptr ? 0 : input.begun->weight();
  FED_ASSIGN(total,
             check_contributions(input.contributions, input.grid, input.weights.size(), begun));
  if (total > 0) return total;
  return Error{ErrorCode::invalid, "a round without contributions cannot be folded"};
}

// One thread's memory, lent to one tile after the other.
struct Scratch {
  tensor::Floats updates = block_of_tiles();
  tensor::Doubles aggregated = tensor::Doubles(kTile);
  std::unique_ptr<Aggregator> aggregator;
};

// The work on the tiles.
class Fold {
 public:
  Fold(const FoldInput& input, const Step& step) : input_(input), step_(step) {}

  Status run(std::size_t begin, std::size_t count) {
    const auto scratch = scratches_.lend();
    Aggregator& aggregator = aggregator_of(begin, count, *scratch);
    FED_TRY(accumulate_tile(input_.contributions, input_.grid, {begin, count}, scratch->updates,
                            aggregator));
    const std::span<double> mean = std::span(scratch->aggregated).first(count);
    if (input_.noise != nullptr) {
      (*input_.noise)(mean);
      aggregator.add_noise(mean);
    }
    aggregator.report(mean);
    return step_.take(begin, count, mean);
  }

 private:
  // What has been added up of the tile, or nothing yet.
  Aggregator& aggregator_of(std::size_t begin, std::size_t count, Scratch& scratch) const {
    if (input_.begun != nullptr) return input_.begun->tile(begin / kTile);
    if (scratch.aggregator == nullptr) {
      scratch.aggregator = input_.rule->make(input_.grid, count);
    } else {
      scratch.aggregator->reset(input_.grid, count);
    }
    return *scratch.aggregator;
  }

  const FoldInput& input_;
  const Step& step_;
  Pool<Scratch> scratches_;
};

}  // namespace

std::uint64_t fold_bytes(const Rule& rule, const OptimizerSlots& slots, std::uint64_t coordinates,
                         std::uint64_t contributions, unsigned threads) {
  const std::uint64_t vectors = 1 + std::uint64_t{slots.m} + std::uint64_t{slots.v};
  const std::uint64_t scratch = Grid::kBlock * kTile * sizeof(float) + kTile * sizeof(double) +
                                rule.bytes(kTile, static_cast<std::size_t>(contributions));
  return vectors * coordinates * sizeof(float) + threads * scratch;
}

Result<Folded> fold(const FoldInput& input, const ParallelFor& parallel_for, Folded worn) {
  FED_ASSIGN(total, add_weights(input));
  const MeanInput mean{.weights = input.weights,
                       .state = input.state,
                       .mean = {},
                       .optimizer = input.optimizer,
                       .update = input.update,
                       .discount = input.discount,
                       .total_weight = total};
  FED_TRY(check_state(mean));
  Folded folded = room_for(mean, std::move(worn));
  const Step step(mean, folded);
  Fold work(input, step);
  FED_TRY(
      for_each_tile(input.weights.size(), parallel_for,
                    [&](std::size_t begin, std::size_t count) { return work.run(begin, count); }));
  return folded;
}

Result<Folded> apply(const MeanInput& input, const ParallelFor& parallel_for, Folded worn) {
  FED_CHECK(input.mean.size() == input.weights.size());
  FED_TRY(check_state(input));
  Folded folded = room_for(input, std::move(worn));
  const Step step(input, folded);
  Pool<tensor::Doubles> tiles;
  FED_TRY(
      for_each_tile(input.weights.size(), parallel_for, [&](std::size_t begin, std::size_t count) {
        const auto tile = tiles.lend();
        const auto mean = input.mean.subspan(begin, count);
        tile->assign(mean.begin(), mean.end());
        return step.take(begin, count, *tile);
      }));
  return folded;
}

}  // namespace fed::aggregate
