#include "privacy/calibrate.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "must.h"
#include "privacy/sampled_gaussian.h"
#include "privacy/search.h"

namespace fed::privacy {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

double epsilon(double sigma, double delta, double q, std::uint64_t rounds) {
  return must(epsilon_for(sigma, delta, q, rounds)).epsilon;
}

TEST_CASE("the noise for epsilon 8 is that of Opacus") {
  // Opacus stops its search within 0.01 of the epsilon and reports 1.416.
  const double sigma = must(noise_multiplier_for(8, 1e-5, 0.04, 2250));
  CHECK(sigma == Approx(1.416).margin(5e-4));
  CHECK(epsilon(sigma, 1e-5, 0.04, 2250) <= 8);
  CHECK(epsilon(sigma, 1e-5, 0.04, 2250) == Approx(8).epsilon(1e-5));
}

TEST_CASE("epsilon is the accountant's, with the order where it was found") {
  const Guarantee spent = must(epsilon_for(1.3, 1e-5, 150 / 60000.0, 6000));
  CHECK(spent.epsilon == Approx(0.7242234026).epsilon(1e-9));
  CHECK(spent.order == 19);
  CHECK(must(epsilon_for(1, 1e-7, 0.001, 30000)).order == 13);
  CHECK(must(epsilon_for(1, 1e-7, 0.001, 0)).epsilon == 0);
}

TEST_CASE("the noise is enough, and less of it is not") {
  for (double target : {0.1, 1.0, 10.0}) {
    for (double q : {0.01, 1.0}) {
      CAPTURE(target, q);
      const double sigma = must(noise_multiplier_for(target, 1e-6, q, 100));
      CHECK(epsilon(sigma, 1e-6, q, 100) <= target);
      CHECK(epsilon(sigma * (1 - 2e-6), 1e-6, q, 100) > target);
    }
  }
}

TEST_CASE("the rounds are kept, and one more is too many") {
  for (double target : {0.5, 3.0}) {
    for (double q : {0.01, 0.2}) {
      CAPTURE(target, q);
      const std::uint64_t rounds = must(rounds_for(target, 1e-5, q, 2));
      CHECK(epsilon(2, 1e-5, q, rounds) <= target);
      CHECK(epsilon(2, 1e-5, q, rounds + 1) > target);
    }
  }
  CHECK(must(rounds_for(7.3291112, 1e-5, 0.04, 1.5)) == 2250);
  CHECK(must(rounds_for(7.3291111, 1e-5, 0.04, 1.5)) == 2249);
}

TEST_CASE("no round may be affordable, or all of them") {
  CHECK(must(rounds_for(0.1, 1e-5, 1, 0.5)) == 0);
  CHECK(must(rounds_for(1, 1e-5, 0, 1)) == std::uint64_t{1} << 40);
  CHECK(must(rounds_within({1, 1e-5}, RdpCurve())) == std::uint64_t{1} << 40);
  CHECK(must(rounds_within({1, 1e-5}, RdpCurve::unbounded())) == 0);
}

TEST_CASE("questions without an answer are refused with what is wrong") {
  for (double bad : {0.0, -1.0, kNan, std::numeric_limits<double>::infinity()}) {
    CHECK(refusal(noise_multiplier_for(bad, 1e-5, 0.1, 10)).find("epsilon") == 0);
    CHECK(refusal(rounds_for(bad, 1e-5, 0.1, 1)).find("epsilon") == 0);
  }
  for (double bad : {0.0, 1.0, kNan}) {
    CHECK(refusal(noise_multiplier_for(1, bad, 0.1, 10)).find("delta") == 0);
    CHECK(refusal(rounds_for(1, bad, 0.1, 1)).find("delta") == 0);
    CHECK(refusal(epsilon_for(1, bad, 0.1, 1)).find("delta") == 0);
  }
  CHECK(refusal(noise_multiplier_for(1, 1e-5, 1.5, 10)).find("sampling rate") != std::string::npos);
  CHECK(refusal(noise_multiplier_for(1, 1e-5, 0.5, 0)).find("no round") == 0);
  CHECK(refusal(rounds_for(1, 1e-5, 0.5, 0)).find("noise") != std::string::npos);
}

TEST_CASE("what no noise gives is an answer as well") {
  const RoundCost deaf = [](double) -> Result<RdpCurve> { return RdpCurve::unbounded(); };
  CHECK(refusal(least_noise({1, 1e-5}, 1, deaf)).find("no noise") == 0);
  const RoundCost broken = [](double) -> Result<RdpCurve> {
    return Error{ErrorCode::invalid, "never"};
  };
  CHECK(refusal(least_noise({1, 1e-5}, 1, broken)).find("no noise") == 0);
}

TEST_CASE("a search ends just above the point where the answer changes") {
  for (double point : {1e-5, 0.3, 1.0, 1.7, 1e4, 1e11}) {
    const double found = least_with([=](double x) { return x >= point; }, 1e-9);
    CHECK(found >= point);
    CHECK(found <= point * (1 + 2e-9));
  }
  CHECK(least_with([](double) { return false; }, 1e-6) == 0);
  CHECK(least_with([](double) { return true; }, 1e-6) <= kSearchMin);
}

}  // namespace
}  // namespace fed::privacy
