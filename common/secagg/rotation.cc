#include "secagg/rotation.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <unordered_set>

#include "secagg/stream.h"

namespace fed::secagg {
namespace {

// In place, without normalisation: H of Sylvester's order.
void hadamard(std::span<double> values) {
  for (std::size_t half = 1; half < values.size(); half *= 2) {
    for (std::size_t start = 0; start < values.size(); start += 2 * half) {
      for (std::size_t i = start; i < start + half; ++i) {
        const double a = values[i], b = values[i + half];
        values[i] = a + b;
        values[i + half] = a - b;
      }
    }
  }
}

// Multiplies by the signs of the seed, one bit each, and by `factor`.
void flip_signs(std::span<double> values, crypto::KeyView seed, double factor) {
  Stream stream(seed);
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i % 64 == 0) bits = stream.next();
    values[i] *= (bits >> (i % 64) & 1) != 0 ? -factor : factor;
  }
}

}  // namespace

std::size_t rotated_length(std::size_t length) { return std::bit_ceil(length); }

std::vector<float> rotate(std::span<const float> values, crypto::KeyView seed) {
  std::vector<double> padded(rotated_length(values.size()));
  std::copy(values.begin(), values.end(), padded.begin());
  flip_signs(padded, seed, 1 / std::sqrt(static_cast<double>(padded.size())));
  hadamard(padded);
  return {padded.begin(), padded.end()};
}

std::vector<double> rotate_back(std::span<const double> rotated, std::size_t length,
                                crypto::KeyView seed) {
  FED_CHECK(rotated.size() == rotated_length(length));
  std::vector<double> values(rotated.begin(), rotated.end());
  hadamard(values);
  flip_signs(values, seed, 1 / std::sqrt(static_cast<double>(values.size())));
  values.resize(length);
  return values;
}

double rotated_coordinate_max(std::size_t length, double beta) {
  const auto size = static_cast<double>(rotated_length(length));
  return std::min(1.0, std::sqrt(2 * std::log(2 * size / beta) / size));
}

std::vector<std::uint64_t> random_support(std::uint64_t length, std::uint64_t k,
                                          crypto::KeyView seed) {
  FED_CHECK(k <= length);
  // Floyd's way: k draws, whatever the length (Bentley and Floyd 1987).
  Stream stream(seed);
  std::unordered_set<std::uint64_t> chosen;
  for (std::uint64_t last = length - k; last < length; ++last) {
    if (!chosen.insert(stream.below(last + 1)).second) chosen.insert(last);
  }
  std::vector<std::uint64_t> support(chosen.begin(), chosen.end());
  std::sort(support.begin(), support.end());
  return support;
}

std::vector<float> gather(std::span<const float> values, std::span<const std::uint64_t> support) {
  std::vector<float> chosen;
  chosen.reserve(support.size());
  for (std::uint64_t at : support) chosen.push_back(values[at]);
  return chosen;
}

std::vector<double> scatter(std::span<const double> values, std::span<const std::uint64_t> support,
                            std::size_t length) {
  FED_CHECK(values.size() == support.size());
  const double scale = static_cast<double>(length) / static_cast<double>(support.size());
  std::vector<double> full(length);
  for (std::size_t i = 0; i < support.size(); ++i) full[support[i]] = values[i] * scale;
  return full;
}

}  // namespace fed::secagg
