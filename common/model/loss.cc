#include "model/loss.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tensor/kernels.h"

namespace fed::model {
namespace {

constexpr Loss losses[] = {Loss::squared_error, Loss::binary_cross_entropy, Loss::cross_entropy};

std::size_t class_of(float label) { return static_cast<std::size_t>(label); }

// Each loss: its value for one row, the same with the row's scores turned into its derivative, and
// the scores turned into a prediction.
struct SquaredError {
  static double loss(std::span<const float> scores, float label) {
    const double error = static_cast<double>(scores[0]) - static_cast<double>(label);
    return error * error;
  }
  static double derive(std::span<float> scores, float label) {
    const double value = loss(scores, label);
    scores[0] = 2 * (scores[0] - label);
    return value;
  }
  static void predict(std::span<float>) {}
};

struct BinaryCrossEntropy {
  static double loss(std::span<const float> scores, float label) {
    // log(1 + e^s) is max(s, 0) + log(1 + e^-|s|), in which nothing overflows.
    const double s = scores[0];
    return std::max(s, 0.0) + std::log1p(std::exp(-std::abs(s))) - static_cast<double>(label) * s;
  }
  static double derive(std::span<float> scores, float label) {
    const double value = loss(scores, label);
    predict(scores);
    scores[0] -= label;
    return value;
  }
  static void predict(std::span<float> scores) { tensor::sigmoid(scores); }
};

struct CrossEntropy {
  static double loss(std::span<const float> scores, float label) {
    // Shifted by the largest score, every exponential is at most 1 and one of them is 1.
    const float largest = *std::ranges::max_element(scores);
    double sum = 0;
    for (const float score : scores) sum += static_cast<double>(std::exp(score - largest));
    return std::log(sum) + static_cast<double>(largest - scores[class_of(label)]);
  }
  static double derive(std::span<float> scores, float label) {
    const float score = scores[class_of(label)];
    const auto [largest, sum] = softmax(scores);
    scores[class_of(label)] -= 1;
    return std::log(sum) + static_cast<double>(largest - score);
  }
  static void predict(std::span<float> scores) { softmax(scores); }

 private:
  struct Shift {
    float largest;
    double sum;  // of e^(score - largest)
  };
  static Shift softmax(std::span<float> scores) {
    const float largest = *std::ranges::max_element(scores);
    double sum = 0;
    for (float& score : scores) {
      score = std::exp(score - largest);
      sum += static_cast<double>(score);
    }
    tensor::scale(static_cast<float>(1 / sum), scores);
    return {largest, sum};
  }
};

// Calls `function` with a value of the loss's type.
template <class Function>
auto with(Loss loss, Function&& function) {
  switch (loss) {
    case Loss::squared_error:
      return function(SquaredError());
    case Loss::binary_cross_entropy:
      return function(BinaryCrossEntropy());
    case Loss::cross_entropy:
      return function(CrossEntropy());
  }
  FED_CHECK(false);
}

double weight_of(float label, std::span<const float> class_weights) {
  if (class_weights.empty()) return 1;
  FED_CHECK(class_of(label) < class_weights.size());
  return static_cast<double>(class_weights[class_of(label)]);
}

std::size_t width_of(std::span<const float> scores, std::span<const float> labels) {
  if (labels.empty()) return 0;
  FED_CHECK(!scores.empty() && scores.size() % labels.size() == 0);
  return scores.size() / labels.size();
}

}  // namespace

const char* name(Loss loss) {
  switch (loss) {
    case Loss::squared_error:
      return "squared_error";
    case Loss::binary_cross_entropy:
      return "binary_cross_entropy";
    case Loss::cross_entropy:
      return "cross_entropy";
  }
  FED_CHECK(false);
}

Result<Loss> loss_from(std::string_view wanted) {
  for (const Loss loss : losses) {
    if (wanted == name(loss)) return loss;
  }
  return Error{ErrorCode::invalid,
               fmt::format("there is no loss '{}': choose squared_error for a number, "
                           "binary_cross_entropy for two classes, cross_entropy for more",
                           wanted)};
}

std::int64_t class_count(Loss loss, std::int64_t outputs) {
  switch (loss) {
    case Loss::squared_error:
      return 0;
    case Loss::binary_cross_entropy:
      return 2;
    case Loss::cross_entropy:
      return outputs;
  }
  FED_CHECK(false);
}

double total_weight(std::span<const float> labels, std::span<const float> class_weights) {
  double total = 0;
  for (const float label : labels) total += weight_of(label, class_weights);
  return total;
}

BatchLoss loss_of(Loss loss, std::span<const float> scores, std::span<const float> labels,
                  std::span<const float> class_weights) {
  const std::size_t width = width_of(scores, labels);
  const double total = total_weight(labels, class_weights);
  if (total == 0) return {};
  const double sum = with(loss, [&](auto kind) {
    double weighted = 0;
    for (std::size_t row = 0; row < labels.size(); ++row) {
      const double weight = weight_of(labels[row], class_weights);
      weighted += weight * kind.loss(scores.subspan(row * width, width), labels[row]);
    }
    return weighted;
  });
  return {sum / total, total};
}

BatchLoss loss_and_d_scores(Loss loss, std::span<float> scores, std::span<const float> labels,
                            std::span<const float> class_weights) {
  const std::size_t width = width_of(scores, labels);
  const double total = total_weight(labels, class_weights);
  if (total == 0) {
    std::ranges::fill(scores, 0.0f);
    return {};
  }
  const double sum = with(loss, [&](auto kind) {
    double weighted = 0;
    for (std::size_t row = 0; row < labels.size(); ++row) {
      const std::span<float> d_row = scores.subspan(row * width, width);
      const double weight = weight_of(labels[row], class_weights);
      weighted += weight * kind.derive(d_row, labels[row]);
      tensor::scale(static_cast<float>(weight / total), d_row);
    }
    return weighted;
  });
  return {sum / total, total};
}

void to_predictions(Loss loss, std::int64_t outputs, std::span<float> scores) {
  const auto width = static_cast<std::size_t>(outputs);
  with(loss, [&](auto kind) {
    for (std::size_t at = 0; at < scores.size(); at += width) {
      kind.predict(scores.subspan(at, width));
    }
  });
}

Status check_labels(Loss loss, std::int64_t outputs, std::span<const float> labels) {
  const std::int64_t classes = class_count(loss, outputs);
  for (std::size_t row = 0; row < labels.size(); ++row) {
    const float label = labels[row];
    const bool is_class =
        label >= 0 && label < static_cast<float>(classes) && label == std::floor(label);
    if (classes > 0 ? is_class : std::isfinite(label)) continue;
    const std::string allowed =
        classes > 0 ? fmt::format("a class from 0 to {}", classes - 1) : "a finite number";
    return Error{ErrorCode::invalid,
                 fmt::format("the label of row {} is {}, not {}", row + 1, label, allowed)};
  }
  return {};
}

}  // namespace fed::model
