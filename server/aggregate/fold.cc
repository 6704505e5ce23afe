#include "aggregate/fold.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cfenv>
#include <cmath>
#include <limits>
#include <mutex>
#include <optional>

#include "tensor/kernels.h"

namespace fed::aggregate {
namespace {

// For as long as it lives, denormals count as zero on this thread; then the thread is as before.
class FlushedDenormals {
 public:
  FlushedDenormals() {
    std::fegetenv(&before_);
    tensor::flush_denormals();
  }
  ~FlushedDenormals() { std::fesetenv(&before_); }
  FlushedDenormals(const FlushedDenormals&) = delete;
  FlushedDenormals& operator=(const FlushedDenormals&) = delete;

 private:
  std::fenv_t before_{};
};

// One thread's memory, lent to one tile after the other.
struct Scratch {
  tensor::Floats updates = tensor::Floats(Grid::kBlock * kTile);
  tensor::Doubles aggregated = tensor::Doubles(kTile);
  std::unique_ptr<Aggregator> aggregator;
};

// As many scratches as there are tiles at work at once.
class ScratchPool {
 public:
  std::unique_ptr<Scratch> take() {
    const std::lock_guard lock(mutex_);
    if (free_.empty()) return std::make_unique<Scratch>();
    auto scratch = std::move(free_.back());
    free_.pop_back();
    return scratch;
  }
  void give_back(std::unique_ptr<Scratch> scratch) {
    const std::lock_guard lock(mutex_);
    free_.push_back(std::move(scratch));
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Scratch>> free_;
};

Status check_sizes(const FoldInput& input) {
  const std::size_t coordinates = input.weights.size();
  const OptimizerSlots slots = input.optimizer->slots();
  if (input.state->m.size() != (slots.m ? coordinates : 0) ||
      input.state->v.size() != (slots.v ? coordinates : 0)) {
    return Error{ErrorCode::mismatch, "the server optimizer's state does not fit the model"};
  }
  for (const Contribution& contribution : input.contributions) {
    FED_ASSIGN(bytes, contribution.file->size());
    if (bytes == coordinates * sizeof(float)) continue;
    return Error{ErrorCode::mismatch, contribution.file->path().string() + " has " +
                                          std::to_string(bytes) + " bytes, but the model has " +
                                          std::to_string(coordinates * sizeof(float))};
  }
  return {};
}

// The accepted weights' sum, on the weights' grid and so without regard to order.
Result<double> add_weights(const FoldInput& input) {
  if (input.contributions.empty()) {
    return Error{ErrorCode::invalid, "a round without contributions cannot be folded"};
  }
  double total = 0;
  for (const Contribution& contribution : input.contributions) {
    const double weight = contribution.weight;
    if (!(weight <= input.grid.total_weight() && input.grid.round_weight(weight) > 0)) {
      return Error{ErrorCode::invalid, contribution.file->path().string() + " has the weight " +
                                           std::to_string(weight) + " of a cohort's " +
                                           std::to_string(input.grid.total_weight())};
    }
    total += input.grid.round_weight(weight);
  }
  // The slack is for the weights' own rounding; the grid's proof leaves room for it.
  if (total > input.grid.total_weight() * (1 + 1e-9)) {
    return Error{ErrorCode::invalid, "the contributions weigh " + std::to_string(total) +
                                         ", more than the cohort's " +
                                         std::to_string(input.grid.total_weight())};
  }
  return total;
}

tensor::Floats sized(tensor::Floats worn, std::size_t size) {
  return worn.size() == size ? std::move(worn) : tensor::Floats(size);
}

bool all_finite(std::span<const float> values) {
  return within(values, std::numeric_limits<float>::max());
}

// The work on the tiles. Its outputs are written by tile, each by one thread.
class Fold {
 public:
  Fold(const FoldInput& input, Folded& folded)
      : input_(input),
        folded_(folded),
        // Coordinates are floats: the largest float that is not beyond the limit bounds them.
        limit_(static_cast<float>(input.grid.update_limit())) {
    if (static_cast<double>(limit_) > input.grid.update_limit()) {
      limit_ = std::nextafter(limit_, 0.0F);
    }
  }

  std::size_t tiles() const { return (input_.weights.size() + kTile - 1) / kTile; }

  void run(std::size_t tile) {
    if (failed_.load(std::memory_order_relaxed)) return;
    const FlushedDenormals flushed;
    std::unique_ptr<Scratch> scratch = scratches_.take();
    const Status status = work(tile * kTile, *scratch);
    scratches_.give_back(std::move(scratch));
    if (status) return;
    const std::lock_guard lock(error_mutex_);
    if (!error_) error_ = status.error();
    failed_.store(true, std::memory_order_relaxed);
  }

  Status finish() && {
    if (error_) return *std::move(error_);
    return {};
  }

 private:
  Status work(std::size_t begin, Scratch& scratch) {
    const std::size_t count = std::min(kTile, input_.weights.size() - begin);
    if (scratch.aggregator == nullptr) {
      scratch.aggregator = input_.rule->make(input_.grid, count);
    } else {
      scratch.aggregator->reset(count);
    }
    FED_TRY(accumulate_all(begin, count, scratch));
    const std::span<double> delta = std::span(scratch.aggregated).first(count);
    scratch.aggregator->report(delta);
    const std::span<const float> x = input_.weights.subspan(begin, count);
    for (std::size_t i = 0; i < count; ++i) delta[i] = pseudo_gradient(delta[i], x[i]);
    return step(begin, count, delta);
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

  Status accumulate_all(std::size_t begin, std::size_t count, Scratch& scratch) {
    std::array<Term, Grid::kBlock> terms;
    std::size_t filled = 0;
    for (const Contribution& contribution : input_.contributions) {
      const std::span<float> update = std::span(scratch.updates).subspan(filled * kTile, count);
      FED_TRY(contribution.file->read_at(begin * sizeof(float), as_writable_bytes(update)));
      if (!within(update, limit_)) {
        return Error{ErrorCode::invalid,
                     contribution.file->path().string() +
                         " holds a coordinate that is not a number or beyond the "
                         "update limit, which was not so when it was admitted"};
      }
      terms[filled++] = {update, input_.grid.round_weight(contribution.weight)};
      if (filled < terms.size()) continue;
      scratch.aggregator->accumulate(terms);
      filled = 0;
    }
    if (filled > 0) scratch.aggregator->accumulate(std::span(terms).first(filled));
    return {};
  }

  Status step(std::size_t begin, std::size_t count, std::span<const double> delta) {
    const auto before = [&](const tensor::Floats& all) {
      return all.empty() ? std::span<const float>() : std::span(all).subspan(begin, count);
    };
    const auto after = [&](tensor::Floats& all) {
      return all.empty() ? std::span<float>() : std::span(all).subspan(begin, count);
    };
    const StepTile tile{.delta = delta,
                        .x = input_.weights.subspan(begin, count),
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

  const FoldInput& input_;
  Folded& folded_;
  float limit_;
  ScratchPool scratches_;
  std::atomic<bool> failed_ = false;
  std::mutex error_mutex_;
  std::optional<Error> error_;
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
  FED_TRY(check_sizes(input));
  Folded folded{.weights = sized(std::move(worn.weights), input.weights.size()),
                .state = {.m = sized(std::move(worn.state.m), input.state->m.size()),
                          .v = sized(std::move(worn.state.v), input.state->v.size())},
                .total_weight = total};
  Fold work(input, folded);
  parallel_for(work.tiles(), [&](std::size_t tile) { work.run(tile); });
  FED_TRY(std::move(work).finish());
  return folded;
}

}  // namespace fed::aggregate
