#include "privacy/rdp.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "must.h"

namespace fed::privacy {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// The Gaussian mechanism without sampling.
RdpCurve gaussian(double sigma) {
  return RdpCurve::of([sigma](double order) { return order / (2 * sigma * sigma); });
}

TEST_CASE("the grid is sorted and has the orders of the accountants it is compared with") {
  const auto& orders = rdp_orders();
  CHECK(std::is_sorted(orders.begin(), orders.end()));
  CHECK(std::adjacent_find(orders.begin(), orders.end()) == orders.end());
  const auto has = [&](double order) {
    return std::find(orders.begin(), orders.end(), order) != orders.end();
  };
  for (int tenths = 1; tenths < 100; ++tenths) CHECK(has((10 + tenths) / 10.0));
  for (int order = 11; order < 64; ++order) CHECK(has(order));
  for (int order : {128, 256, 512, 1024}) CHECK(has(order));
}

TEST_CASE("costs add up order by order") {
  const RdpCurve a = gaussian(2);
  const RdpCurve b = RdpCurve::of([](double order) { return 1 / order; });
  const RdpCurve sum = a + b.times(3);
  for (std::size_t i = 0; i < kRdpOrders; ++i) {
    const double order = rdp_orders()[i];
    CHECK(sum.values()[i] == Approx(order / 8 + 3 / order).epsilon(1e-14));
  }
  RdpCurve steps;
  for (int i = 0; i < 5; ++i) steps += a;
  for (std::size_t i = 0; i < kRdpOrders; ++i) {
    CHECK(steps.values()[i] == Approx(a.times(5).values()[i]).epsilon(1e-14));
  }
  CHECK(a.times(0) == RdpCurve());
  CHECK(a + RdpCurve() == a);
}

TEST_CASE("a round without noise ends all privacy, unless it never happens") {
  const RdpCurve none = RdpCurve::unbounded();
  const Guarantee spent = must(epsilon_at(none + gaussian(1), 1e-5));
  CHECK(spent.epsilon == kInfinity);
  CHECK(delta_at(none, 5)->delta == 1);
  CHECK(none.times(0) == RdpCurve());
  CHECK(none.times(2) == none);
}

TEST_CASE("costs below zero are rounding, and unknown ones are infinite") {
  const RdpCurve curve = RdpCurve::of(
      [](double order) { return order < 2 ? -1e-18 : std::numeric_limits<double>::quiet_NaN(); });
  CHECK(curve.values().front() == 0);
  CHECK(curve.values().back() == kInfinity);
}

TEST_CASE("a curve comes back from its numbers") {
  const RdpCurve curve = gaussian(0.7) + RdpCurve::of([](double order) { return 0.1 / order; });
  std::vector<double> values(curve.values().begin(), curve.values().end());
  CHECK(*RdpCurve::from_values(values) == curve);
  values[3] = kInfinity;
  CHECK(RdpCurve::from_values(values)->values()[3] == kInfinity);
}

TEST_CASE("numbers that are no curve are refused") {
  std::vector<double> values(kRdpOrders, 1);
  for (double bad : {-1e-9, -kInfinity, std::numeric_limits<double>::quiet_NaN()}) {
    values.back() = bad;
    const auto refused = RdpCurve::from_values(values);
    REQUIRE(refused.has_error());
    CHECK(refused.error().code == ErrorCode::invalid);
    CHECK(refused.error().detail.find("order 1024") != std::string::npos);
  }
  values.back() = 1;
  values.push_back(1);
  CHECK(RdpCurve::from_values(values).error().code == ErrorCode::mismatch);
  CHECK(RdpCurve::from_values({}).error().code == ErrorCode::mismatch);
}

TEST_CASE("epsilon is the best of the orders by proposition 12") {
  // Only one order is affordable, so the formula can be written down for it.
  const RdpCurve curve = RdpCurve::of([](double order) { return order == 16 ? 0.5 : kInfinity; });
  const double delta = 1e-6;
  const double expected =
      0.5 + (std::log(1 / delta) + 15 * std::log(15.0 / 16) - std::log(16)) / 15;
  const Guarantee spent = must(epsilon_at(curve, delta));
  CHECK(spent.epsilon == Approx(expected).epsilon(1e-13));
  CHECK(spent.order == 16);
  CHECK(spent.delta == delta);
  // Below the older conversion, rdp + log(1/delta) / (alpha - 1).
  CHECK(spent.epsilon < 0.5 + std::log(1 / delta) / 15);
}

TEST_CASE("delta at the epsilon of a delta is that delta") {
  for (double sigma : {0.5, 1.0, 3.0}) {
    for (double delta : {1e-3, 1e-5, 1e-9}) {
      const Guarantee spent = must(epsilon_at(gaussian(sigma), delta));
      REQUIRE(spent.epsilon > 0);
      CHECK(delta_at(gaussian(sigma), spent.epsilon)->delta == Approx(delta).epsilon(1e-9));
    }
  }
}

TEST_CASE("more epsilon needs less delta, and more cost more of both") {
  double last_epsilon = kInfinity;
  for (double delta : {1e-12, 1e-9, 1e-6, 1e-3, 0.1}) {
    const double epsilon = epsilon_at(gaussian(1), delta)->epsilon;
    CHECK(epsilon < last_epsilon);
    CHECK(epsilon < epsilon_at(gaussian(1).times(2), delta)->epsilon);
    last_epsilon = epsilon;
  }
}

TEST_CASE("no cost is perfect privacy, and a cost that delta covers needs no epsilon") {
  CHECK(epsilon_at(RdpCurve(), 1e-9)->epsilon == 0);
  CHECK(delta_at(RdpCurve(), 0)->delta == 0);
  // The total variation of divergence r is at most sqrt(1 - exp(-r)).
  const double delta = 1e-3;
  const double covered = -std::log1p(-delta * delta);
  const auto cheap = [](double r) {
    return RdpCurve::of([r](double order) { return order == 1.1 ? r : kInfinity; });
  };
  CHECK(epsilon_at(cheap(covered * 0.999), delta)->epsilon == 0);
  CHECK(epsilon_at(cheap(covered * 1.001), delta)->epsilon > 0);
  CHECK(delta_at(cheap(covered), 0)->delta == Approx(delta).epsilon(1e-9));
}

TEST_CASE("promises out of range are refused") {
  for (double delta : {0.0, 1.0, -1e-5, 2.0, std::numeric_limits<double>::quiet_NaN()}) {
    CHECK(refusal(epsilon_at(RdpCurve(), delta)).find("delta") == 0);
  }
  for (double epsilon : {-0.1, std::numeric_limits<double>::quiet_NaN()}) {
    CHECK(refusal(delta_at(RdpCurve(), epsilon)).find("epsilon") == 0);
  }
}

}  // namespace
}  // namespace fed::privacy
