#include "aggregate/contribution.h"

#include <array>
#include <cmath>

namespace fed::aggregate {
namespace {

// Coordinates are floats: the largest float that is not beyond the limit bounds them.
float limit_of(const Grid& grid) {
  const auto limit = static_cast<float>(grid.update_limit());
  return static_cast<double>(limit) > grid.update_limit() ? std::nextafter(limit, 0.0F) : limit;
}

Status check_size(const Contribution& contribution, std::size_t coordinates) {
  FED_ASSIGN(bytes, contribution.file->size());
  if (bytes == coordinates * sizeof(float)) return {};
  return Error{ErrorCode::mismatch, contribution.file->path().string() + " has " +
                                        std::to_string(bytes) + " bytes, but the model has " +
                                        std::to_string(coordinates * sizeof(float))};
}

}  // namespace

Result<double> check_contributions(std::span<const Contribution> contributions, const Grid& grid,
                                   std::size_t coordinates, double others) {
  double total = others;
  for (const Contribution& contribution : contributions) {
    FED_TRY(check_size(contribution, coordinates));
    const double weight = contribution.weight;
    if (!(weight <= grid.total_weight() && grid.round_weight(weight) > 0)) {
      return Error{ErrorCode::invalid, contribution.file->path().string() + " has the weight " +
                                           std::to_string(weight) + " of a cohort's " +
                                           std::to_string(grid.total_weight())};
    }
    total += grid.round_weight(weight);
  }
  // The slack is for the weights' own rounding; the grid's proof leaves room for it.
  if (total <= grid.total_weight() * (1 + 1e-9)) return total;
  return Error{ErrorCode::invalid, "the contributions weigh " + std::to_string(total) +
                                       ", more than the cohort's " +
                                       std::to_string(grid.total_weight())};
}

Status accumulate_tile(std::span<const Contribution> contributions, const Grid& grid,
                       const TileRange& tile, std::span<float> block, Aggregator& aggregator) {
  const float limit = limit_of(grid);
  std::array<Term, Grid::kBlock> terms;
  std::size_t filled = 0;
  for (const Contribution& contribution : contributions) {
    const std::span<float> update = block.subspan(filled * kTile, tile.count);
    FED_TRY(contribution.file->read_at(tile.begin * sizeof(float), as_writable_bytes(update)));
    if (!within(update, limit)) {
      return Error{ErrorCode::invalid, contribution.file->path().string() +
                                           " holds a coordinate that is not a number or beyond the "
                                           "update limit, which was not so when it was admitted"};
    }
    terms[filled++] = {update, grid.round_weight(contribution.weight)};
    if (filled < terms.size()) continue;
    aggregator.accumulate(terms);
    filled = 0;
  }
  if (filled > 0) aggregator.accumulate(std::span(terms).first(filled));
  return {};
}

}  // namespace fed::aggregate
