// The built-in trainer: mini-batch training of a built-in model, in this process and on this
// thread.
//
// delta (FedAvg, McMahan et al. 2017, algorithm 1, ClientUpdate): `epochs` passes over the shuffled
// rows in batches of `batch_size` (the last one may be shorter), one optimizer step each; the
// update is local - global weights. gradient (FedSGD): the update is the mean gradient at the
// global weights over all local rows, penalties included.
#pragma once

#include "base/clock.h"
#include "train/trainer.h"

namespace fed::train {

// Not thread-safe: one for each training thread. Keeps its buffers from task to task.
class LocalTrainer final : public Trainer {
 public:
  // `threads` >= 1 share the matrix products: the bits of an update are those of this number.
  // `clock` only measures Update::seconds.
  explicit LocalTrainer(int threads = 1, std::function<Instant()> clock = now)
      : threads_(threads), clock_(std::move(clock)) {}

  Result<Update> train(std::span<const float> weights, const Task& task, const model::Dataset& data,
                       const Progress& progress, std::stop_token stop) override;

 private:
  int threads_;
  std::function<Instant()> clock_;
  model::Workspace workspace_;
};

}  // namespace fed::train
