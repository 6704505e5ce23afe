#include "privacy/laplace.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "must.h"

namespace fed::privacy {
namespace {

// The Renyi divergence of two distributions on the integers -far to far.
template <class P, class Q>
double divergence(P p, Q q, double order, int far) {
  double p_sum = 0, q_sum = 0, sum = 0;
  for (int x = -far; x <= far; ++x) {
    p_sum += p(x);
    q_sum += q(x);
    sum += std::pow(p(x), order) * std::pow(q(x), 1 - order);
  }
  return std::log(sum / std::pow(p_sum, order) / std::pow(q_sum, 1 - order)) / (order - 1);
}

TEST_CASE("the epsilon of the Laplace mechanism is one over its noise multiplier") {
  CHECK(must(laplace_epsilon(1)) == 1);
  CHECK(must(laplace_epsilon(4)) == 0.25);
  for (double bad : {0.0, -1.0, std::numeric_limits<double>::quiet_NaN(),
                     std::numeric_limits<double>::infinity()}) {
    CHECK(refusal(laplace_epsilon(bad)).find("noise multiplier") != std::string::npos);
  }
}

TEST_CASE("the curve of a pure epsilon is that of randomized response") {
  for (double epsilon : {0.01, 0.5, 1.0, 3.0}) {
    const double truth = std::exp(epsilon) / (1 + std::exp(epsilon));
    const RdpCurve curve = must(pure_curve(epsilon));
    for (std::size_t i = 0; i < kRdpOrders; i += 7) {
      const double order = rdp_orders()[i];
      if (order * (epsilon + 1) > 600) continue;  // the formula below would overflow
      const double expected = std::log(std::pow(truth, order) * std::pow(1 - truth, 1 - order) +
                                       std::pow(1 - truth, order) * std::pow(truth, 1 - order)) /
                              (order - 1);
      CAPTURE(epsilon, order);
      CHECK(curve.values()[i] == Approx(expected).epsilon(1e-8));
    }
  }
}

TEST_CASE("the curve is never above epsilon nor above that of concentrated privacy") {
  for (double epsilon : {1e-4, 0.1, 1.0, 5.0, 100.0}) {
    const RdpCurve curve = must(pure_curve(epsilon));
    for (std::size_t i = 0; i < kRdpOrders; ++i) {
      CHECK(curve.values()[i] <= epsilon);
      // Bun and Steinke 2016, proposition 3.3.
      CHECK(curve.values()[i] <= rdp_orders()[i] * epsilon * epsilon / 2);
    }
    CHECK(curve.values().back() >= epsilon - std::log(2) / 1023);
  }
}

TEST_CASE("the discrete Laplace mechanism costs no more than the curve says") {
  for (double scale : {0.7, 1.0, 3.0}) {
    for (int shift : {1, 2}) {
      const RdpCurve curve = must(pure_curve(shift / scale));
      const auto mass = [=](int x) { return std::exp(-std::abs(x) / scale); };
      const auto shifted = [=](int x) { return mass(x - shift); };
      for (std::size_t i = 0; i < 60; i += 5) {
        const double order = rdp_orders()[i];
        CAPTURE(scale, shift, order);
        const double exact = divergence(mass, shifted, order, 60);
        CHECK(exact <= curve.values()[i] * (1 + 1e-12));
        CHECK(exact >= 0.5 * curve.values()[i]);
      }
    }
  }
}

TEST_CASE("no epsilon is no cost, and none to speak of is all of it") {
  CHECK(must(pure_curve(0)) == RdpCurve());
  CHECK(must(pure_curve(std::numeric_limits<double>::infinity())) == RdpCurve::unbounded());
  CHECK(refusal(pure_curve(-1)).find("epsilon") == 0);
  CHECK(refusal(pure_curve(std::numeric_limits<double>::quiet_NaN())).find("epsilon") == 0);
}

TEST_CASE("many small ones cost less together than their sum") {
  const double together = must(epsilon_at(must(pure_curve(0.01)).times(10000), 1e-6)).epsilon;
  CHECK(together < 10);
  CHECK(together > std::sqrt(10000) * 0.01);
}

}  // namespace
}  // namespace fed::privacy
