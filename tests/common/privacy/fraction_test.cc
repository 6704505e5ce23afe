#include "privacy/fraction.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "must.h"
#include "privacy/discrete_gaussian.h"

namespace fed::privacy {
namespace {

TEST_CASE("a fraction is reduced to lowest terms") {
  CHECK(reduced({6, 8}) == Fraction{3, 4});
  CHECK(reduced({0, 9}) == Fraction{0, 1});
  CHECK(reduced({5, 5}) == Fraction{1, 1});
  CHECK(Fraction{3, 4}.value() == 0.75);
}

TEST_CASE("a sampling rate is exact where the double is, and never larger") {
  CHECK(must(sampling_rate(0)) == Fraction{0, 1});
  CHECK(must(sampling_rate(1)) == Fraction{1, 1});
  CHECK(must(sampling_rate(0.375)) == Fraction{3, 8});
  for (double rate : {0.1, 0.04, 1.0 / 3, 0.001}) CHECK(must(sampling_rate(rate)).value() == rate);
  for (double rate : {1.1e-8, 3.3e-15, 1e-18}) {
    const double kept = must(sampling_rate(rate)).value();
    CHECK(kept <= rate);
    CHECK(kept > rate - 0x1p-62);
  }
}

TEST_CASE("what is no sampling rate is refused") {
  for (double rate : {-0.1, 1.0000001, std::numeric_limits<double>::quiet_NaN()}) {
    CHECK(refusal(sampling_rate(rate)).find("between 0 and 1") != std::string::npos);
  }
  CHECK(refusal(sampling_rate(1e-19)).find("2^-62") != std::string::npos);
}

TEST_CASE("a variance is the next one of the grid, never smaller") {
  CHECK(must(variance_at_least(1)) == Fraction{1, 1});
  CHECK(must(variance_at_least(2.5)) == Fraction{25, 4});
  for (double sigma : {1e-9, 1e-160, 1e-200}) {
    CHECK(must(variance_at_least(sigma)) == Fraction{1, 1 << 20});
  }
  for (double sigma : {0.1, 0.7, 1.1, 12.345, 999.999, 200000.1, 262142.7}) {
    CAPTURE(sigma);
    const Fraction variance = must(variance_at_least(sigma));
    CHECK((1 << 20) % variance.denominator == 0);
    // In long double, whose 64 digits hold the square of these nearly exactly.
    const long double square = static_cast<long double>(sigma) * sigma;
    const long double kept = static_cast<long double>(variance.numerator) /
                             static_cast<long double>(variance.denominator);
    CHECK(kept >= square * (1 - 1e-18L));
    CHECK(kept <= square + 0x1p-20L);
  }
}

TEST_CASE("the square of a double is rounded up also where it has too many digits for one") {
  // (1 + 2^-40)^2 is 1 + 2^-39 + 2^-80: above the grid's 1 by less than one step.
  CHECK(must(variance_at_least(1 + 0x1p-40)) == Fraction{(1 << 20) + 1, 1 << 20});
  // (2^24 + 2^-20)^2 = 2^48 + 2^5 + 2^-40, which a double of 53 digits holds as 2^48 + 2^5.
  const Fraction large = must(variance_at_least(0x1p24 + 0x1p-20));
  const std::uint64_t whole = (std::uint64_t{1} << 48) + 32;
  CHECK(large.numerator > whole * large.denominator);
}

TEST_CASE("every variance that is made can be drawn from") {
  for (int power = -20; power <= 26; ++power) {
    for (double factor : {1.0, 1.3, 1.999, 2 - 0x1p-50}) {
      const double sigma = std::ldexp(factor, power);
      CAPTURE(sigma);
      CHECK(DiscreteGaussian::with_variance(must(variance_at_least(sigma))).has_value());
    }
  }
}

TEST_CASE("a standard deviation out of range is refused") {
  for (double sigma : {0.0, -1.0, 0x1p27, std::numeric_limits<double>::infinity(),
                       std::numeric_limits<double>::quiet_NaN()}) {
    CHECK(refusal(variance_at_least(sigma)).find("standard deviation") != std::string::npos);
  }
}

TEST_CASE("the integer root is the largest whose square fits") {
  CHECK(integer_root(0) == 0);
  CHECK(integer_root(1) == 1);
  for (std::uint64_t root : {std::uint64_t{2}, std::uint64_t{3}, std::uint64_t{65535},
                             std::uint64_t{123456789}, std::uint64_t{0xffffffff}}) {
    CHECK(integer_root(root * root) == root);
    CHECK(integer_root(root * root - 1) == root - 1);
    CHECK(integer_root(root * root + 1) == root);
  }
  CHECK(integer_root(std::numeric_limits<std::uint64_t>::max()) == 0xffffffff);
}

TEST_CASE("a scale of Laplace noise is never rounded down") {
  for (const double scale : {0.1, 1.0, 3.7, 1e6 / 3, 0x1p32 * 0.999}) {
    const double made = must(scale_at_least(scale)).value();
    CHECK(made >= scale);
    CHECK(made <= scale + 0x1p-20);
  }
  for (const double scale : {0.0, -1.0, double{NAN}, 0x1p32}) {
    CHECK(scale_at_least(scale).has_error());
  }
}

}  // namespace
}  // namespace fed::privacy
