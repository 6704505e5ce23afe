#include "coding/job_noise.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "coding/job_codec.h"

namespace fed::coding {
namespace {

using privacy::Mechanism;

// Of the conditional rounding, as the paper suggests.
const double kBeta = std::exp(-0.5);

Mechanism mechanism_of(const config::PrivacySpec& spec) {
  using Named = config::PrivacySpec::Mechanism;
  switch (spec.mechanism) {
    case Named::central_gaussian:
      return Mechanism::central_gaussian;
    case Named::distributed_gaussian:
      return Mechanism::distributed_gaussian;
    case Named::local_gaussian:
      return Mechanism::local_gaussian;
    case Named::local_laplace:
      return Mechanism::local_laplace;
  }
  FED_CHECK(false);
}

// Upwards, so that the rounding of a product takes nothing from the noise.
double at_least(double value) {
  return std::nextafter(value, std::numeric_limits<double>::infinity());
}

// A sum of `clients` draws of this standard deviation; `scale` of Laplace draws.
std::uint64_t tail(double clients, double deviation, double scale) {
  constexpr double kDeviations = 12, kScales = 48;
  return static_cast<std::uint64_t>(
             std::ceil(kDeviations * std::sqrt(clients) * deviation + kScales * scale)) +
         1;
}

Error with_advice(const Error& error, const char* advice) {
  return {error.code, "the noise that \"privacy\" asks of clients cannot be made: " + error.detail +
                          "; " + advice};
}

double length_of(std::span<const float> values, bool l1) {
  double sum = 0;
  for (const float value : values) {
    const double each = value;
    sum += l1 ? std::fabs(each) : each * each;
  }
  return l1 ? sum : std::sqrt(sum);
}

}  // namespace

Result<privacy::PlanRequest> plan_request(const config::JobSpec& job, std::uint64_t coordinates) {
  if (has_client_noise(job)) {
    FED_ASSIGN(codec, codec_of(job, coordinates, 0));
    FED_ASSIGN(noise, JobNoise::make(job, codec));
    return noise.request();
  }
  privacy::PlanRequest request;
  request.mechanism = mechanism_of(*job.privacy);
  request.noise_multiplier = job.privacy->noise_multiplier;
  request.delta = job.privacy->delta;
  return request;
}

Result<JobNoise> JobNoise::make(const config::JobSpec& job, const secagg::Codec& grid) {
  privacy::PlanRequest request;
  request.mechanism = mechanism_of(*job.privacy);
  request.noise_multiplier = job.privacy->noise_multiplier;
  request.delta = job.privacy->delta;
  const std::int64_t sharers = config::noise_sharers(job);
  if (sharers < 1) return Error{ErrorCode::invalid, "nobody's noise would be left in a sum"};
  JobNoise noise(request, grid);
  Status sized = job.privacy->adaptive ? noise.size_bit(*job.privacy->adaptive) : Status();
  if (sized && noise.is_shared()) {
    sized = noise.size_shared(static_cast<std::uint64_t>(sharers));
  } else if (sized) {
    sized = noise.size_local();
  }
  if (!sized) {
    return with_advice(
        sized.error(),
        "change quantisation.steps or privacy.noise_multiplier: a finer grid has more "
        "steps in the same noise");
  }
  const double deviation = noise.gaussian_ ? std::sqrt(noise.gaussian_->variance().value())
                                           : std::sqrt(2.0) * noise.laplace_->scale().value();
  const auto clients = static_cast<std::uint64_t>(job.rounds.cohort);
  noise.head_room_ = tail(static_cast<double>(clients), deviation,
                          noise.laplace_ ? noise.laplace_->scale().value() : 0) +
                     clients * static_cast<std::uint64_t>(noise.bit_);
  return noise;
}

// S^2 = C^2 + h^2 = C^2 + (z S / (2 sigma_b))^2. Rounded down, h says less than it might.
Status JobNoise::size_bit(const config::AdaptiveClipSpec& adaptive) {
  const double share = *request_.noise_multiplier / (2 * adaptive.count_noise);
  if (!(share < 1)) return Error{ErrorCode::invalid, "the noise of the count takes all there is"};
  const double together = clip_steps_ / std::sqrt(1 - share * share);
  if (!(share * together >= 1 && share * together < 0x1p30)) {
    return Error{ErrorCode::invalid,
                 "whether an update was within the norm takes at least one step of the grid"};
  }
  bit_ = static_cast<std::int64_t>(share * together);
  clip_steps_ = at_least(std::hypot(clip_steps_, static_cast<double>(bit_)));
  return {};
}

Status JobNoise::size_shared(std::uint64_t sharers) {
  request_.distributed = {.survivors_min = sharers,
                          .dimension = rounded_ + (bit_ > 0 ? 1 : 0),
                          .clip_steps = clip_steps_,
                          .beta = kBeta};
  const privacy::DistributedSetting& setting = request_.distributed;
  FED_ASSIGN(norm, privacy::rounded_norm(setting.clip_steps, setting.dimension, setting.beta));
  // What the bit leaves, which is not rounded.
  limit_.l2_squared_max = norm.l2_squared_max - static_cast<std::uint64_t>(bit_ * bit_);
  FED_ASSIGN(variance, privacy::client_variance(setting, *request_.noise_multiplier));
  FED_ASSIGN(gaussian, privacy::DiscreteGaussian::with_variance(variance));
  gaussian_ = gaussian;
  // What it costs can be said.
  FED_TRY(privacy::round_cost(request_, *request_.noise_multiplier));
  return {};
}

Status JobNoise::size_local() {
  const double z = *request_.noise_multiplier;
  if (request_.mechanism == Mechanism::local_laplace) {
    FED_ASSIGN(l1, privacy::rounded_l1(clip_steps_, rounded_, kBeta));
    limit_.l1_max = l1;
    FED_ASSIGN(scale, privacy::scale_at_least(at_least(z * static_cast<double>(l1))));
    FED_ASSIGN(laplace, privacy::DiscreteLaplace::with_scale(scale));
    laplace_ = laplace;
    return {};
  }
  FED_ASSIGN(norm, privacy::rounded_norm(clip_steps_, rounded_ + (bit_ > 0 ? 1 : 0), kBeta));
  limit_.l2_squared_max = norm.l2_squared_max - static_cast<std::uint64_t>(bit_ * bit_);
  FED_ASSIGN(variance, privacy::variance_at_least(at_least(z * at_least(norm.l2_max))));
  FED_ASSIGN(gaussian, privacy::DiscreteGaussian::with_variance(variance));
  gaussian_ = gaussian;
  return {};
}

bool JobNoise::is_shared() const { return request_.mechanism == Mechanism::distributed_gaussian; }

Result<std::vector<std::int64_t>> JobNoise::round(std::vector<float> prepared,
                                                  const secagg::Codec& codec,
                                                  privacy::RandomSource& source) const {
  FED_CHECK(prepared.size() == rounded_);
  const double length = length_of(prepared, laplace_.has_value());
  if (!std::isfinite(length)) {
    return Error{ErrorCode::invalid, "an update has a value that is not finite"};
  }
  const double shrink = length > codec.clip_norm() ? codec.clip_norm() / length : 1;
  const double most = codec.coordinate_max();
  for (float& value : prepared) {
    value = static_cast<float>(std::clamp(double{value} * shrink, -most, most));
  }
  std::vector<std::int64_t> rounded(prepared.size());
  FED_TRY(privacy::round_conditionally(prepared, codec.steps() / most, limit_, source, rounded));
  if (bit_ > 0) rounded.push_back(length <= codec.clip_norm() ? bit_ : -bit_);
  return rounded;
}

// Of n clients, b h - (n - b) h is the sum of bits.
double JobNoise::within_norm(const secagg::Codec::Mean& sum) const {
  const auto clients = static_cast<double>(sum.weight);
  return (sum.count / static_cast<double>(bit_) / clients + 1) / 2;
}

std::int64_t JobNoise::draw(privacy::RandomSource& source) const {
  return gaussian_ ? gaussian_->draw(source) : laplace_->draw(source);
}

void JobNoise::add(secagg::Words& vector, privacy::RandomSource& source) const {
  const std::uint64_t noised = rounded_ + (bit_ > 0 ? 1 : 0);
  FED_CHECK(secagg::length_of(vector) > noised);
  std::visit(
      [&](auto& elements) {
        using Word = typename std::remove_reference_t<decltype(elements)>::value_type;
        for (std::uint64_t i = 0; i < noised; ++i) {
          elements[i] += static_cast<Word>(draw(source));
        }
      },
      vector);
}

}  // namespace fed::coding
