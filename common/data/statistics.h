// Mean and deviation of every number column over the rows of all sites, of which only sums leave a
// site.
//
// A site sums its training rows exactly (exact_sum.h) and rounds once; the server adds the sites'
// rounded numbers exactly and rounds once. The result is the same, bit for bit, whatever the order
// of rows and sites (law 1).
//
// What a site sends is a flat vector of doubles, three per number column in the job's order: count,
// sum, sum of squares of the cells that are not missing. A column with fewer than
// kStatisticsRowsMin cells is sent as zeros, since the sums of a few rows would come close to being
// the rows.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/error.h"
#include "data/exact_sum.h"

namespace fed::data {

inline constexpr std::int64_t kStatisticsRowsMin = 10;

// One column at one site. Plain value.
struct ColumnStatistics {
  std::int64_t count = 0;
  ExactSum sum;
  ExactSum sum_of_squares;

  void add(double value);  // finite, within a float's range
};

// How a number is scaled: (x - mean) / deviation, where a deviation of 0 stands for 1 (a constant
// column).
struct Scaling {
  double mean = 0;
  double deviation = 0;

  bool operator==(const Scaling&) const = default;
};

// What a site sends: 3 values per column.
std::vector<double> to_message(std::span<const ColumnStatistics> columns);

// The server's side: adds the sites' messages. One owner, not thread-safe.
class StatisticsSum {
 public:
  explicit StatisticsSum(std::size_t columns) : values_(3 * columns) {}

  // ErrorCode::invalid, and nothing is added, for a message of the wrong length, values that are
  // not finite, counts that are no whole numbers, or sums that no numbers can have (sum^2 > count *
  // sum of squares).
  Status add(std::span<const double> message);
  void merge(const StatisticsSum& other);

  // One per column. The variance is that of the population, E[x^2] - E[x]^2, from sums that each
  // site rounded once: relative to E[x^2] it is off by at most about 2^-51, so a variance below
  // 2^-46 E[x^2] (a deviation under a 10-millionth of the mean) is taken for a constant column,
  // deviation 0. A column without values has mean 0.
  std::vector<Scaling> report() const;

 private:
  std::vector<ExactSum> values_;  // as in a message
};

}  // namespace fed::data
