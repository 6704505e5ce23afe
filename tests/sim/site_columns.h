// The number columns of a made-up site, of which only sums leave it (data/statistics.h): what it
// sends, and the same in whole numbers, for the referee.
//
// A cell is a whole number of 2^unit, where the unit is the column's, the same at all sites. Of
// some columns a site has too few cells to tell of them. Plain values; a function of its arguments.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace fed::sim {

// A column at one site, or at several; exact while there are fewer than 2^20 cells.
struct ColumnSums {
  int unit = 0;
  std::int64_t count = 0;
  std::int64_t sum = 0;      // in units
  std::int64_t squares = 0;  // in units of 2^(2 unit)
};

struct SiteColumns {
  std::vector<double> message;   // what the site sends
  std::vector<ColumnSums> told;  // what that stands for
};

// Of a site with so many rows; `seed` is the site's own.
SiteColumns site_columns(std::uint64_t seed, std::string_view job, std::size_t columns,
                         std::int64_t rows);

}  // namespace fed::sim
