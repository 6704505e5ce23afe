#include "privacy/sampled_gaussian.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <numbers>

#include "must.h"

namespace fed::privacy {
namespace {

double rdp(double q, double sigma, double order) {
  return must(sampled_gaussian_rdp(q, sigma, order));
}

// The Renyi divergence by its definition: the integral over the line of
// p(x)^alpha p0(x)^(1 - alpha), or the same with the two exchanged, by the trapezoidal rule, which
// is accurate to all digits for such functions. The A - 1 is integrated, so that no digits are
// lost.
double integrated_rdp(double q, double sigma, double order, bool exchanged = false) {
  const double far = 14 * sigma + order;
  const double step = std::min(sigma, 1.0) / 16;
  long double above_one = 0;
  for (double x = -far; x <= far; x += step) {
    const long double ratio = std::exp((2.0L * x - 1) / (2 * sigma * sigma));
    const long double mixed = std::log1p(static_cast<long double>(q) * (ratio - 1));
    const long double density = -static_cast<long double>(x) * x / (2 * sigma * sigma) -
                                std::log(sigma * std::sqrt(2 * std::numbers::pi_v<long double>));
    const long double power = exchanged ? (1 - order) * mixed : order * mixed;
    // exp(d) (exp(p) - 1), where either factor may overflow alone.
    above_one += power > 1 ? std::exp(density + power) - std::exp(density)
                           : std::exp(density) * std::expm1(power);
  }
  return static_cast<double>(std::log1p(above_one * step) / (order - 1));
}

// The sum of section 3.3.1 as it is written there.
double binomial_rdp(double q, double sigma, int order) {
  long double sum = 0;
  long double binomial = 1;
  for (int k = 0; k <= order; ++k) {
    sum += binomial * std::pow(1.0L - q, order - k) * std::pow(static_cast<long double>(q), k) *
           std::exp(static_cast<long double>(k) * (k - 1) / (2.0L * sigma * sigma));
    binomial = binomial * (order - k) / (k + 1);
  }
  return static_cast<double>(std::log(sum) / (order - 1));
}

double epsilon(double q, double sigma, int rounds, double delta) {
  return must(epsilon_at(must(sampled_gaussian_curve(q, sigma)).times(rounds), delta)).epsilon;
}

TEST_CASE("epsilon is that of Opacus and TensorFlow Privacy") {
  CHECK(epsilon(0.04, 1.5, 2250, 1e-5) == Approx(7.32911117143).epsilon(1e-10));
  CHECK(epsilon(150 / 60000.0, 1.3, 6000, 1e-5) == Approx(0.7242234026109595).epsilon(1e-10));
  CHECK(epsilon(0.001, 1, 30000, 1e-7) == Approx(1.4154988495444845).epsilon(1e-10));
}

TEST_CASE("an order that is not whole is that of TensorFlow Privacy, with hardly any noise") {
  // 10 epochs of batches of 1024 out of 10^8, sigma 0.1, delta 1e-7; its best order is 1.25.
  const double spent = 976563 * rdp(1024e-8, 0.1, 1.25);
  const double epsilon = spent + std::log(0.2) - (std::log(1e-7) + std::log(1.25)) / 0.25;
  CHECK(epsilon == Approx(5907982.31138195).epsilon(1e-9));
}

TEST_CASE("whole orders are the exact sum of the paper") {
  for (double q : {0.001, 0.04, 0.3, 0.5, 0.9}) {
    for (double sigma : {0.6, 1.0, 1.5, 4.0}) {
      for (int order : {2, 3, 4, 7, 19, 32}) {
        CAPTURE(q, sigma, order);
        CHECK(rdp(q, sigma, order) == Approx(binomial_rdp(q, sigma, order)).epsilon(1e-11));
      }
    }
  }
}

TEST_CASE("the series of every order are the integral they stand for") {
  for (double q : {0.001, 0.04, 0.3, 0.5, 0.7, 0.99}) {
    for (double sigma : {0.5, 1.0, 2.5, 8.0}) {
      for (double order : {1.1, 1.5, 2.0, 2.5, 3.9, 6.7, 10.9, 12.0}) {
        CAPTURE(q, sigma, order);
        CHECK(rdp(q, sigma, order) == Approx(integrated_rdp(q, sigma, order)).epsilon(1e-8));
      }
    }
  }
}

TEST_CASE("the other direction of neighbours costs less") {
  for (double q : {0.01, 0.3, 0.9}) {
    for (double sigma : {0.8, 2.0}) {
      for (double order : {1.5, 3.0, 6.5}) {
        CAPTURE(q, sigma, order);
        CHECK(integrated_rdp(q, sigma, order, true) <= rdp(q, sigma, order) * (1 + 1e-9));
      }
    }
  }
}

TEST_CASE("without sampling it is the Gaussian mechanism, and nearly so with nearly all") {
  for (double sigma : {0.3, 1.0, 7.0}) {
    for (double order : {1.1, 2.0, 5.5, 64.0, 1024.0}) {
      CHECK(rdp(1, sigma, order) == Approx(order / (2 * sigma * sigma)).epsilon(1e-14));
    }
    CHECK(rdp(1 - 1e-9, sigma, 3.5) == Approx(3.5 / (2 * sigma * sigma)).epsilon(1e-5));
    CHECK(rdp(1 - 1e-9, sigma, 3) == Approx(3 / (2 * sigma * sigma)).epsilon(1e-5));
  }
}

TEST_CASE("who is never drawn loses nothing") {
  CHECK(must(sampled_gaussian_curve(0, 1)) == RdpCurve());
}

TEST_CASE("sampling never costs more, and the cost grows with order, rate and lack of noise") {
  for (double sigma : {0.5, 1.0, 3.0}) {
    double last_rate = 0;
    for (double q : {1e-6, 0.001, 0.1, 0.5, 0.9, 1.0}) {
      const RdpCurve curve = must(sampled_gaussian_curve(q, sigma));
      const RdpCurve quieter = must(sampled_gaussian_curve(q, sigma * 0.9));
      CHECK(curve.values()[10] > last_rate);
      last_rate = curve.values()[10];
      double last = 0;
      for (std::size_t i = 0; i < kRdpOrders; ++i) {
        CAPTURE(sigma, q, rdp_orders()[i]);
        CHECK(curve.values()[i] <= rdp_orders()[i] / (2 * sigma * sigma) * (1 + 1e-12));
        CHECK(curve.values()[i] >= last * (1 - 1e-9));
        CHECK(curve.values()[i] < quieter.values()[i]);
        last = curve.values()[i];
      }
    }
  }
}

TEST_CASE("for the smallest rates the cost is bounded from above, not lost in rounding") {
  // To first order A - 1 is q^2 (exp(1/sigma^2) - 1) alpha (alpha - 1) / 2.
  for (double q : {1e-7, 1e-9, 1e-12}) {
    for (double order : {1.1, 1.5, 2.5, 6.7}) {
      const double leading = q * q * std::expm1(1.0) * order / 2;
      CAPTURE(q, order);
      CHECK(rdp(q, 1, order) >= leading * (1 - 1e-3));
      CHECK(rdp(q, 1, order) <= leading * 2);
    }
    CHECK(rdp(q, 1, 2) == Approx(q * q * std::expm1(1.0)).epsilon(1e-6));
  }
}

TEST_CASE("every order stays a number for noise that is tiny or huge") {
  for (double sigma : {1e-3, 0.02, 1e3, 1e6}) {
    for (double q : {1e-9, 0.01, 0.5, 0.999}) {
      const RdpCurve curve = must(sampled_gaussian_curve(q, sigma));
      for (std::size_t i = 0; i < kRdpOrders; ++i) {
        CAPTURE(sigma, q, rdp_orders()[i]);
        CHECK(std::isfinite(curve.values()[i]));
        CHECK(curve.values()[i] <= rdp_orders()[i] / (2 * sigma * sigma) * (1 + 1e-9));
      }
      CHECK(curve.values().back() > 0);
    }
  }
}

TEST_CASE("what is no mechanism is refused with what is wrong") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (double q : {-0.1, 1.1, nan}) {
    CHECK(refusal(sampled_gaussian_curve(q, 1)).find("sampling rate") != std::string::npos);
    CHECK(refusal(sampled_gaussian_rdp(q, 1, 2)).find("sampling rate") != std::string::npos);
  }
  for (double sigma : {0.0, -1.0, nan, std::numeric_limits<double>::infinity()}) {
    CHECK(refusal(sampled_gaussian_curve(0.1, sigma)).find("noise") != std::string::npos);
    CHECK(refusal(sampled_gaussian_rdp(0.1, sigma, 2)).find("noise") != std::string::npos);
  }
  for (double order : {1.0, 0.5, -2.0, nan, 10001.0}) {
    CHECK(refusal(sampled_gaussian_rdp(0.1, 1, order)).find("order") != std::string::npos);
  }
}

}  // namespace
}  // namespace fed::privacy
