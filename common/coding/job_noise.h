// The noise that the clients of a job add to their integers, and what it promises.
//
// A client clips its update to the job's norm C: the Euclidean norm, or of local_laplace the sum of
// the magnitudes. It rounds to the grid at random until the integers are no longer than a bound
// that is known to everybody (privacy/rounding.h; beta is exp(-1/2), as Kairouz, Liu and Steinke
// 2021 have it), and adds noise drawn by exact samplers. The bound is checked in integers: it holds
// for every vector that is sent, whatever rounding, the server or the data did before. Its weight
// is 1, and nothing else is in the vector: who takes part is no secret, what it sends is.
//
//   distributed_gaussian  each client's noise has 1/n of the variance (z C)^2, n being the clients
//                         whose noise a sum has at the least: contributions.min without those that
//                         may be corrupted (config::noise_sharers). The cost has its own bound
//                         (privacy/distributed_gaussian.h), in which the length after rounding and
//                         the number of coordinates sent count.
//   local_gaussian        the whole of it, z times the longest vector after rounding: the cost is
//                         that of the Gaussian mechanism with z.
//   local_laplace         the same, of the l1 norm and with a scale: pure 1 / z.
//
// Adaptive clipping (privacy/adaptive_clip.h): whether the update was within C is one more
// coordinate, h if it was and -h if not, under the same noise. The two together are a vector of the
// norm S = sqrt(C^2 + h^2), and all the noise is z S. With h = z S / (2 sigma_b), sigma_b being the
// job's count_noise, that is the split of theorem 1 of Andrew et al. (2021), whose two mechanisms
// are one here: the noise on the update is z_delta C, on the number of clients within C sigma_b (of
// local_gaussian that is each client's).
//
// All lengths are in steps of the grid, which C stretches: who lies to a client about C changes how
// much of its update is left, and not what protects it.
//
// Immutable; thread-safe, with a source for each thread.
#pragma once

#include <optional>
#include <vector>

#include "config/job.h"
#include "privacy/discrete_gaussian.h"
#include "privacy/discrete_laplace.h"
#include "privacy/plan.h"
#include "privacy/rounding.h"
#include "secagg/codec.h"

namespace fed::coding {

// What the accountants of both sides are asked of a job with a section "privacy", but for the
// number of rounds. ErrorCode::invalid, for the operator, if its noise cannot be drawn.
Result<privacy::PlanRequest> plan_request(const config::JobSpec& job, std::uint64_t coordinates);

class JobNoise {
 public:
  // Of a job with noise of clients; `grid` is a codec of its rounds, with or without head-room.
  // ErrorCode::invalid, for the operator, with what to change.
  static Result<JobNoise> make(const config::JobSpec& job, const secagg::Codec& grid);

  const privacy::PlanRequest& request() const { return request_; }

  // How far from 0 a coordinate's noise in a sum may be: 12 standard deviations (of Laplace noise a
  // little more, whose tails are longer). Beyond, with a probability below 10^-30, a sum would wrap
  // and a coordinate be spoilt; the promise stays.
  std::uint64_t head_room() const { return head_room_; }

  // An update's coordinates as codec.prepare gives them, clipped and rounded to the codec's grid.
  // With adaptive clipping, one more for whether it was within the norm. ErrorCode::invalid for one
  // that is not finite.
  Result<std::vector<std::int64_t>> round(std::vector<float> prepared, const secagg::Codec& codec,
                                          privacy::RandomSource& source) const;

  // Adds this client's noise to the rounded coordinates of an assembled vector, all others staying.
  void add(secagg::Words& vector, privacy::RandomSource& source) const;

  // Of a round's sum, with adaptive clipping: the fraction of the updates within the norm. Noisy:
  // it may lie outside of 0 to 1.
  double within_norm(const secagg::Codec::Mean& sum) const;

  // When it is to be added: to every masked input anew, since two sums with the same noise in them
  // would tell their difference without it; or once, to the update itself.
  bool is_shared() const;

 private:
  JobNoise(privacy::PlanRequest request, const secagg::Codec& grid)
      : request_(request), clip_steps_(grid.clip_steps()), rounded_(grid.rounded()) {}
  Status size_bit(const config::AdaptiveClipSpec& adaptive);
  Status size_shared(std::uint64_t sharers);
  Status size_local();
  std::int64_t draw(privacy::RandomSource& source) const;

  privacy::PlanRequest request_;
  privacy::RoundedLimit limit_;  // of the update
  double clip_steps_ = 0;        // S: with the bit
  std::uint64_t rounded_ = 0;    // coordinates of the update
  std::int64_t bit_ = 0;         // h; 0: no adaptive clipping
  std::uint64_t head_room_ = 0;
  std::optional<privacy::DiscreteGaussian> gaussian_;
  std::optional<privacy::DiscreteLaplace> laplace_;
};

}  // namespace fed::coding
