#include "data/statistics.h"

#include <fmt/format.h>

#include <cmath>

namespace fed::data {
namespace {

constexpr double kCountMax = 0x1p53;
constexpr double kRoundingSlack =
    1 + 0x1p-40;  // of sums that were rounded before they are compared

Error wrong(std::size_t column, const char* what) {
  return {ErrorCode::invalid, fmt::format("statistics of number column {}: {}", column + 1, what)};
}

Scaling scaling_of(double count, double sum, double sum_of_squares) {
  if (count == 0) return {};
  const double mean = sum / count;
  const double square = sum_of_squares / count;
  const double variance = std::fma(-mean, mean, square);
  return {mean, variance > 0x1p-46 * square ? std::sqrt(variance) : 0.0};
}

}  // namespace

void ColumnStatistics::add(double value) {
  ++count;
  sum.add(value);
  sum_of_squares.add_product(value, value);
}

std::vector<double> to_message(std::span<const ColumnStatistics> columns) {
  std::vector<double> message;
  message.reserve(3 * columns.size());
  for (const ColumnStatistics& column : columns) {
    if (column.count < kStatisticsRowsMin) {
      message.insert(message.end(), {0.0, 0.0, 0.0});
    } else {
      message.insert(message.end(), {static_cast<double>(column.count), column.sum.round(),
                                     column.sum_of_squares.round()});
    }
  }
  return message;
}

Status StatisticsSum::add(std::span<const double> message) {
  if (message.size() != values_.size()) {
    return Error{ErrorCode::invalid,
                 fmt::format("statistics have {} values, the job's number columns need {}",
                             message.size(), values_.size())};
  }
  for (std::size_t column = 0; 3 * column < message.size(); ++column) {
    const double count = message[3 * column];
    const double sum = message[3 * column + 1];
    const double squares = message[3 * column + 2];
    if (!std::isfinite(sum) || !std::isfinite(squares)) return wrong(column, "a sum is not finite");
    if (!(count >= 0 && count <= kCountMax) || std::trunc(count) != count) {
      return wrong(column, "the count is not a whole number");
    }
    if (squares < 0 || std::fabs(sum) > std::sqrt(count) * std::sqrt(squares) * kRoundingSlack) {
      return wrong(column, "no values have this count, sum and sum of squares");
    }
  }
  for (std::size_t i = 0; i < message.size(); ++i) values_[i].add(message[i]);
  return {};
}

void StatisticsSum::merge(const StatisticsSum& other) {
  FED_CHECK(values_.size() == other.values_.size());
  for (std::size_t i = 0; i < values_.size(); ++i) values_[i].merge(other.values_[i]);
}

std::vector<Scaling> StatisticsSum::report() const {
  std::vector<Scaling> scalings;
  for (std::size_t at = 0; at < values_.size(); at += 3) {
    scalings.push_back(
        scaling_of(values_[at].round(), values_[at + 1].round(), values_[at + 2].round()));
  }
  return scalings;
}

}  // namespace fed::data
