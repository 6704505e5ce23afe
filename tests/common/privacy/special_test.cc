#include "privacy/special.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

namespace fed::privacy {
namespace {

TEST_CASE("a log sum is the logarithm of the sum, in any order of terms") {
  const std::vector<double> terms{3.5, -2, 0, 1, 3.4, -40};
  double sum = 0;
  LogSum forward, backward;
  for (std::size_t i = 0; i < terms.size(); ++i) {
    sum += std::exp(terms[i]);
    forward.add(terms[i]);
    backward.add(terms[terms.size() - 1 - i]);
  }
  CHECK(static_cast<double>(forward.log()) == Approx(std::log(sum)).epsilon(1e-14));
  CHECK(static_cast<double>(backward.log()) == Approx(std::log(sum)).epsilon(1e-14));
}

TEST_CASE("a log sum holds what no number could, and nothing") {
  LogSum sum;
  CHECK(std::isinf(sum.log()));
  CHECK(sum.log() < 0);
  sum.add(-INFINITY);
  CHECK(std::isinf(sum.log()));
  sum.add(200000);
  sum.add(200000);
  CHECK(static_cast<double>(sum.log()) == Approx(200000 + std::log(2)).epsilon(1e-15));
  LogSum small;
  small.add(-200000);
  small.add(-200001);
  CHECK(static_cast<double>(small.log() + 200000) ==
        Approx(std::log1p(std::exp(-1))).epsilon(1e-12));
}

TEST_CASE("exp(x) - 1 and 1 + exp(x) keep their digits in log space") {
  CHECK(static_cast<double>(log_expm1(1e-15L)) == Approx(std::log(1e-15)).epsilon(1e-12));
  for (double x : {0.3, 0.999, 1.0, 1.001, 5.0, 40.0}) {
    CHECK(static_cast<double>(log_expm1(x)) == Approx(std::log(std::expm1(x))).epsilon(1e-14));
  }
  CHECK(static_cast<double>(log_expm1(1e6L)) == 1e6);
  for (double x : {-50.0, -1.0, 0.0, 1.0, 30.0}) {
    CHECK(static_cast<double>(log1p_exp(x)) == Approx(std::log1p(std::exp(x))).epsilon(1e-14));
  }
  CHECK(static_cast<double>(log1p_exp(1e6L)) == 1e6);
  CHECK(static_cast<double>(log1p_exp(-700)) == Approx(std::exp(-700)).epsilon(1e-12));
}

TEST_CASE("the normal tail agrees with the tables, and with itself where the formula changes") {
  CHECK(static_cast<double>(log_normal_tail(0)) == Approx(std::log(0.5)));
  // P(Z > 1.959963984540054) = 0.025.
  CHECK(static_cast<double>(log_normal_tail(1.959963984540054L)) ==
        Approx(std::log(0.025)).epsilon(1e-13));
  CHECK(static_cast<double>(log_normal_tail(-10)) == Approx(-7.619853024160527e-24));
  // P(Z > 10) = 7.619853024160527e-24.
  CHECK(static_cast<double>(log_normal_tail(10)) == Approx(std::log(7.619853024160527e-24)));
  const long double below = log_normal_tail(100 - 1e-9L);
  const long double above = log_normal_tail(100);
  // The slope there is about -100.01, that is 1.0001e-7 for this step.
  CHECK(static_cast<double>(below - above) == Approx(1.0001e-7).epsilon(1e-4));
  CHECK(static_cast<double>(log_normal_tail(1e5L)) ==
        Approx(-5e9 - std::log(1e5) - 0.9189385332046727).epsilon(1e-15));
}

}  // namespace
}  // namespace fed::privacy
