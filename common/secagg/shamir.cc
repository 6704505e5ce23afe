#include "secagg/shamir.h"

#include <algorithm>

namespace fed::secagg {
namespace {

using crypto::Scalar;

// Horner's rule; `coefficients` from the constant term upwards.
Scalar evaluate(std::span<const Scalar> coefficients, Point x) {
  Scalar value = coefficients.back().duplicate();
  for (std::size_t i = coefficients.size() - 1; i > 0; --i) {
    value.multiply_add(x, coefficients[i - 1]);
  }
  return value;
}

Status check_points(std::span<const Point> points) {
  std::vector<Point> sorted(points.begin(), points.end());
  std::sort(sorted.begin(), sorted.end());
  if (sorted.empty()) return Error{ErrorCode::invalid, "a secret needs at least one share"};
  if (sorted.front() == 0) return Error{ErrorCode::invalid, "a share at 0 would be the secret"};
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) {
    return Error{ErrorCode::invalid, "two shares have the same point"};
  }
  return {};
}

// 1/x of every element; none is 0.
std::vector<Scalar> inverses(std::span<const Scalar> values) {
  std::vector<Scalar> prefix;  // prefix[i] = product of the first i values
  Scalar product(1);
  for (const Scalar& value : values) {
    prefix.push_back(product.duplicate());
    product *= value;
  }
  Scalar rest = product.inverse();
  std::vector<Scalar> result(values.size());
  for (std::size_t i = values.size(); i > 0; --i) {
    prefix[i - 1] *= rest;
    result[i - 1] = std::move(prefix[i - 1]);
    rest *= values[i - 1];
  }
  return result;
}

// x_i times the product of x_m - x_i over m != i. Points are small and public, so several factors
// are multiplied as integers before one multiplication of scalars: those are what this costs.
Scalar divisor(std::span<const Point> points, Point mine) {
  Scalar product(1);
  std::uint64_t pending = mine;
  bool negative = false;
  for (Point other : points) {
    if (other == mine) continue;
    const std::uint64_t distance = other > mine ? other - mine : mine - other;
    negative = negative != (other < mine);
    if (pending > ~std::uint64_t{0} / distance) {
      product *= Scalar(pending);
      pending = 1;
    }
    pending *= distance;
  }
  product *= Scalar(pending);
  if (!negative) return product;
  Scalar opposite;
  opposite -= product;
  return opposite;
}

std::vector<Point> points_of(std::span<const Share> shares) {
  std::vector<Point> points;
  for (const Share& share : shares) points.push_back(share.x);
  return points;
}

Status check_count(std::span<const Share> shares, std::uint32_t threshold) {
  if (threshold == 0 || shares.size() < threshold) {
    return Error{ErrorCode::invalid, "there are fewer shares than the threshold"};
  }
  return {};
}

Scalar combine(std::span<const Share> shares, std::span<const Scalar> weights) {
  Scalar secret;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    Scalar term = weights[i].duplicate();
    term *= shares[i].y;
    secret += term;
  }
  return secret;
}

}  // namespace

std::vector<Share> split(const Scalar& secret, std::uint32_t threshold,
                         std::span<const Point> points, const crypto::RandomSource& random) {
  FED_CHECK(threshold >= 1 && threshold <= points.size());
  FED_CHECK(check_points(points).has_value());
  std::vector<Scalar> coefficients;
  coefficients.push_back(secret.duplicate());
  while (coefficients.size() < threshold) coefficients.push_back(Scalar::random(random));
  std::vector<Share> shares;
  shares.reserve(points.size());
  for (Point x : points) shares.push_back(Share{x, evaluate(coefficients, x)});
  return shares;
}

Result<std::vector<Scalar>> lagrange_at_zero(std::span<const Point> points) {
  FED_TRY(check_points(points));
  Scalar product(1);  // of all points; the numerator of a weight is this without its own
  std::vector<Scalar> divisors;
  for (Point mine : points) {
    product *= Scalar(mine);
    divisors.push_back(divisor(points, mine));
  }
  std::vector<Scalar> weights = inverses(divisors);
  for (Scalar& weight : weights) weight *= product;
  return weights;
}

Result<Scalar> reconstruct(std::span<const Share> shares, std::uint32_t threshold) {
  FED_TRY(check_count(shares, threshold));
  shares = shares.first(threshold);
  FED_ASSIGN(weights, lagrange_at_zero(points_of(shares)));
  return combine(shares, weights);
}

Result<Scalar> LagrangeCache::reconstruct(std::span<const Share> shares, std::uint32_t threshold) {
  FED_TRY(check_count(shares, threshold));
  shares = shares.first(threshold);
  const std::vector<Point> points = points_of(shares);
  auto found = weights_.find(points);
  if (found == weights_.end()) {
    FED_ASSIGN(weights, lagrange_at_zero(points));
    found = weights_.emplace(points, std::move(weights)).first;
  }
  return combine(shares, found->second);
}

}  // namespace fed::secagg
