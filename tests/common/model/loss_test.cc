#include "model/loss.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <vector>

namespace fed::model {
namespace {

TEST_CASE("losses have the names that job files use") {
  for (const Loss loss : {Loss::squared_error, Loss::binary_cross_entropy, Loss::cross_entropy}) {
    CHECK(loss_from(name(loss)).value() == loss);
  }
  CHECK(loss_from("mse").error().code == ErrorCode::invalid);
  CHECK(loss_from("").error().code == ErrorCode::invalid);
}

TEST_CASE("losses of single rows, worked by hand") {
  const auto one = [](Loss loss, std::vector<float> scores, float label) {
    return loss_of(loss, scores, std::vector{label}, {}).mean;
  };
  CHECK(one(Loss::squared_error, {3}, 5) == 4);
  CHECK(one(Loss::binary_cross_entropy, {0}, 1) == Approx(std::log(2.0)));
  CHECK(one(Loss::binary_cross_entropy, {2}, 0) == Approx(2 + std::log(1 + std::exp(-2.0))));
  CHECK(one(Loss::cross_entropy, {0, 0, 0, 0}, 2) == Approx(std::log(4.0)));
  CHECK(one(Loss::cross_entropy, {1, 3}, 0) == Approx(std::log(1 + std::exp(2.0))));
}

TEST_CASE("confident scores neither overflow nor become log(0)") {
  const auto check_row = [](Loss loss, std::vector<float> scores, float label, double expected) {
    std::vector<float> d = scores;
    const double found = loss_and_d_scores(loss, d, std::vector{label}, {}).mean;
    CHECK(found == Approx(expected).margin(1e-30));
    for (const float value : d) CHECK(std::isfinite(value));
    to_predictions(loss, static_cast<std::int64_t>(scores.size()), scores);
    for (const float value : scores) CHECK((value >= 0 && value <= 1));
  };
  check_row(Loss::binary_cross_entropy, {-500}, 1, 500);
  check_row(Loss::binary_cross_entropy, {500}, 1, 0);
  check_row(Loss::binary_cross_entropy, {3e38f}, 0, static_cast<double>(3e38f));
  check_row(Loss::cross_entropy, {1000, -1000}, 1, 2000);
  check_row(Loss::cross_entropy, {1000, -1000}, 0, 0);
  check_row(Loss::cross_entropy, {-1e30f, -1e30f, -1e30f}, 0, std::log(3.0));
}

TEST_CASE("a score that is not finite shows in the loss") {
  const float infinity = std::numeric_limits<float>::infinity();
  for (const float bad : {infinity, -infinity, std::numeric_limits<float>::quiet_NaN()}) {
    for (const std::vector<float>& scores :
         {std::vector<float>{bad, 0, 1}, {0, bad, 1}, {0, 1, bad}}) {
      const double loss = loss_of(Loss::cross_entropy, scores, std::vector{1.0f}, {}).mean;
      // One class at -infinity merely has probability 0, unless it is the label's.
      const bool merely_impossible = bad == -infinity && scores[1] != bad;
      CHECK(std::isfinite(loss) == merely_impossible);
    }
    CHECK_FALSE(std::isfinite(loss_of(Loss::squared_error, {{bad}}, {{0}}, {}).mean));
  }
}

TEST_CASE("class weights give a weighted mean, in the loss and in its derivative") {
  const std::vector<float> scores{0.5f, -1, 2}, labels{1, 0, 1}, weights{1, 3};
  const auto row = [](double s, double label) { return std::log(1 + std::exp(s)) - label * s; };
  const double expected = (3 * row(0.5, 1) + 1 * row(-1, 0) + 3 * row(2, 1)) / 7;
  std::vector<float> d = scores;
  const BatchLoss found = loss_and_d_scores(Loss::binary_cross_entropy, d, labels, weights);
  CHECK(found.mean == Approx(expected));
  CHECK(found.weight == 7);
  CHECK(total_weight(labels, weights) == 7);
  CHECK(total_weight(labels, {}) == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    const double p = 1 / (1 + std::exp(-static_cast<double>(scores[i])));
    const double weight = labels[i] > 0 ? 3 : 1;
    CHECK(static_cast<double>(d[i]) == Approx(weight * (p - static_cast<double>(labels[i])) / 7));
  }
}

TEST_CASE("a batch whose classes all weigh nothing has no loss and no gradient") {
  std::vector<float> scores{1, 2, 3, 4};
  const std::vector<float> labels{0, 0}, weights{0, 1};
  const BatchLoss found = loss_and_d_scores(Loss::cross_entropy, scores, labels, weights);
  CHECK(found.mean == 0);
  CHECK(found.weight == 0);
  CHECK(scores == std::vector<float>{0, 0, 0, 0});
}

TEST_CASE("the first label that is wrong is named") {
  const std::vector<float> labels{0, 1, 7, -1};
  const auto found = check_labels(Loss::cross_entropy, 3, labels);
  CHECK(found.error().detail == "the label of row 3 is 7, not a class from 0 to 2");
  CHECK(check_labels(Loss::squared_error, 1, labels));
  CHECK_FALSE(check_labels(Loss::binary_cross_entropy, 1, labels));
  CHECK(check_labels(Loss::binary_cross_entropy, 1, std::vector<float>{0, 1}));
  CHECK_FALSE(check_labels(Loss::squared_error, 1, std::vector<float>{1, INFINITY}));
}

}  // namespace
}  // namespace fed::model
