// What a section "privacy" means for the rounds of a job.
#include "app/job_privacy.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "privacy/plan.h"

namespace fed::app {
namespace {

using aggregate::Grid;
using Spec = config::PrivacySpec;

Spec spec_of(double noise, double epsilon_max = 1000, double clipping_norm = 2) {
  return {.clipping_norm = clipping_norm,
          .noise_multiplier = noise,
          .delta = 1e-5,
          .epsilon_max = epsilon_max};
}

config::JobSpec job_of(const Spec& spec) {
  config::JobSpec job;
  job.privacy = spec;
  return job;
}

JobPrivacy privacy_of(const Spec& spec, std::uint64_t coordinates = 10000) {
  return JobPrivacy::make(job_of(spec), coordinates).value();
}

std::vector<store::LedgerRow> ledger_of(const JobPrivacy& privacy, std::int64_t versions) {
  std::vector<store::LedgerRow> ledger;
  for (std::int64_t i = 1; i <= versions; ++i) ledger.push_back({"a", i, privacy.entry(), i});
  return ledger;
}

TEST_CASE("the budget pays for as many versions as a plan says") {
  for (const double epsilon : {6.0, 20.0, 111.0}) {
    const JobPrivacy privacy = privacy_of(spec_of(1.2, epsilon));
    privacy::PlanRequest request;
    request.noise_multiplier = 1.2;
    request.epsilon = epsilon;
    request.delta = 1e-5;
    const auto plan = privacy::make_plan(request).value();
    CHECK(privacy.versions_paid() == static_cast<std::int64_t>(plan.rounds));
    const auto ledger = ledger_of(privacy, privacy.versions_paid());
    CHECK(privacy.promise(spent_in(ledger).value()).epsilon == Approx(plan.guarantee.epsilon));
    CHECK(plan.guarantee.epsilon <= epsilon);
    // The ledger alone stops what would go beyond it.
    CHECK(privacy.check_budget(std::span(ledger).first(ledger.size() - 1)).has_value());
    const Status beyond = privacy.check_budget(ledger);
    REQUIRE_FALSE(beyond.has_value());
    CHECK_THAT(beyond.error().detail, Catch::Contains("epsilon_max"));
  }
}

TEST_CASE("a budget that is a plan's figure to the last digit pays for the plan's versions") {
  for (const double noise : {0.7, 0.78, 1.1, 1.83, 2.0, 2.5}) {
    for (const std::uint64_t versions : {1U, 3U, 7U, 20U, 23U}) {
      CAPTURE(noise, versions);
      privacy::PlanRequest request;
      request.noise_multiplier = noise;
      request.rounds = versions;
      request.delta = 1e-5;
      const double epsilon = privacy::make_plan(request)->guarantee.epsilon;
      const JobPrivacy privacy = privacy_of(spec_of(noise, epsilon));
      const auto paid = static_cast<std::int64_t>(versions);
      REQUIRE(privacy.versions_paid() == paid);
      CHECK(privacy.check_budget(ledger_of(privacy, paid - 1)).has_value());
      CHECK_FALSE(privacy.check_budget(ledger_of(privacy, paid)).has_value());
    }
  }
}

TEST_CASE("a budget that pays for nothing is refused and names the noise") {
  const auto made = JobPrivacy::make(job_of(spec_of(0.5, 1)), 100);
  REQUIRE_FALSE(made.has_value());
  CHECK(made.error().code == ErrorCode::invalid);
  CHECK_THAT(made.error().detail, Catch::Contains("noise_multiplier"));
}

TEST_CASE("noise that the exact sampler cannot draw is refused when the job is made") {
  CHECK_FALSE(JobPrivacy::make(job_of(spec_of(1000)), std::uint64_t{1} << 40).has_value());
}

TEST_CASE("a ledger of another program is not read as free") {
  const JobPrivacy privacy = privacy_of(spec_of(1));
  auto ledger = ledger_of(privacy, 1);
  ledger[0].cost.rdp.pop_back();
  CHECK(spent_in(ledger).error().code == ErrorCode::malformed);
  CHECK_FALSE(privacy.check_budget(ledger).has_value());
}

TEST_CASE("rounding to the grid moves a client by at most what the noise is scaled to") {
  for (const std::uint64_t coordinates : {1ULL, 100ULL, 1000000ULL}) {
    const JobPrivacy privacy = privacy_of(spec_of(1), coordinates);
    const Grid grid = privacy.grid(Grid::make(100, 64).value());
    const double moved = grid.spacing() / 2 * std::sqrt(static_cast<double>(coordinates));
    CHECK(privacy.sensitivity(grid) == Approx(2 + moved));
    CHECK(moved <= 2.0 / 256);
    CHECK(moved > 2.0 / 1024);
  }
  // Where the exact sum needs a coarser grid, the noise follows that one.
  const JobPrivacy tiny = privacy_of(spec_of(1, 1000, 1e-12), 1000000);
  const Grid exact = Grid::make(1e6, 1e6).value();
  CHECK(tiny.grid(exact).spacing() == exact.spacing());
  CHECK(tiny.sensitivity(exact) > exact.spacing() * 499);
}

TEST_CASE("noise: multiples of the grid, of the deviation that was promised") {
  const JobPrivacy privacy = privacy_of(spec_of(1.5));
  const Grid grid = privacy.grid(Grid::make(10, 64).value());
  const aggregate::Noise noise = privacy.noise(grid).value();
  std::vector<double> tile(200000), other(1000);
  noise(tile);
  noise(other);
  double sum = 0, squares = 0;
  bool whole = true;
  for (const double value : tile) {
    whole = whole && std::fmod(value, grid.spacing()) == 0;
    sum += value;
    squares += value * value;
  }
  CHECK(whole);
  const auto count = static_cast<double>(tile.size());
  const double deviation = 1.5 * privacy.sensitivity(grid);
  // Seven standard errors.
  CHECK(std::fabs(sum / count) < 7 * deviation / std::sqrt(count));
  CHECK(std::fabs(squares / count / (deviation * deviation) - 1) < 7 * std::sqrt(2 / count));
  CHECK_FALSE(std::equal(other.begin(), other.end(), tile.begin()));
}

TEST_CASE("a version's clipping norm is in its checkpoint, to the last digit") {
  config::JobSpec job = job_of(spec_of(1));
  CHECK(norm_from(job, 3, {}).value() == 0);
  job.privacy->adaptive = config::AdaptiveClipSpec{.count_noise = 2};
  CHECK(norm_from(job, 0, {}).value() == 2);
  for (const double norm : {0.1, 1.0 / 3, 1e-9, 12345.678901234567}) {
    CHECK(norm_from(job, 3, {{"clipping_norm", norm_text(norm)}}).value() == norm);
  }
  for (const char* text : {"", "none", "0", "-1", "inf", "nan"}) {
    CHECK(norm_from(job, 3, {{"clipping_norm", text}}).error().code == ErrorCode::malformed);
  }
  CHECK(norm_from(job, 3, {}).error().code == ErrorCode::malformed);
}

TEST_CASE("a norm that adapts: noise of the server is split between the sum and the count") {
  config::JobSpec job = job_of(spec_of(1.5));
  job.aggregation.update_limit = 64;
  job.privacy->adaptive =
      config::AdaptiveClipSpec{.quantile = 0.5, .learning_rate = 1, .count_noise = 1};
  const JobPrivacy privacy = JobPrivacy::make(job, 10000).value();
  CHECK(privacy.round().values()[5] == privacy_of(spec_of(1.5)).round().values()[5]);
  // (1.5^-2 - 2^-2)^(-1/2)
  const double vector = 1 / std::sqrt(1 / 2.25 - 0.25);
  for (const double norm : {0.01, 2.0, 50.0}) {
    const Grid grid = privacy.grid(Grid::make(10, 64).value(), norm);
    std::vector<double> tile(100000);
    privacy.noise(grid, norm).value()(tile);
    double squares = 0;
    for (const double value : tile) squares += value * value;
    const double deviation = vector * privacy.sensitivity(grid, norm);
    CHECK(privacy.sensitivity(grid, norm) == Approx(norm).epsilon(1.0 / 128));
    CHECK(std::fabs(squares / 1e5 / (deviation * deviation) - 1) < 7 * std::sqrt(2 / 1e5));
  }
  // 30 of 40 within it: the fraction is 3/4, and its noise 1/40.
  double mean = 0, spread = 0;
  constexpr int kDraws = 2000;
  for (int i = 0; i < kDraws; ++i) {
    const double moved = -std::log(privacy.next_norm(2, 20, 40).value() / 2) - 0.25;
    mean += moved / kDraws;
    spread += moved * moved / kDraws;
  }
  CHECK(std::fabs(mean) < 7 * 0.025 / std::sqrt(kDraws));
  CHECK(std::fabs(spread / (0.025 * 0.025) - 1) < 7 * std::sqrt(2.0 / kDraws) + 0.02);
  // Never beyond what a coordinate may have.
  CHECK(privacy.next_norm(63.9, -40, 40).value() == 64);
}

}  // namespace
}  // namespace fed::app
