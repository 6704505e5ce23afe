// Workload (k): local training of the demo's network on one thread.
#include <fmt/format.h>

#include "base/random.h"
#include "clocks.h"
#include "model/model.h"
#include "numbers.h"
#include "tensor/kernels.h"
#include "train/local_trainer.h"
#include "workloads.h"

namespace fed::bench {
namespace {

constexpr int kInputs = 784, kHidden = 200, kOutputs = 10, kBatch = 32;
constexpr int kRepeats = 5;

// configs/jobs/fashion.json, as far as training goes.
config::JobSpec demo_job() {
  config::JobSpec job;
  job.name = "demo";
  job.model = {.type = "mlp",
               .inputs = kInputs,
               .hidden = {kHidden, kHidden},
               .outputs = kOutputs,
               .activation = "relu",
               .loss = "cross_entropy",
               .seed = 1};
  job.training.batch_size = kBatch;
  job.training.optimizer = {.type = "sgd", .learning_rate = 0.05, .momentum = 0.9};
  return job;
}

model::Dataset made_up_images(std::int64_t rows) {
  Random random(1);
  model::Dataset data;
  data.train.rows = rows;
  data.train.inputs = kInputs;
  for (std::int64_t i = 0; i < rows * kInputs; ++i) {
    data.train.features.push_back(static_cast<float>(random.uniform()));
  }
  for (std::int64_t i = 0; i < rows; ++i) {
    data.train.labels.push_back(static_cast<float>(random.below(kOutputs)));
  }
  return data;
}

// The matrix products of one batch, and nothing else: forward, gradients of the weights, gradients
// of the inputs of all layers but the first.
double products_of_a_batch(double effort) {
  constexpr int kWidths[] = {kInputs, kHidden, kHidden, kOutputs};
  double seconds = 0;
  for (int layer = 0; layer < 3; ++layer) {
    const int in = kWidths[layer], out = kWidths[layer + 1];
    seconds += sgemm_seconds({.transpose_b = true, .m = kBatch, .n = out, .k = in}, effort);
    seconds += sgemm_seconds({.transpose_a = true, .m = out, .n = in, .k = kBatch}, effort);
    if (layer > 0) seconds += sgemm_seconds({.m = kBatch, .n = in, .k = out}, effort);
  }
  return seconds;
}

}  // namespace

Status run_local_training(Bench& bench) {
  const config::JobSpec job = demo_job();
  const auto rows = bench.sized<std::int64_t>(6400, 320);
  const model::Dataset data = made_up_images(rows);
  FED_ASSIGN(model, model::make_model(job.model));
  tensor::Floats weights(model->layout().size());
  model->initialize(weights, job.model.seed);
  train::LocalTrainer trainer;
  std::vector<double> each;
  for (int i = 0; i <= kRepeats; ++i) {
    const double begin = thread_cpu_seconds();
    FED_TRY(trainer.train(weights, {job, 1, 1}, data, [](double) {}, {}));
    if (i > 0) each.push_back(thread_cpu_seconds() - begin);  // the first one warms up
  }
  const double rate = static_cast<double>(rows) / median(each);
  const double limit = kBatch / products_of_a_batch(bench.quick ? 0.1 : 1);
  bench.report.add({"k", "local training, examples per second", rate, "/s",
                    "sgemm for the same layers", limit, Bar{Bar::Sense::at_least, 0.5},
                    "784-200-200-10, batches of 32, momentum; one thread, CPU time"});
  bench.report.raw("k") = {
      {"rows", rows}, {"examples_per_s", rate}, {"sgemm_examples_per_s", limit}};
  return {};
}

}  // namespace fed::bench
