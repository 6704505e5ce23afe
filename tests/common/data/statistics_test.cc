#include "data/statistics.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "data/support.h"

namespace fed::data {
namespace {

std::vector<double> message_of(const std::vector<double>& values) {
  std::vector<ColumnStatistics> columns(1);
  for (double value : values) columns[0].add(value);
  return to_message(columns);
}

std::vector<double> normal_values(std::size_t count, double mean, double deviation,
                                  std::uint64_t seed) {
  Random random(seed);
  std::vector<double> values(count);
  for (double& value : values) value = mean + deviation * random.normal();
  return values;
}

Scaling scaling_of(const std::vector<std::vector<double>>& sites) {
  StatisticsSum sum(1);
  for (const auto& site : sites) REQUIRE(sum.add(message_of(site)));
  return sum.report()[0];
}

TEST_CASE("a message holds count, sum and sum of squares") {
  CHECK(message_of({1, 2, 3, 4, 5, 6, 7, 8, 9, 10}) == std::vector<double>{10, 55, 385});
}

TEST_CASE("a column of few rows is not sent") {
  CHECK(message_of({1, 2, 3, 4, 5, 6, 7, 8, 9}) == std::vector<double>{0, 0, 0});
  std::vector<ColumnStatistics> columns(2);
  for (int i = 0; i < 10; ++i) columns[1].add(2);
  CHECK(to_message(columns) == std::vector<double>{0, 0, 0, 10, 20, 40});
}

TEST_CASE("mean and deviation agree with the two-pass formula over all rows") {
  std::vector<std::vector<double>> sites;
  long double total = 0, squares = 0;
  std::size_t count = 0;
  for (std::uint64_t site = 0; site < 5; ++site) {
    sites.push_back(normal_values(20 + 300 * site, 1e6 + static_cast<double>(site), 3, site));
    for (double value : sites.back()) total += value, ++count;
  }
  const long double mean = total / static_cast<long double>(count);
  for (const auto& site : sites) {
    for (double value : site) squares += (value - mean) * (value - mean);
  }
  const Scaling scaling = scaling_of(sites);
  CHECK(scaling.mean == Approx(static_cast<double>(mean)).epsilon(1e-15));
  // E[x^2] is 1e11 variances here, and loses as many digits of a double's 16.
  CHECK(scaling.deviation ==
        Approx(std::sqrt(static_cast<double>(squares) / static_cast<double>(count))).epsilon(1e-4));
}

TEST_CASE("the result does not depend on the order of rows or sites, bit for bit") {
  std::vector<std::vector<double>> sites;
  for (std::uint64_t site = 0; site < 9; ++site) {
    sites.push_back(normal_values(50, 0, std::pow(10.0, static_cast<double>(site) - 4), site));
  }
  const Scaling expected = scaling_of(sites);
  Random random(6);
  for (int trial = 0; trial < 50; ++trial) {
    random.shuffle(std::span(sites));
    for (auto& site : sites) random.shuffle(std::span(site));
    REQUIRE(scaling_of(sites) == expected);
    StatisticsSum left(1), right(1);
    for (const auto& site : sites)
      REQUIRE((random.below(2) == 0 ? left : right).add(message_of(site)));
    left.merge(right);
    REQUIRE(left.report()[0] == expected);
  }
}

TEST_CASE("a constant column has deviation 0, however its sums round") {
  for (double value : {0.1, 1e-30, -7.3e8, 1.0 / 3, 3e38, 0.0}) {
    for (std::size_t count : {10u, 11u, 999u}) {
      const Scaling scaling =
          scaling_of({std::vector<double>(count, value), std::vector<double>(17, value)});
      CHECK(scaling.mean == Approx(value).epsilon(1e-15));
      CHECK(scaling.deviation == 0);
    }
  }
  CHECK(scaling_of({normal_values(100, 1e5, 1, 3)}).deviation == Approx(1).epsilon(0.3));
  CHECK(StatisticsSum(1).report()[0] == Scaling{});
  CHECK(scaling_of({{1, 2, 3}}) == Scaling{});  // too few rows anywhere
}

TEST_CASE("messages that no site can have sent are refused and change nothing") {
  StatisticsSum sum(1);
  const auto refusal = [&](std::vector<double> message) { return sum.add(message).error().detail; };
  CHECK(refusal({1, 2}) == "statistics have 2 values, the job's number columns need 3");
  const std::string column = "statistics of number column 1: ";
  const double infinity = std::numeric_limits<double>::infinity();
  CHECK(refusal({10, infinity, 1}) == column + "a sum is not finite");
  CHECK(refusal({10, 1, NAN}) == column + "a sum is not finite");
  CHECK(refusal({1.5, 1, 1}) == column + "the count is not a whole number");
  CHECK(refusal({-1, 1, 1}) == column + "the count is not a whole number");
  CHECK(refusal({NAN, 1, 1}) == column + "the count is not a whole number");
  CHECK(refusal({10, 0, -1}) == column + "no values have this count, sum and sum of squares");
  CHECK(refusal({10, 100, 999}) == column + "no values have this count, sum and sum of squares");
  CHECK(refusal({0, 1, 1}) == column + "no values have this count, sum and sum of squares");
  CHECK(sum.report()[0] == Scaling{});
  CHECK(sum.add(std::vector<double>{10, 100, 1000}));  // ten times the same
  CHECK(sum.report()[0] == Scaling{10, 0});
}

}  // namespace
}  // namespace fed::data
