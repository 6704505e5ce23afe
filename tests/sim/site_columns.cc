#include "site_columns.h"

#include <cmath>

#include "base/random.h"
#include "data/statistics.h"

namespace fed::sim {
namespace {

constexpr int kCellBits = 20;
constexpr int kUnitLeast = -40, kUnits = 61;  // all squares are between 2^-80 and 2^80
constexpr double kSparseShare = 0.1, kConstantShare = 0.1;
constexpr std::int64_t kConstant = 7;

// What the sites have in common.
struct Column {
  int unit = 0;
  std::int64_t offset = 0;
  std::uint64_t spread = 1;  // 1: all cells are the same
};

Column column_of(std::string_view job, std::size_t index) {
  Random random(mix_seed({seed_of(job), seed_of("column"), index}));
  Column column{kUnitLeast + static_cast<int>(random.below(kUnits)), kConstant, 1};
  if (random.uniform() < kConstantShare) return column;
  column.spread = std::uint64_t{1} << (1 + random.below(kCellBits));
  column.offset = -static_cast<std::int64_t>(random.below(column.spread));
  return column;
}

ColumnSums add_cells(const Column& column, std::int64_t cells, Random& random,
                     data::ColumnStatistics& sums) {
  ColumnSums whole{.unit = column.unit};
  for (std::int64_t i = 0; i < cells; ++i) {
    const std::int64_t cell =
        column.offset + static_cast<std::int64_t>(random.below(column.spread));
    sums.add(std::ldexp(static_cast<double>(cell), column.unit));
    whole.sum += cell;
    whole.squares += cell * cell;
  }
  whole.count = cells;
  return whole;
}

}  // namespace

SiteColumns site_columns(std::uint64_t seed, std::string_view job, std::size_t columns,
                         std::int64_t rows) {
  Random random(seed);
  SiteColumns site;
  std::vector<data::ColumnStatistics> sums(columns);
  for (std::size_t i = 0; i < columns; ++i) {
    const Column column = column_of(job, i);
    const bool sparse = random.uniform() < kSparseShare;
    const ColumnSums whole = add_cells(column, sparse ? rows / 8 : rows, random, sums[i]);
    const bool told = whole.count >= data::kStatisticsRowsMin;
    site.told.push_back(told ? whole : ColumnSums{.unit = column.unit});
  }
  site.message = data::to_message(sums);
  return site;
}

}  // namespace fed::sim
