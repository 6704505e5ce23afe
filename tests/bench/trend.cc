#include "trend.h"

#include "numbers.h"

namespace fed::bench {
namespace {

double middle_of(std::span<const Reading> readings) {
  std::vector<double> values;
  for (const Reading& each : readings) values.push_back(each.value);
  return median(values);
}

}  // namespace

double slope(std::span<const Reading> readings) {
  if (readings.size() < 2) return 0;
  const auto count = static_cast<double>(readings.size());
  double at = 0, value = 0;
  for (const Reading& each : readings) {
    at += each.at_s / count;
    value += each.value / count;
  }
  double both = 0, square = 0;
  for (const Reading& each : readings) {
    both += (each.at_s - at) * (each.value - value);
    square += (each.at_s - at) * (each.at_s - at);
  }
  return square > 0 ? both / square : 0;
}

double growth(std::span<const Reading> readings) {
  const std::size_t quarter = readings.size() / 4;
  if (quarter < 2) return 0;
  const double early = middle_of(readings.subspan(quarter, quarter));
  const double late = middle_of(readings.last(quarter));
  return early > 0 ? late / early - 1 : 0;
}

}  // namespace fed::bench
