// An admitted update as the aggregation sees it: a file and a weight.
#pragma once

#include <span>

#include "aggregate/aggregator.h"
#include "aggregate/tiles.h"
#include "base/file.h"
#include "tensor/vector.h"

namespace fed::aggregate {

// float32, little-endian, in the layout's order, from the file's start; nothing else in the file.
// Borrows the file, which only `pread` reads.
struct Contribution {
  const File* file = nullptr;
  double weight = 0;  // examples, or 1; > 0
};

// The contributions' weight, on the grid of weights and so without regard to order, and `others`.
// ErrorCode::invalid for a weight that is not positive, or more of them than the grid's total;
// mismatch for a file of another size than `coordinates`.
Result<double> check_contributions(std::span<const Contribution> contributions, const Grid& grid,
                                   std::size_t coordinates, double others);

// Room for one tile of Grid::kBlock updates.
inline tensor::Floats block_of_tiles() { return tensor::Floats(Grid::kBlock * kTile); }

// Reads this tile of every contribution and hands it to the aggregator, a block at a time, so that
// what is summed up is read once a block. `block` is block_of_tiles(). ErrorCode::invalid for a
// coordinate that is NaN or beyond the update limit; io and malformed as reading has it.
Status accumulate_tile(std::span<const Contribution> contributions, const Grid& grid,
                       const TileRange& tile, std::span<float> block, Aggregator& aggregator);

}  // namespace fed::aggregate
