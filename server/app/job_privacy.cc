#include "app/job_privacy.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <memory>
#include <vector>

#include "coding/job_noise.h"
#include "privacy/calibrate.h"
#include "privacy/discrete_gaussian.h"

namespace fed::app {
namespace {

// Rounding adds at most this share to the sensitivity, and so to the noise.
constexpr double kRoundingShare = 1.0 / 256;

// Draws for many threads, each with coins of its own.
class TileNoise {
 public:
  TileNoise(const privacy::DiscreteGaussian& gaussian, double spacing)
      : gaussian_(gaussian), spacing_(spacing) {}

  void fill(std::span<double> noise) {
    const auto draws = draws_.lend();
    draws->steps.resize(noise.size());
    gaussian_.fill(draws->steps, draws->source);
    for (std::size_t i = 0; i < noise.size(); ++i) {
      noise[i] = static_cast<double>(draws->steps[i]) * spacing_;
    }
    std::fill(draws->steps.begin(), draws->steps.end(), 0);  // nobody finds the noise afterwards
  }

 private:
  struct Draws {
    privacy::RandomSource source;
    std::vector<std::int64_t> steps;
  };

  const privacy::DiscreteGaussian gaussian_;
  const double spacing_;
  aggregate::Pool<Draws> draws_;
};

}  // namespace

Result<JobPrivacy> JobPrivacy::make(const config::JobSpec& job, std::uint64_t coordinates) {
  const config::PrivacySpec& spec = *job.privacy;
  FED_ASSIGN(request, coding::plan_request(job, coordinates));
  JobPrivacy made(spec, request);
  made.update_limit_ = job.aggregation.update_limit;
  made.root_coordinates_ = std::sqrt(static_cast<double>(coordinates));
  FED_ASSIGN(round, privacy::round_cost(request, spec.noise_multiplier));
  made.round_ = round;
  FED_ASSIGN(paid, privacy::rounds_within({spec.epsilon_max, spec.delta}, round));
  made.versions_paid_ = static_cast<std::int64_t>(paid);
  if (paid > 0) {
    if (!made.at_server()) return made;
    FED_ASSIGN(any, aggregate::Grid::make(1, spec.clipping_norm));
    FED_TRY(made.noise(made.grid(any)));
    return made;
  }
  FED_ASSIGN(one, privacy::epsilon_at(round, spec.delta));
  return Error{ErrorCode::invalid,
               fmt::format("the privacy budget pays for no version: one costs epsilon {:.4g}, and "
                           "privacy.epsilon_max is {:.4g}; raise privacy.noise_multiplier (see "
                           "`fedserver privacy plan`)",
                           one.epsilon, spec.epsilon_max)};
}

privacy::Guarantee JobPrivacy::promise(const privacy::RdpCurve& spent) const {
  return privacy::epsilon_at(spent, spec_.delta).value();  // delta was checked with the file
}

store::PrivacyCost JobPrivacy::entry() const {
  const auto values = round_.values();
  return {.mechanism = privacy::name(request_.mechanism),
          .clipping_norm = spec_.clipping_norm,
          .noise_multiplier = spec_.noise_multiplier,
          .rdp = {values.begin(), values.end()}};
}

Status JobPrivacy::check_budget(std::span<const store::LedgerRow> ledger) const {
  FED_ASSIGN(spent, spent_in(ledger));
  const store::PrivacyCost own = entry();
  const bool alike = std::all_of(ledger.begin(), ledger.end(), [&](const store::LedgerRow& row) {
    return row.cost.rdp == own.rdp;
  });
  // As versions_paid is worked out: a budget that is just that would fail by a rounding else.
  const auto after = alike ? round_.times(static_cast<double>(ledger.size() + 1)) : spent + round_;
  const double next = promise(after).epsilon;
  if (next <= spec_.epsilon_max) return {};
  return Error{ErrorCode::invalid,
               fmt::format("the ledger holds {} versions of this job: with another one, epsilon "
                           "would be {:.4g}, above privacy.epsilon_max of {:.4g}",
                           ledger.size(), next, spec_.epsilon_max)};
}

privacy::AdaptiveClip JobPrivacy::rule() const {
  privacy::AdaptiveClip rule{.target_quantile = spec_.adaptive->quantile,
                             .learning_rate = spec_.adaptive->learning_rate};
  // A coordinate beyond the limit would be refused.
  if (at_server()) rule.norm_max = update_limit_;
  return rule;
}

double JobPrivacy::next_norm(double norm, const coding::JobNoise& noise,
                             const secagg::Codec::Mean& sum) const {
  return privacy::next_norm(rule(), norm, noise.within_norm(sum));
}

// One client moves the difference by one, and the noise has twice the deviation of the count's.
Result<double> JobPrivacy::next_norm(double norm, std::int64_t more_within,
                                     std::int64_t contributions) const {
  FED_ASSIGN(variance, privacy::variance_at_least(2 * spec_.adaptive->count_noise));
  FED_ASSIGN(gaussian, privacy::DiscreteGaussian::with_variance(variance));
  privacy::RandomSource source;
  const auto noisy = static_cast<double>(more_within + gaussian.draw(source));
  const double fraction = (noisy / static_cast<double>(contributions) + 1) / 2;
  return privacy::next_norm(rule(), norm, fraction);
}

std::string norm_text(double norm) { return fmt::format("{}", norm); }

Result<double> norm_from(const config::JobSpec& job, std::int64_t version,
                         const tensor::Metadata& checkpoint) {
  if (!job.privacy || !job.privacy->adaptive) return 0;
  if (version == 0) return job.privacy->clipping_norm;
  const auto found = checkpoint.find("clipping_norm");
  double norm = 0;
  if (found != checkpoint.end()) {
    const std::string& text = found->second;
    std::from_chars(text.data(), text.data() + text.size(), norm);
  }
  if (std::isfinite(norm) && norm > 0) return norm;
  return Error{ErrorCode::malformed,
               fmt::format("the checkpoint of version {} of job {} has no clipping norm", version,
                           job.name)};
}

Result<privacy::RdpCurve> spent_in(std::span<const store::LedgerRow> ledger) {
  privacy::RdpCurve spent;
  for (const store::LedgerRow& row : ledger) {
    const auto cost = privacy::RdpCurve::from_values(row.cost.rdp);
    if (!cost) {
      return Error{ErrorCode::malformed,
                   "the privacy ledger's row of job \"" + row.job + "\", round " +
                       std::to_string(row.round) +
                       ", was written by another version: " + cost.error().detail};
    }
    spent += *cost;
  }
  return spent;
}

// The largest power of two with which rounding moves a vector by at most its share.
double JobPrivacy::spacing(double norm) const {
  const double most = 2 * kRoundingShare * norm / root_coordinates_;
  return std::ldexp(1.0, static_cast<int>(std::floor(std::log2(most))));
}

aggregate::Grid JobPrivacy::grid(const aggregate::Grid& exact, double norm) const {
  return exact.coarser(spacing(norm_or_own(norm)));
}

double JobPrivacy::sensitivity(const aggregate::Grid& grid, double norm) const {
  return norm_or_own(norm) + grid.spacing() * root_coordinates_ / 2;
}

Result<aggregate::Noise> JobPrivacy::noise(const aggregate::Grid& grid, double norm) const {
  double multiplier = spec_.noise_multiplier;
  if (spec_.adaptive) {
    FED_ASSIGN(split, privacy::split_noise(multiplier, spec_.adaptive->count_noise));
    multiplier = split.vector;
  }
  const double steps = multiplier * sensitivity(grid, norm) / grid.spacing();
  FED_ASSIGN(variance, privacy::variance_at_least(steps));
  FED_ASSIGN(gaussian, privacy::DiscreteGaussian::with_variance(variance));
  const auto noise = std::make_shared<TileNoise>(gaussian, grid.spacing());
  return aggregate::Noise([noise](std::span<double> tile) { noise->fill(tile); });
}

}  // namespace fed::app
