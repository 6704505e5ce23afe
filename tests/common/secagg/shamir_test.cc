// Python's integers are the second opinion: see transcript.py.
#include "secagg/shamir.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "world.h"

namespace fed::secagg {
namespace {

using crypto::Scalar;

std::vector<Share> copy_of(const std::vector<Share>& shares,
                           const std::vector<std::size_t>& which) {
  std::vector<Share> chosen;
  for (std::size_t i : which) chosen.push_back(Share{shares[i].x, shares[i].y.duplicate()});
  return chosen;
}

TEST_CASE("every set of exactly t shares rebuilds the secret, fewer are refused") {
  const auto random = seeded(1, "shamir");
  const Scalar secret = Scalar::random(random);
  const std::vector<Point> points{1, 2, 5, 9, 77};
  const auto shares = split(secret, 3, points, random);
  int sets = 0;
  for (std::size_t a = 0; a < 5; ++a) {
    for (std::size_t b = 0; b < 5; ++b) {
      for (std::size_t c = 0; c < 5; ++c) {
        if (a == b || b == c || a == c) continue;
        ++sets;
        CHECK((reconstruct(copy_of(shares, {a, b, c}), 3).value() == secret));
      }
      CHECK(reconstruct(copy_of(shares, {a, b}), 3).error().code == ErrorCode::invalid);
    }
  }
  CHECK(sets == 60);
}

TEST_CASE("more shares than the threshold change nothing: exactly t are used") {
  const auto random = seeded(2, "shamir");
  const Scalar secret = Scalar::random(random);
  auto shares = split(secret, 2, std::vector<Point>{1, 2, 3}, random);
  shares[2].y += Scalar(1);
  CHECK((reconstruct(shares, 2).value() == secret));
}

TEST_CASE("t - 1 shares fit every secret") {
  const auto random = seeded(3, "shamir");
  const auto shares = split(Scalar(42), 3, std::vector<Point>{1, 2, 3}, random);
  // With a third share of one's choice the other two give any value: so alone they tell nothing.
  auto forged = copy_of(shares, {0, 1});
  const Scalar wanted(1234567);
  const auto weights = lagrange_at_zero(std::vector<Point>{1, 2, 3}).value();
  Scalar rest = wanted.duplicate();
  for (std::size_t i = 0; i < 2; ++i) {
    Scalar term = forged[i].y.duplicate();
    term *= weights[i];
    rest -= term;
  }
  rest *= weights[2].inverse();
  forged.push_back(Share{3, std::move(rest)});
  CHECK((reconstruct(forged, 3).value() == wanted));
}

TEST_CASE("one altered share gives another secret") {
  const auto random = seeded(4, "shamir");
  const Scalar secret = Scalar::random(random);
  auto shares = split(secret, 4, std::vector<Point>{4, 3, 2, 1}, random);
  shares[2].y += Scalar(1);
  CHECK_FALSE((reconstruct(shares, 4).value() == secret));
}

TEST_CASE("a point at zero and a point that comes twice are refused") {
  CHECK(lagrange_at_zero(std::vector<Point>{0, 1}).error().code == ErrorCode::invalid);
  CHECK(lagrange_at_zero(std::vector<Point>{2, 1, 2}).error().code == ErrorCode::invalid);
  CHECK(lagrange_at_zero(std::vector<Point>{}).error().code == ErrorCode::invalid);
  const auto random = seeded(5, "shamir");
  const auto shares = split(Scalar(1), 2, std::vector<Point>{1, 2}, random);
  CHECK_FALSE(reconstruct(copy_of(shares, {1, 1}), 2).has_value());
  CHECK_FALSE(reconstruct(shares, 0).has_value());
}

// Known by hand: over the points 1, 2, 3 the weights at 0 are 3, -3, 1.
TEST_CASE("the weights are those of Lagrange") {
  const auto weights = lagrange_at_zero(std::vector<Point>{1, 2, 3}).value();
  Scalar minus_three;
  minus_three -= Scalar(3);
  CHECK((weights[0] == Scalar(3)));
  CHECK((weights[1] == minus_three));
  CHECK((weights[2] == Scalar(1)));
}

TEST_CASE("a cache computes weights once for a set of points and rebuilds the same") {
  const auto random = seeded(6, "shamir");
  const std::vector<Point> points{1, 2, 3, 4, 5, 6};
  LagrangeCache cache;
  for (int i = 0; i < 10; ++i) {
    const Scalar secret = Scalar::random(random);
    auto shares = split(secret, 4, points, random);
    CHECK((cache.reconstruct(shares, 4).value() == secret));
    std::reverse(shares.begin(), shares.end());
    CHECK((cache.reconstruct(shares, 4).value() == secret));
    CHECK_FALSE(cache.reconstruct(std::span(shares).first(3), 4).has_value());
  }
  CHECK(cache.size() == 2);
}

TEST_CASE("a threshold of one hands out the secret, a threshold of all needs everybody") {
  const auto random = seeded(7, "shamir");
  const Scalar secret = Scalar::random(random);
  const std::vector<Point> points{10, 20, 30};
  for (const Share& share : split(secret, 1, points, random)) CHECK((share.y == secret));
  const auto shares = split(secret, 3, points, random);
  CHECK((reconstruct(shares, 3).value() == secret));
  for (const Share& share : shares) CHECK_FALSE((share.y == secret));
}

}  // namespace
}  // namespace fed::secagg
