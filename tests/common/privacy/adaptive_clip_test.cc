#include "privacy/adaptive_clip.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "must.h"
#include "privacy/rdp.h"
#include "privacy/sampled_gaussian.h"

namespace fed::privacy {
namespace {

double fraction_within(const std::vector<double>& norms, double limit) {
  const auto within = [=](double norm) { return norm <= limit; };
  return static_cast<double>(std::count_if(norms.begin(), norms.end(), within)) /
         static_cast<double>(norms.size());
}

TEST_CASE("the norm follows the reference sequence") {
  const AdaptiveClip rule{.target_quantile = 0, .learning_rate = std::log(2)};
  const std::vector<double> norms{5, 2.5};
  double norm = 16;
  for (double expected : {8.0, 4.0, 2.8284271247461903, 2.0, 2.0}) {
    norm = next_norm(rule, norm, fraction_within(norms, norm));
    CHECK(norm == Approx(expected).epsilon(1e-12));
  }
}

TEST_CASE("the norm settles at the quantile that is asked for") {
  std::vector<double> norms;
  for (int i = 1; i <= 1000; ++i) norms.push_back(i / 100.0);
  for (double quantile : {0.1, 0.5, 0.9}) {
    for (double start : {1e-3, 1.0, 1e3}) {
      const AdaptiveClip rule{.target_quantile = quantile};
      double norm = start;
      for (int round = 0; round < 1000; ++round) {
        norm = next_norm(rule, norm, fraction_within(norms, norm));
      }
      CAPTURE(quantile, start);
      CHECK(norm == Approx(10 * quantile).epsilon(0.01));
    }
  }
}

TEST_CASE("a step is the exponential of the learning rate times the error") {
  const AdaptiveClip rule{.target_quantile = 0.25, .learning_rate = 0.2};
  CHECK(next_norm(rule, 3, 0.25) == 3);
  CHECK(next_norm(rule, 3, 1) == Approx(3 * std::exp(-0.15)));
  CHECK(next_norm(rule, 3, 0) == Approx(3 * std::exp(0.05)));
  CHECK(next_norm(rule, 3, 1.5) == Approx(3 * std::exp(-0.25)));
  CHECK(next_norm(rule, 3, -0.5) == Approx(3 * std::exp(0.15)));
}

TEST_CASE("no noise leads out of the range, and no nonsense moves the norm") {
  const AdaptiveClip rule{.norm_min = 0.5, .norm_max = 2};
  CHECK(next_norm(rule, 1, 1e9) == 0.5);
  CHECK(next_norm(rule, 1, -1e9) == 2);
  CHECK(next_norm(rule, 1, -std::numeric_limits<double>::infinity()) == 2);
  CHECK(next_norm(rule, 1, std::numeric_limits<double>::quiet_NaN()) == 1);
  CHECK(next_norm(rule, 7, 0.5) == 2);
}

TEST_CASE("the two noises together cost what one does") {
  for (double z : {0.5, 1.0, 4.0}) {
    for (double sigma : {2.5, 10.0, 50.0}) {
      CAPTURE(z, sigma);
      const SplitNoise split = must(split_noise(z, sigma));
      CHECK(split.count == sigma);
      CHECK(split.vector > z);
      CHECK(split.vector == Approx(1 / std::sqrt(1 / (z * z) - 1 / (4 * sigma * sigma))));
      // A sum of bits of which one client changes a half is a Gaussian mechanism of 2 sigma.
      const RdpCurve both = must(sampled_gaussian_curve(1, split.vector)) +
                            must(sampled_gaussian_curve(1, 2 * split.count));
      const RdpCurve one = must(sampled_gaussian_curve(1, z));
      for (std::size_t i = 0; i < kRdpOrders; i += 20) {
        CHECK(both.values()[i] == Approx(one.values()[i]).epsilon(1e-10));
      }
    }
  }
}

TEST_CASE("a count without enough noise is refused: it would cost more than the round") {
  CHECK(refusal(split_noise(1, 0.5)).find("count") != std::string::npos);
  CHECK(refusal(split_noise(1, 0.4)).find("0.5") != std::string::npos);
  CHECK(must(split_noise(1, 0.500001)).vector > 100);
  for (double z : {0.0, -1.0, std::numeric_limits<double>::quiet_NaN()}) {
    CHECK(refusal(split_noise(z, 10)).find("noise multiplier") != std::string::npos);
  }
  CHECK(!refusal(split_noise(1, std::numeric_limits<double>::quiet_NaN())).empty());
}

TEST_CASE("a rule out of range is refused with what is wrong") {
  CHECK(check(AdaptiveClip{}).has_value());
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (double bad : {-0.1, 1.1, nan}) {
    CHECK(refusal(check(AdaptiveClip{.target_quantile = bad})).find("quantile") !=
          std::string::npos);
  }
  for (double bad : {0.0, -1.0, nan, std::numeric_limits<double>::infinity()}) {
    CHECK(refusal(check(AdaptiveClip{.learning_rate = bad})).find("learning rate") !=
          std::string::npos);
    CHECK(refusal(check(AdaptiveClip{.norm_min = bad})).find("range") != std::string::npos);
  }
  CHECK(refusal(check(AdaptiveClip{.norm_min = 2, .norm_max = 1})).find("2 to 1") !=
        std::string::npos);
}

}  // namespace
}  // namespace fed::privacy
