#include "train/local_trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "base/random.h"
#include "model/model.h"
#include "tensor/kernels.h"
#include "tensor/statistics.h"
#include "train/clip.h"
#include "train/optimizer.h"

namespace fed::train {
namespace {

using Sent = config::TrainingSpec::Update;

constexpr std::int64_t gradient_rows_max =
    512;  // of one batch where the batch size changes nothing

// What one call of `train` works with; every reference outlives it.
struct Run {
  const model::Model& model;
  const config::TrainingSpec& training;
  std::span<const float> global;
  const model::Examples& rows;
  std::vector<float> class_weights;
  std::uint64_t seed;
  const Progress& progress;
  std::stop_token stop;
  model::Workspace& workspace;

  Penalties penalties() const { return {training.weight_decay, training.proximal}; }
};

struct Trained {
  tensor::Floats values;
  double loss = 0;
};

Error diverged(const Run& run, const std::string& when) {
  return {ErrorCode::invalid,
          fmt::format("training diverged {}: lower training.optimizer.learning_rate (it is {}) or "
                      "scale the inputs",
                      when, run.training.optimizer.learning_rate)};
}

Status report(const Run& run, std::int64_t done, std::int64_t all) {
  if (run.progress) run.progress(static_cast<double>(done) / static_cast<double>(all));
  if (run.stop.stop_requested()) return Error{ErrorCode::closed, "training was stopped"};
  return {};
}

// Copies chosen rows next to each other, into the same memory for every batch.
class Gather {
 public:
  Gather(const model::Examples& from, std::int64_t rows_max)
      : from_(from),
        features_(static_cast<std::size_t>(rows_max * from.inputs)),
        labels_(static_cast<std::size_t>(rows_max)) {}

  model::Batch rows(std::span<const std::uint32_t> order) {
    const auto width = static_cast<std::size_t>(from_.inputs);
    for (std::size_t i = 0; i < order.size(); ++i) {
      std::copy_n(from_.features.begin() + static_cast<std::ptrdiff_t>(order[i] * width), width,
                  features_.begin() + static_cast<std::ptrdiff_t>(i * width));
      labels_[i] = from_.labels[order[i]];
    }
    return {std::span(features_).first(order.size() * width),
            std::span(labels_).first(order.size()), std::ssize(order)};
  }

 private:
  const model::Examples& from_;
  tensor::Floats features_, labels_;
};

// ClientUpdate: the weights after the epochs, or their change.
Result<Trained> train_epochs(const Run& run) {
  FED_ASSIGN(optimizer, make_optimizer(run.training.optimizer, run.global.size()));
  const std::int64_t batch_size = std::min(run.training.batch_size, run.rows.rows);
  const std::int64_t batches = (run.rows.rows + batch_size - 1) / batch_size;
  tensor::Floats weights(run.global.begin(), run.global.end());
  const model::GradientSum gradient = optimizer->gradient();
  Gather gather(run.rows, batch_size);
  std::vector<std::uint32_t> order(static_cast<std::size_t>(run.rows.rows));
  std::iota(order.begin(), order.end(), 0u);
  Random random(run.seed);
  double epoch_loss = 0;
  for (std::int64_t epoch = 0; epoch < run.training.epochs; ++epoch) {
    random.shuffle(std::span(order));
    double loss_sum = 0, weight_sum = 0;
    for (std::int64_t i = 0; i < batches; ++i) {
      const auto begin = static_cast<std::size_t>(i * batch_size);
      const auto count = std::min(static_cast<std::size_t>(batch_size), order.size() - begin);
      const model::Batch batch = gather.rows(std::span(order).subspan(begin, count));
      const model::BatchLoss loss =
          run.model.loss_and_gradient(weights, batch, run.class_weights, gradient, run.workspace);
      if (!std::isfinite(loss.mean)) return diverged(run, fmt::format("in epoch {}", epoch + 1));
      add_penalties(run.penalties(), weights, run.global, gradient.values);
      optimizer->step(weights);
      loss_sum += loss.mean * loss.weight;
      weight_sum += loss.weight;
      FED_TRY(report(run, epoch * batches + i + 1, run.training.epochs * batches));
    }
    epoch_loss = weight_sum > 0 ? loss_sum / weight_sum : 0;
  }
  if (run.training.update == Sent::delta) tensor::axpy(-1, run.global, weights);
  return Trained{std::move(weights), epoch_loss};
}

// FedSGD: the gradient of the mean loss over all rows, put together from the gradients of batches.
Result<Trained> full_gradient(const Run& run) {
  const double total = model::total_weight(run.rows.labels, run.class_weights);
  const model::Batch all = model::batch_of(run.rows);
  Trained result{tensor::Floats(run.global.size()), 0};
  tensor::Floats gradient(run.global.size());
  for (std::int64_t row = 0; row < all.rows; row += gradient_rows_max) {
    const std::int64_t rows = std::min(gradient_rows_max, all.rows - row);
    const model::Batch batch = model::slice(all, run.rows.inputs, row, rows);
    const model::BatchLoss loss = run.model.loss_and_gradient(run.global, batch, run.class_weights,
                                                              {gradient}, run.workspace);
    const double share = total > 0 ? loss.weight / total : 0;
    tensor::axpy(static_cast<float>(share), gradient, result.values);
    result.loss += share * loss.mean;
    FED_TRY(report(run, row + rows, all.rows));
  }
  add_penalties(run.penalties(), run.global, run.global, result.values);
  return result;
}

// Everything that could be wrong with the request, before any work.
Status check_request(const model::Model& model, std::span<const float> weights,
                     const config::TrainingSpec& training, const model::Dataset& data) {
  if (weights.size() != model.layout().size()) {
    return Error{ErrorCode::mismatch, fmt::format("the global model has {} weights, but the job's "
                                                  "model has {}",
                                                  weights.size(), model.layout().size())};
  }
  if (data.train.rows == 0) {
    return Error{ErrorCode::invalid, "there are no rows to train on: check the data section"};
  }
  if (data.train.rows > std::int64_t{std::numeric_limits<std::uint32_t>::max()}) {
    return Error{ErrorCode::too_large, "more than 4,294,967,295 rows at one client"};
  }
  if (training.epochs < 1 || training.batch_size < 1) {
    return Error{ErrorCode::invalid, "training.epochs and training.batch_size must be 1 or more"};
  }
  FED_TRY(model::check_class_weights(model, training.class_weights));
  return model::check_examples(model, data.train);
}

}  // namespace

std::uint64_t task_seed(const config::JobSpec& job, std::int64_t task, std::string_view client) {
  return mix_seed({job.rounds.seed, static_cast<std::uint64_t>(task), seed_of(client)});
}

Result<Update> LocalTrainer::train(std::span<const float> weights, const Task& task,
                                   const model::Dataset& data, const Progress& progress,
                                   std::stop_token stop) {
  const Instant start = clock_();
  // The result must not depend on what the caller's thread was set to.
  tensor::use_threads(threads_);
  tensor::flush_denormals();
  FED_ASSIGN(model, model::make_model(task.job.model));
  const config::TrainingSpec& training = task.job.training;
  FED_TRY(check_request(*model, weights, training, data));
  Update update;
  if (data.holdout.rows > 0) {
    FED_ASSIGN(holdout, model::evaluate(*model, weights, data.holdout, workspace_));
    update.holdout = holdout;
  }
  const Run run{*model,
                training,
                weights,
                data.train,
                std::vector<float>(training.class_weights.begin(), training.class_weights.end()),
                task.seed,
                progress,
                std::move(stop),
                workspace_};
  const bool one_gradient = training.update == Sent::gradient;
  FED_ASSIGN(trained, one_gradient ? full_gradient(run) : train_epochs(run));
  if (!std::isfinite(trained.loss) || !tensor::all_finite(trained.values)) {
    return diverged(run, "into an update that is not finite");
  }
  // Integers are clipped where they are made.
  const bool clips = task.job.privacy && !task.job.privacy->at_clients();
  if (clips) {
    const double norm =
        task.clipping_norm > 0 ? task.clipping_norm : task.job.privacy->clipping_norm;
    update.within_norm = clip(trained.values, norm) <= norm;
  }
  update.values = std::move(trained.values);
  update.loss = trained.loss;
  update.examples = data.train.rows;
  update.seconds = seconds(clock_() - start);
  return update;
}

}  // namespace fed::train
