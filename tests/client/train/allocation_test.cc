// That training allocates nothing after its first batch: the program's operator new counts.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <memory>
#include <new>

#include "base/random.h"
#include "model/model.h"
#include "train/local_trainer.h"

namespace {

thread_local std::int64_t allocations = 0;

void* counted(void* at) {
  ++allocations;
  if (at == nullptr) throw std::bad_alloc();
  return at;
}

}  // namespace

// Not inlined: where g++ inlines one half of a pair alone, it warns of a new without its delete.
[[gnu::noinline]] void* operator new(std::size_t size) {
  return counted(std::malloc(std::max<std::size_t>(size, 1)));
}
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(std::max<std::size_t>(size, 1));
}
[[gnu::noinline]] void* operator new(std::size_t size, std::align_val_t alignment) {
  const auto unit = static_cast<std::size_t>(alignment);
  return counted(std::aligned_alloc(unit, std::max(unit, (size + unit - 1) / unit * unit)));
}
[[gnu::noinline]] void operator delete(void* at) noexcept { std::free(at); }
[[gnu::noinline]] void operator delete(void* at, std::size_t) noexcept { std::free(at); }
[[gnu::noinline]] void operator delete(void* at, std::align_val_t) noexcept { std::free(at); }
[[gnu::noinline]] void operator delete(void* at, std::size_t, std::align_val_t) noexcept {
  std::free(at);
}

namespace fed::train {
namespace {

using config::ModelSpec;
using config::TrainingSpec;

model::Examples random_rows(std::int64_t rows, std::int64_t inputs) {
  Random random(3);
  model::Examples examples{{}, {}, rows, inputs};
  for (std::int64_t i = 0; i < rows * inputs; ++i) {
    examples.features.push_back(static_cast<float>(random.normal()));
  }
  for (std::int64_t row = 0; row < rows; ++row) {
    examples.labels.push_back(static_cast<float>(random.below(2)));
  }
  return examples;
}

TEST_CASE("the allocations of vectors and of objects are counted") {
  const std::int64_t before = allocations;
  const auto object = std::make_unique<int>(1);
  const tensor::Floats vector(100);
  const std::int64_t after = allocations;
  CAPTURE(object.get(), vector.data());  // seen from outside, so that neither is optimised away
  CHECK(after == before + 2);
}

TEST_CASE("training allocates nothing after the first batch") {
  config::JobSpec job;
  job.model = GENERATE(ModelSpec{"mlp", 5, {7, 6}, 3, "relu", "", 1},
                       ModelSpec{"mlp", 5, {7}, 1, "tanh", "binary_cross_entropy", 1},
                       ModelSpec{"mlp", 5, {4, 9, 4}, 1, "sigmoid", "squared_error", 1},
                       ModelSpec{"softmax", 5, {}, 2, "", "", 1});
  job.training.optimizer.type = GENERATE("sgd", "adam");
  job.training.optimizer.momentum = 0.9;
  job.training.optimizer.learning_rate = 1e-3;
  job.training.weight_decay = 0.01;
  job.training.proximal = 0.1;
  job.training.update = GENERATE(TrainingSpec::Update::delta, TrainingSpec::Update::gradient);
  job.training.epochs = 3;
  const model::Dataset data{random_rows(1100, 5), {}};  // both kinds end with a shorter batch
  const auto model = model::make_model(job.model).value();
  tensor::Floats weights(model->layout().size());
  model->initialize(weights, 1);

  std::int64_t batches = 0, first = 0, last = 0;
  const Progress count = [&](double) { (batches++ == 0 ? first : last) = allocations; };
  const std::int64_t before = allocations;
  LocalTrainer trainer;
  REQUIRE(trainer.train(weights, Task{job, 1, 1}, data, count, {}).has_value());
  CHECK(batches >= 3);
  CHECK(first > before);
  CHECK(last == first);
}

}  // namespace
}  // namespace fed::train
