#include "aggregate/partial_fold.h"

namespace fed::aggregate {
namespace {

struct Block {
  tensor::Floats updates = block_of_tiles();
};

}  // namespace

bool keeps_a_sum(const Rule& rule) { return rule.bytes(kTile, 1) == rule.bytes(kTile, 2); }

PartialFold::PartialFold(const Rule& rule, std::size_t coordinates)
    : rule_(&rule), coordinates_(coordinates), tiles_(tiles_of(coordinates)) {}

void PartialFold::begin(const Grid& grid) {
  grid_ = grid;
  weight_ = 0;
  fresh_ = true;
}

Status PartialFold::add(std::span<const Contribution> contributions,
                        const ParallelFor& parallel_for) {
  FED_ASSIGN(weight, check_contributions(contributions, grid_, coordinates_, weight_));
  Pool<Block> blocks;
  const auto work = [&](std::size_t begin, std::size_t count) {
    std::unique_ptr<Aggregator>& tile = tiles_[begin / kTile];
    if (tile == nullptr) {
      tile = rule_->make(grid_, count);
    } else if (fresh_) {  // here and not before: it is in the cache then
      tile->reset(grid_, count);
    }
    const auto block = blocks.lend();
    return accumulate_tile(contributions, grid_, {begin, count}, block->updates, *tile);
  };
  FED_TRY(for_each_tile(coordinates_, parallel_for, work));
  fresh_ = false;
  weight_ = weight;
  return {};
}

}  // namespace fed::aggregate
