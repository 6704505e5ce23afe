// What a job's sections "quantisation" and "secure_aggregation" mean for secagg: server and clients
// must agree on every bit of it, so it is worked out here for both.
//
// A site's metrics of the global model travel in the same vector as its update, each weighted by
// the site's test rows (at most weight_max), so that the server sees their means over the sites
// only. Pure functions; thread-safe.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "coding/statistics_codec.h"
#include "config/job.h"
#include "model/metrics.h"
#include "secagg/codec.h"
#include "secagg/terms.h"

namespace fed::coding {

// Of the job's text as clients are told it, byte by byte: the hyper-parameters that clients agree
// on.
crypto::Hash settings_hash(std::string_view job_text);

// How updates from the global model of that version become integers, with masks or without them.
// The job has a section "quantisation". With noise of clients (job_noise.h) there are no measures,
// and room for the noise. `norm` is the round's clipping norm, 0 for the job's own; it stretches
// the grid and changes nothing else. ErrorCode::invalid, for the operator, if they fit no 64 bits
// or the noise is out of range.
Result<secagg::Codec> codec_of(const config::JobSpec& job, std::uint64_t coordinates,
                               std::int64_t base_version, double norm = 0);

// What the updates of a round start from, as clients agree on it before they sum: the model, and
// with a clipping norm that adapts (`norm` above 0) that as well.
crypto::Hash start_of(const crypto::Hash& model, double norm);

// How the sums of a site's number columns do: `values` numbers.
StatisticsCodec statistics_codec_of(const config::JobSpec& job, std::uint64_t values);

// Of a vector of integers, as it is summed.
struct VectorShape {
  unsigned modulus_bits = 0;
  std::uint64_t length = 0;  // elements
};
VectorShape shape_of(const secagg::Codec& codec);
VectorShape shape_of(const StatisticsCodec& codec);

// On the wire and in the outbox.
std::uint64_t packed_bytes(const VectorShape& shape);

// Examples as a weight: at most weight_max, or 1.
std::uint32_t weight_of(const config::JobSpec& job, std::int64_t examples);

// Whether clients add noise of their own: then nothing else leaves them, which it would not cover.
bool has_client_noise(const config::JobSpec& job);

// In the order of model::metric_names(); no metrics are measures without weight.
std::vector<secagg::Measure> measures_of(const config::JobSpec& job,
                                         const std::optional<model::Metrics>& metrics);
// Of the sum: means over the sites, `examples` being the weights' sum; none without any weight, or
// without measures.
std::optional<model::Metrics> metrics_of(std::span<const secagg::Measure> measures);

// The job has a section "secure_aggregation".
secagg::Threat threat_of(const config::SecureAggregationSpec& spec);

// Whether sums of contributions.min, contributions.goal and cohort clients can be secure.
// ErrorCode::invalid with what to change.
Status check_parameters(const config::JobSpec& job);

}  // namespace fed::coding
