#include "coding/job_codec.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "coding/job_noise.h"
#include "secagg/packing.h"

namespace fed::coding {
namespace {

// Of metric_names(): loss, accuracy, auc, rmse, mae, r2.
constexpr std::size_t kMetrics = 6;
constexpr std::size_t kRmse = 3;  // whose square has a mean over all rows

// With what the sums are made of.
Error too_wide(const config::JobSpec& job, const Error& why) {
  return {why.code, why.detail + "; quantisation.steps is " +
                        std::to_string(job.quantisation->steps) + ", quantisation.weight_max " +
                        std::to_string(job.quantisation->weight_max) + ", rounds.cohort " +
                        std::to_string(job.rounds.cohort)};
}

std::uint32_t permille(double share) {
  return static_cast<std::uint32_t>(std::lround(share * 1000));
}

}  // namespace

crypto::Hash settings_hash(std::string_view job_text) {
  return secagg::Transcript("fed job settings").add(job_text).finish();
}

crypto::Hash start_of(const crypto::Hash& model, double norm) {
  if (!(norm > 0)) return model;
  return secagg::Transcript("fed round start")
      .add(model)
      .add_number(std::bit_cast<std::uint64_t>(norm))
      .finish();
}

bool has_client_noise(const config::JobSpec& job) {
  return job.privacy && job.privacy->at_clients();
}

Result<secagg::Codec> codec_of(const config::JobSpec& job, std::uint64_t coordinates,
                               std::int64_t base_version, double norm) {
  FED_CHECK(job.quantisation.has_value());
  const config::QuantisationSpec& how = *job.quantisation;
  secagg::CodecShape shape{.coordinates = coordinates,
                           .clip_norm = norm > 0 ? norm : how.clipping_norm,
                           .steps = static_cast<std::uint32_t>(how.steps),
                           .weight_max = static_cast<std::uint32_t>(how.weight_max),
                           .clients_max = static_cast<std::uint32_t>(job.rounds.cohort),
                           .rotated = how.rotation,
                           .kept = how.kept,
                           .measures = has_client_noise(job) ? 0 : kMetrics,
                           .counts = has_client_noise(job) && job.privacy->adaptive,
                           .seed = secagg::Transcript("fed job updates")
                                       .add(job.name)
                                       .add_number(job.rounds.seed)
                                       .add_number(static_cast<std::uint64_t>(base_version))
                                       .finish()};
  auto made = secagg::Codec::make(shape);
  if (!made) return too_wide(job, made.error());
  secagg::Codec codec = std::move(*made);
  if (!has_client_noise(job)) return codec;
  FED_ASSIGN(noise, JobNoise::make(job, codec));
  shape.head_room = noise.head_room();
  auto with_room = secagg::Codec::make(std::move(shape));
  if (!with_room) return too_wide(job, with_room.error());
  return with_room;
}

StatisticsCodec statistics_codec_of(const config::JobSpec& job, std::uint64_t values) {
  return StatisticsCodec(values, static_cast<std::uint32_t>(job.rounds.cohort));
}

VectorShape shape_of(const secagg::Codec& codec) { return {codec.modulus_bits(), codec.length()}; }

VectorShape shape_of(const StatisticsCodec& codec) {
  return {codec.modulus_bits(), codec.length()};
}

std::uint64_t packed_bytes(const VectorShape& shape) {
  return secagg::packed_bytes(shape.modulus_bits, shape.length);
}

std::uint32_t weight_of(const config::JobSpec& job, std::int64_t examples) {
  const std::int64_t most = job.quantisation->weight_max;
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(examples, 1, most));
}

std::vector<secagg::Measure> measures_of(const config::JobSpec& job,
                                         const std::optional<model::Metrics>& metrics) {
  std::vector<secagg::Measure> measures(model::metric_names().size());
  if (!metrics || metrics->examples < 1) return measures;
  for (std::size_t i = 0; i < measures.size(); ++i) {
    const auto value = model::value_of(*metrics, model::metric_names()[i]);
    if (!value || !std::isfinite(*value)) continue;
    measures[i] = {i == kRmse ? *value * *value : *value, weight_of(job, metrics->examples)};
  }
  return measures;
}

std::optional<model::Metrics> metrics_of(std::span<const secagg::Measure> measures) {
  if (measures.empty()) return std::nullopt;
  FED_CHECK(measures.size() == kMetrics && model::metric_names().size() == kMetrics);
  if (measures[0].weight == 0) return std::nullopt;
  const auto known = [&](std::size_t i) -> std::optional<double> {
    if (measures[i].weight == 0) return std::nullopt;
    return measures[i].value;
  };
  const std::optional<double> square = known(kRmse);
  return model::Metrics{.examples = measures[0].weight,
                        .loss = measures[0].value,
                        .accuracy = known(1),
                        .auc = known(2),
                        .rmse = square ? std::optional(std::sqrt(*square)) : std::nullopt,
                        .mae = known(4),
                        .r2 = known(5)};
}

secagg::Threat threat_of(const config::SecureAggregationSpec& spec) {
  using Adversary = config::SecureAggregationSpec::Adversary;
  return {.adversary = spec.adversary == Adversary::curious ? secagg::Adversary::curious
                                                            : secagg::Adversary::semi_malicious,
          .corrupted_permille = permille(spec.corrupted),
          .dropped_permille = permille(spec.dropped)};
}

}  // namespace fed::coding
