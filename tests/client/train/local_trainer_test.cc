#include "train/local_trainer.h"

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cmath>

#include "base/random.h"
#include "model/model.h"

namespace fed::train {
namespace {

using config::JobSpec;
using config::TrainingSpec;
using model::Dataset;
using model::Examples;
using tensor::Floats;

JobSpec job_of(const config::ModelSpec& model) {
  JobSpec job;
  job.model = model;
  return job;
}

JobSpec linear_job(std::int64_t inputs) { return job_of({"linear", inputs, {}, 1, "", "", 1}); }

Floats first_weights(const JobSpec& job) {
  const auto model = model::make_model(job.model).value();
  Floats weights(model->layout().size());
  model->initialize(weights, job.model.seed);
  return weights;
}

Result<Update> train(const JobSpec& job, const Floats& weights, const Dataset& data,
                     std::uint64_t seed = 1, const Progress& progress = {},
                     std::stop_token stop = {}) {
  LocalTrainer trainer;
  return trainer.train(weights, Task{job, 1, seed}, data, progress, std::move(stop));
}

Floats added(Floats weights, const Floats& delta) {
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] += delta[i];
  return weights;
}

// y = 2 x0 - x1 + 0.5 and a little noise.
Dataset linear_data(std::int64_t rows, std::uint64_t seed) {
  Random random(seed);
  Examples examples{{}, {}, rows, 2};
  for (std::int64_t row = 0; row < rows; ++row) {
    const double a = random.normal(), b = random.normal();
    examples.features.push_back(static_cast<float>(a));
    examples.features.push_back(static_cast<float>(b));
    examples.labels.push_back(static_cast<float>(2 * a - b + 0.5 + 0.1 * random.normal()));
  }
  return {examples, {}};
}

// Clouds around (±2, ±2); the label is the quadrant, or whether the signs differ.
Dataset quadrants(std::int64_t rows, bool exclusive_or) {
  Random random(11);
  Examples examples{{}, {}, rows, 2};
  for (std::int64_t row = 0; row < rows; ++row) {
    const std::uint64_t quadrant = random.below(4);
    const bool right = quadrant % 2 == 1, up = quadrant / 2 == 1;
    examples.features.push_back(static_cast<float>((right ? 2 : -2) + 0.4 * random.normal()));
    examples.features.push_back(static_cast<float>((up ? 2 : -2) + 0.4 * random.normal()));
    examples.labels.push_back(exclusive_or ? static_cast<float>(right != up)
                                           : static_cast<float>(quadrant));
  }
  return {examples, examples};
}

double accuracy_of(const JobSpec& job, const Floats& weights, const Examples& examples) {
  const auto model = model::make_model(job.model).value();
  model::Workspace workspace;
  return model::evaluate(*model, weights, examples, workspace).value().accuracy.value();
}

// The least-squares weights (x0, x1, bias) by Gauss-Jordan elimination of the normal equations, in
// doubles.
std::array<double, 3> normal_equations(const Examples& examples) {
  std::array<std::array<double, 4>, 3> a{};
  for (std::size_t row = 0; row < examples.labels.size(); ++row) {
    const std::array<double, 4> x{static_cast<double>(examples.features[2 * row]),
                                  static_cast<double>(examples.features[2 * row + 1]), 1,
                                  static_cast<double>(examples.labels[row])};
    for (std::size_t i = 0; i < 3; ++i) {
      for (std::size_t j = 0; j < 4; ++j) a[i][j] += x[i] * x[j];
    }
  }
  for (std::size_t pivot = 0; pivot < 3; ++pivot) {
    for (std::size_t i = 0; i < 3; ++i) {
      if (i == pivot) continue;
      const double factor = a[i][pivot] / a[pivot][pivot];
      for (std::size_t j = 0; j < 4; ++j) a[i][j] -= factor * a[pivot][j];
    }
  }
  return {a[0][3] / a[0][0], a[1][3] / a[1][1], a[2][3] / a[2][2]};
}

// ---- It learns what can be learned ----

TEST_CASE("full-batch gradient descent reaches the normal equations' solution") {
  const Dataset data = linear_data(200, 3);
  const auto expected = normal_equations(data.train);
  JobSpec job = linear_job(2);
  job.training.batch_size = 1000;  // more than there are rows
  job.training.epochs = 500;
  job.training.optimizer.learning_rate = 0.1;
  const Floats start = first_weights(job);
  const Floats found = added(start, train(job, start, data)->values);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(static_cast<double>(found[i]) == Approx(expected[i]).epsilon(1e-5));
  }
}

TEST_CASE("repeated gradient updates reach the same solution, as FedSGD does with one client") {
  const Dataset data = linear_data(700, 4);  // more than one batch of the gradient
  const auto expected = normal_equations(data.train);
  JobSpec job = linear_job(2);
  job.training.update = TrainingSpec::Update::gradient;
  Floats weights = first_weights(job);
  for (int round = 0; round < 200; ++round) {
    const Floats gradient = train(job, weights, data)->values;
    for (std::size_t i = 0; i < 3; ++i) weights[i] -= 0.2f * gradient[i];
  }
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(static_cast<double>(weights[i]) == Approx(expected[i]).epsilon(1e-5));
  }
}

TEST_CASE("classes that a line parts are told apart, with either optimizer") {
  const Dataset data = quadrants(300, false);
  JobSpec job = job_of({"softmax", 2, {}, 4, "", "", 1});
  job.training.epochs = 20;
  job.training.optimizer =
      GENERATE(config::OptimizerSpec{.type = "sgd", .learning_rate = 0.1, .momentum = 0.9},
               config::OptimizerSpec{.type = "adam", .learning_rate = 0.05});
  const Floats start = first_weights(job);
  const auto update = train(job, start, data);
  REQUIRE(update.has_value());
  CHECK(accuracy_of(job, added(start, update->values), data.train) == 1.0);
  CHECK(update->loss < 0.1);
}

TEST_CASE("exclusive or needs the hidden layer, and gets learned with it") {
  const Dataset data = quadrants(300, true);
  JobSpec job = job_of({"logistic", 2, {}, 1, "", "", 1});
  job.training.epochs = 50;
  job.training.optimizer = {.type = "sgd", .learning_rate = 0.1, .momentum = 0.9};
  Floats start = first_weights(job);
  CHECK(accuracy_of(job, added(start, train(job, start, data)->values), data.train) < 0.8);
  for (const char* const activation : {"relu", "tanh", "sigmoid"}) {
    job.model = {"mlp", 2, {16}, 1, activation, "binary_cross_entropy", 1};
    start = first_weights(job);
    CHECK(accuracy_of(job, added(start, train(job, start, data)->values), data.train) == 1.0);
  }
}

// ---- It does exactly what the job says ----

TEST_CASE("two steps with penalties, worked in doubles") {
  const Dataset data = linear_data(10, 5);
  JobSpec job = linear_job(2);
  job.training.batch_size = 10;
  job.training.epochs = 2;
  job.training.weight_decay = 0.3;
  job.training.proximal = 0.7;
  job.training.optimizer = {.type = "sgd", .learning_rate = 0.1, .momentum = 0.5};
  const Floats start = first_weights(job);
  std::array<double, 3> w{static_cast<double>(start[0]), static_cast<double>(start[1]),
                          static_cast<double>(start[2])};
  const auto global = w;
  std::array<double, 3> velocity{};
  for (int step = 0; step < 2; ++step) {
    std::array<double, 3> g{};
    for (std::size_t row = 0; row < 10; ++row) {
      const std::array<double, 3> x{static_cast<double>(data.train.features[2 * row]),
                                    static_cast<double>(data.train.features[2 * row + 1]), 1};
      const double error =
          w[0] * x[0] + w[1] * x[1] + w[2] - static_cast<double>(data.train.labels[row]);
      for (std::size_t i = 0; i < 3; ++i) g[i] += 2 * error * x[i] / 10;
    }
    for (std::size_t i = 0; i < 3; ++i) {
      g[i] += 0.3 * w[i] + 0.7 * (w[i] - global[i]);
      velocity[i] = 0.5 * velocity[i] + g[i];
    }
    for (std::size_t i = 0; i < 3; ++i) w[i] -= 0.1 * velocity[i];
  }
  const auto update = train(job, start, data);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(static_cast<double>(update->values[i]) == Approx(w[i] - global[i]).epsilon(1e-5));
  }
}

TEST_CASE("a stronger proximal term keeps the update shorter") {
  const Dataset data = linear_data(100, 6);
  JobSpec job = linear_job(2);
  job.training.epochs = 20;
  job.training.optimizer.learning_rate = 0.01;
  double shortest = 1e9;
  for (const double proximal : {0.0, 1.0, 10.0}) {
    job.training.proximal = proximal;
    const auto update = train(job, first_weights(job), data);
    double length = 0;
    for (const float value : update->values) length += static_cast<double>(value * value);
    CHECK(length < shortest);
    shortest = length;
  }
}

TEST_CASE("the gradient update is the finite difference of the mean loss over all rows") {
  JobSpec job = job_of({"mlp", 2, {3}, 4, "tanh", "", 1});
  job.training.update = TrainingSpec::Update::gradient;
  job.training.class_weights = {1, 2, 0.5, 3};
  job.training.weight_decay = 0.1;
  job.training.proximal = 5;  // nothing at the global weights
  const Dataset data = quadrants(1100, false);
  const Floats weights = first_weights(job);
  const auto model = model::make_model(job.model).value();
  const std::vector<float> class_weights{1, 2, 0.5f, 3};
  model::Workspace workspace;
  const auto objective = [&](const Floats& at) {
    const auto scores = model->scores(at, data.train.features, data.train.rows, workspace);
    double penalty = 0;
    for (const float w : at) penalty += 0.05 * static_cast<double>(w) * static_cast<double>(w);
    return model::loss_of(model->loss(), scores, data.train.labels, class_weights).mean + penalty;
  };
  const auto update = train(job, weights, data);
  REQUIRE(update.has_value());
  CHECK(update->examples == 1100);
  constexpr float h = 1e-3f;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    Floats above = weights, below = weights;
    above[i] += h;
    below[i] -= h;
    const double slope =
        (objective(above) - objective(below)) / static_cast<double>(above[i] - below[i]);
    CHECK(static_cast<double>(update->values[i]) == Approx(slope).epsilon(2e-3).margin(2e-4));
  }
  CHECK(update->loss == Approx(model::loss_of(model->loss(),
                                              model->scores(weights, data.train.features,
                                                            data.train.rows, workspace),
                                              data.train.labels, class_weights)
                                   .mean));
}

TEST_CASE("every row is used once in an epoch, the short last batch included") {
  // Row i has feature i alone, so weight i moves only if row i was seen.
  constexpr std::int64_t rows = 7;
  Examples examples{Floats(rows * rows), Floats(rows, 1.0f), rows, rows};
  for (std::size_t i = 0; i < rows; ++i) examples.features[i * rows + i] = 1;
  JobSpec job = linear_job(rows);
  job.training.batch_size = 3;
  job.training.optimizer.learning_rate = 1e-3;
  int calls = 0;
  const auto update = train(job, Floats(rows + 1), {examples, {}}, 1, [&](double) { ++calls; });
  CHECK(calls == 3);
  // A row of a batch of n moves its weight by 2 · rate / n: six rows in threes, one alone.
  int thirds = 0, wholes = 0;
  for (std::size_t i = 0; i < rows; ++i) {
    const double moved = static_cast<double>(update->values[i]) / 2e-3;
    if (moved == Approx(1.0 / 3).epsilon(0.02)) ++thirds;
    if (moved == Approx(1.0).epsilon(0.02)) ++wholes;
  }
  CHECK(thirds == 6);
  CHECK(wholes == 1);
}

TEST_CASE("class weights count: a class of weight 0 teaches nothing") {
  JobSpec job = job_of({"softmax", 2, {}, 4, "", "", 1});
  job.training.class_weights = {1, 1, 0, 1};
  Dataset data = quadrants(100, false);
  std::ranges::fill(data.train.labels, 2.0f);
  const auto update = train(job, first_weights(job), data);
  CHECK(std::ranges::all_of(update->values, [](float value) { return value == 0; }));
  CHECK(update->loss == 0);
}

// ---- It repeats ----

TEST_CASE("the same seed gives the same bits, another seed others") {
  JobSpec job = job_of({"mlp", 2, {8}, 4, "relu", "", 1});
  job.training.epochs = 3;
  const Dataset data = quadrants(200, false);
  const Floats start = first_weights(job);
  LocalTrainer trainer;  // one that has trained before, and a new one
  const auto again = [&](std::uint64_t seed) {
    return trainer.train(start, Task{job, 1, seed}, data, {}, {})->values;
  };
  const Floats first = again(1);
  CHECK(again(2) != first);
  CHECK(again(1) == first);
  CHECK(train(job, start, data, 1)->values == first);
}

TEST_CASE("every job, round and client has its own seed") {
  JobSpec job;
  job.rounds.seed = 1;
  const std::uint64_t seed = task_seed(job, 1, "ward-a");
  CHECK(task_seed(job, 1, "ward-a") == seed);
  CHECK(task_seed(job, 2, "ward-a") != seed);
  CHECK(task_seed(job, 1, "ward-b") != seed);
  job.rounds.seed = 2;
  CHECK(task_seed(job, 1, "ward-a") != seed);
}

// ---- It says what happens ----

TEST_CASE("progress rises to 1") {
  JobSpec job = linear_job(2);
  job.training.epochs = 3;
  job.training.update = GENERATE(TrainingSpec::Update::delta, TrainingSpec::Update::gradient);
  std::vector<double> seen;
  const auto update = train(job, first_weights(job), linear_data(1100, 7), 1,
                            [&](double share) { seen.push_back(share); });
  REQUIRE(update.has_value());
  CHECK(std::ranges::is_sorted(seen));
  CHECK(seen.size() > 1);
  CHECK(seen.front() > 0);
  CHECK(seen.back() == 1.0);
}

TEST_CASE("training ends at the next batch once it is asked to") {
  JobSpec job = linear_job(2);
  job.training.epochs = 1000;
  job.training.update = GENERATE(TrainingSpec::Update::delta, TrainingSpec::Update::gradient);
  std::stop_source source;
  int calls = 0;
  const auto stopped = train(
      job, first_weights(job), linear_data(2000, 8), 1,
      [&](double) {
        if (++calls == 2) source.request_stop();
      },
      source.get_token());
  CHECK(stopped.error().code == ErrorCode::closed);
  CHECK(calls == 2);
}

TEST_CASE(
    "the update carries what the global model is worth on the rows kept aside, and the time") {
  JobSpec job = job_of({"softmax", 2, {}, 4, "", "", 1});
  Dataset data = quadrants(100, false);
  const Floats start = first_weights(job);
  Instant time{};
  LocalTrainer trainer(1, [&] { return time += from_seconds(1.5); });
  const auto update = trainer.train(start, Task{job, 1, 1}, data, {}, {});
  CHECK(update->examples == 100);
  CHECK(update->seconds == Approx(1.5));
  CHECK(update->holdout.value().accuracy.value() == accuracy_of(job, start, data.holdout));
  data.holdout = {};
  CHECK_FALSE(train(job, start, data)->holdout);
}

TEST_CASE("a diverging job ends with an error that says what to lower") {
  JobSpec job = linear_job(2);
  job.training.epochs = 100;
  job.training.optimizer.learning_rate = 1000;
  const auto diverged = train(job, first_weights(job), linear_data(50, 9));
  CHECK(diverged.error().code == ErrorCode::invalid);
  CHECK_THAT(
      diverged.error().detail,
      Catch::Contains("in epoch") && Catch::Contains("lower training.optimizer.learning_rate"));

  // In the last step of all, too, whose loss nobody computes.
  job.training.epochs = 1;
  job.training.batch_size = 50;
  job.training.optimizer.learning_rate = 1e38;
  Dataset large = linear_data(50, 9);
  for (float& feature : large.train.features) feature *= 1e3f;
  CHECK_FALSE(train(job, first_weights(job), large).has_value());

  // And at global weights that are broken already.
  job.training.update = TrainingSpec::Update::gradient;
  CHECK_FALSE(train(job, Floats{3e38f, 3e38f, 0}, large).has_value());
}

TEST_CASE("a task that cannot be done is refused before any work") {
  const Dataset good = linear_data(10, 10);
  const JobSpec job = linear_job(2);
  const Floats start = first_weights(job);
  const auto code = [&](auto change) {
    JobSpec changed_job = job;
    Floats weights = start;
    Dataset data = good;
    change(changed_job, weights, data);
    return train(changed_job, weights, data, 1, [](double) { FAIL("work was done"); }).error().code;
  };
  CHECK(code([](JobSpec&, Floats& w, Dataset&) { w.pop_back(); }) == ErrorCode::mismatch);
  CHECK(code([](JobSpec&, Floats&, Dataset& d) {
          d.train = {{}, {}, 0, 2};
        }) == ErrorCode::invalid);
  CHECK(code([](JobSpec&, Floats&, Dataset& d) { d.train.inputs = 1; }) == ErrorCode::mismatch);
  CHECK(code([](JobSpec&, Floats&, Dataset& d) { d.train.labels[3] = INFINITY; }) ==
        ErrorCode::invalid);
  CHECK(code([](JobSpec&, Floats&, Dataset& d) {
          d.holdout = {{1}, {1}, 1, 1};
        }) == ErrorCode::mismatch);
  CHECK(code([](JobSpec& j, Floats&, Dataset&) { j.model.type = "forest"; }) == ErrorCode::invalid);
  CHECK(code([](JobSpec& j, Floats&, Dataset&) { j.training.class_weights = {1}; }) ==
        ErrorCode::invalid);
  CHECK(code([](JobSpec& j, Floats&, Dataset&) { j.training.optimizer.type = "lion"; }) ==
        ErrorCode::invalid);
  CHECK(code([](JobSpec& j, Floats&, Dataset&) { j.training.epochs = 0; }) == ErrorCode::invalid);
  CHECK(code([](JobSpec& j, Floats&, Dataset&) { j.training.batch_size = 0; }) ==
        ErrorCode::invalid);
}

}  // namespace
}  // namespace fed::train
