#include "privacy/analytic_gaussian.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <numbers>

#include "must.h"
#include "privacy/rdp.h"
#include "privacy/sampled_gaussian.h"

namespace fed::privacy {
namespace {

// The definition: the integral of what p(x) has above exp(epsilon) p0(x), by Simpson's rule from
// the point where it begins.
double integrated_delta(double epsilon, double sigma) {
  const auto density = [sigma](double x) {
    return std::exp(-x * x / (2 * sigma * sigma)) / (sigma * std::sqrt(2 * std::numbers::pi));
  };
  const double from = epsilon * sigma * sigma + 0.5;
  constexpr int kSteps = 4000;
  const double step = 40 * sigma / kSteps;
  double sum = 0;
  for (int i = 0; i <= kSteps; ++i) {
    const double x = from + i * step;
    const double excess = density(x - 1) - std::exp(epsilon) * density(x);
    sum += excess * (i == 0 || i == kSteps ? 1 : i % 2 == 1 ? 4 : 2);
  }
  return sum * step / 3;
}

TEST_CASE("epsilon and sigma are those of the published tables") {
  CHECK(must(gaussian_epsilon(1, 1e-5)) == Approx(4.37718).epsilon(1e-6));
  CHECK(must(gaussian_epsilon(2, 1e-5)) == Approx(1.99309).epsilon(2e-6));
  CHECK(must(gaussian_epsilon(5, 1e-5)) == Approx(0.725522).epsilon(1e-6));
  CHECK(must(gaussian_sigma(4.37718, 1e-5)) == Approx(1).epsilon(1e-5));
}

TEST_CASE("delta is what the definition says") {
  for (double sigma : {0.5, 1.0, 3.0, 20.0}) {
    for (double epsilon : {0.0, 0.1, 1.0, 4.0}) {
      CAPTURE(sigma, epsilon);
      const double expected = integrated_delta(epsilon, sigma);
      if (expected < 1e-12) continue;  // the integral has lost its own digits there
      CHECK(must(gaussian_delta(epsilon, sigma)) == Approx(expected).epsilon(1e-6));
    }
  }
}

TEST_CASE("epsilon keeps the inequality, and just so") {
  for (double sigma : {0.3, 1.0, 7.0, 100.0}) {
    for (double delta : {1e-3, 1e-6, 1e-12}) {
      CAPTURE(sigma, delta);
      const double epsilon = must(gaussian_epsilon(sigma, delta));
      CHECK(must(gaussian_delta(epsilon, sigma)) <= delta);
      CHECK(must(gaussian_delta(epsilon, sigma)) == Approx(delta).epsilon(1e-6));
    }
  }
}

TEST_CASE("sigma is the inverse of epsilon") {
  for (double epsilon : {0.01, 0.5, 1.0, 8.0, 40.0}) {
    for (double delta : {1e-4, 1e-8}) {
      CAPTURE(epsilon, delta);
      const double sigma = must(gaussian_sigma(epsilon, delta));
      CHECK(must(gaussian_epsilon(sigma, delta)) == Approx(epsilon).epsilon(1e-7));
      CHECK(must(gaussian_delta(epsilon, sigma)) <= delta);
    }
  }
}

TEST_CASE("the accountant's bound is never below it, and not far above") {
  for (double sigma : {0.7, 1.0, 2.0, 5.0}) {
    for (double delta : {1e-5, 1e-8}) {
      for (int rounds : {1, 16}) {
        CAPTURE(sigma, delta, rounds);
        const RdpCurve spent = must(sampled_gaussian_curve(1, sigma)).times(rounds);
        const double bound = must(epsilon_at(spent, delta)).epsilon;
        const double exact = must(gaussian_epsilon(sigma / std::sqrt(rounds), delta));
        CHECK(bound >= exact);
        CHECK(bound <= 1.1 * exact + 0.02);
      }
    }
  }
}

TEST_CASE("noise can be so much that no epsilon is needed") {
  // delta at epsilon 0 is the total variation, P(|Z| < 1 / (2 sigma)).
  const double total = must(gaussian_delta(0, 100));
  CHECK(total == Approx(std::erf(1 / (200 * std::numbers::sqrt2))).epsilon(1e-9));
  CHECK(must(gaussian_epsilon(100, total)) == 0);
  CHECK(must(gaussian_epsilon(100, total * 0.99)) > 0);
}

TEST_CASE("delta stays a number where its parts are not") {
  CHECK(must(gaussian_delta(800, 1)) == 0);
  CHECK(must(gaussian_delta(0, 1e-4)) == Approx(1).epsilon(1e-12));
  // P(Z > -2) - exp(30) P(Z > 8).
  CHECK(must(gaussian_delta(30, 0.1)) ==
        Approx(0.9772498681 - std::exp(30) * 6.220960574e-16).epsilon(1e-9));
  CHECK(must(gaussian_delta(25, 0.5)) > 0);
}

TEST_CASE("questions out of range are refused with what is wrong") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (double sigma : {0.0, -1.0, nan, std::numeric_limits<double>::infinity()}) {
    CHECK(refusal(gaussian_delta(1, sigma)).find("sigma") == 0);
    CHECK(refusal(gaussian_epsilon(sigma, 1e-5)).find("sigma") == 0);
  }
  for (double delta : {0.0, 1.0, nan}) {
    CHECK(refusal(gaussian_epsilon(1, delta)).find("delta") == 0);
    CHECK(refusal(gaussian_sigma(1, delta)).find("delta") == 0);
  }
  CHECK(refusal(gaussian_delta(-1, 1)).find("epsilon") == 0);
  CHECK(refusal(gaussian_sigma(0, 1e-5)).find("epsilon") == 0);
  CHECK(refusal(gaussian_epsilon(1e-8, 1e-5)).find("no useful epsilon") != std::string::npos);
}

}  // namespace
}  // namespace fed::privacy
