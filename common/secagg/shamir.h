// Shamir's secret sharing (1979, "How to share a secret"), t of k, over the field of
// crypto::Scalar: any t shares give the secret, and t - 1 say nothing at all about it.
//
// A share is the value of a random polynomial of degree t - 1 at a point x; the secret is its value
// at 0. Points are small public numbers that are not 0 and differ from each other; here a holder's
// point is its place in the roster plus one. A wrong share gives a wrong secret and no error: who
// takes shares from others checks them against commitments first (keys.h). Free functions,
// thread-safe; a LagrangeCache is not.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <vector>

#include "crypto/scalar.h"

namespace fed::secagg {

using Point = std::uint32_t;

struct Share {
  Point x = 0;
  crypto::Scalar y;
};

// One share for each of `points` (distinct and not 0; at least `threshold` >= 1 of them), in their
// order. Takes threshold - 1 random scalars from `random`; points.size() * threshold
// multiplications.
std::vector<Share> split(const crypto::Scalar& secret, std::uint32_t threshold,
                         std::span<const Point> points, const crypto::RandomSource& random);

// The weights of the shares at `points` in the secret: the product of x_m / (x_m - x_i) over m !=
// i. One inversion for all of them (Montgomery's trick). Errors: invalid for a point that is 0 or
// comes twice, or for no point.
Result<std::vector<crypto::Scalar>> lagrange_at_zero(std::span<const Point> points);

// The secret of the first `threshold` of `shares`; ErrorCode::invalid for fewer, and as above.
Result<crypto::Scalar> reconstruct(std::span<const Share> shares, std::uint32_t threshold);

// The same for many secrets: weights are computed once for each set of points. In a full graph
// almost all secrets are rebuilt from the same holders. Not thread-safe.
class LagrangeCache {
 public:
  Result<crypto::Scalar> reconstruct(std::span<const Share> shares, std::uint32_t threshold);
  std::size_t size() const { return weights_.size(); }

 private:
  std::map<std::vector<Point>, std::vector<crypto::Scalar>> weights_;
};

}  // namespace fed::secagg
