// Weights and a task in, an update and metrics out: the seam behind which training happens.
//
// The built-in LocalTrainer (local_trainer.h) trains in this process; a site's own trainer can
// stand here instead.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string_view>

#include "base/error.h"
#include "config/job.h"
#include "model/dataset.h"
#include "model/metrics.h"
#include "tensor/vector.h"

namespace fed::train {

// What a client is asked. Refers to the job, which must outlive it.
struct Task {
  const config::JobSpec& job;
  std::int64_t task = 0;
  std::uint64_t seed = 0;    // of the shuffling, from task_seed
  double clipping_norm = 0;  // of this round, where it adapts; 0: the job's own
};

// The seed of one client's shuffling in one task: the same job, task and name train bit for bit
// alike.
std::uint64_t task_seed(const config::JobSpec& job, std::int64_t task, std::string_view client);

// What a client sends, and what it may tell about it.
struct Update {
  tensor::Floats values;      // local - global weights, or the mean gradient over the local rows
  std::int64_t examples = 0;  // training rows
  double loss = 0;            // mean training loss: over the last epoch, or of the gradient
  std::optional<model::Metrics> holdout;  // of the global weights, on the rows kept aside, if any
  double seconds = 0;                     // from the call to the result
  std::optional<bool> within_norm{};      // before it was clipped, if it was to be
};

// Called on the training thread with the share of the work that is done, from 0 to 1, never
// backwards.
using Progress = std::function<void(double)>;

// One task at a time; not thread-safe, though `stop` may be asked for from any thread.
class Trainer {
 public:
  virtual ~Trainer() = default;

  // `weights` are the global ones, in the layout of the job's model. The result depends on the
  // arguments and the processor alone. ErrorCode::mismatch if the weights are not the model's;
  // invalid if the data or the job do not suit it, or if the training diverged; closed soon after
  // `stop` was asked for.
  virtual Result<Update> train(std::span<const float> weights, const Task& task,
                               const model::Dataset& data, const Progress& progress,
                               std::stop_token stop) = 0;
};

}  // namespace fed::train
