// The losses: from a model's scores to a number, to the gradient, and to what people call a
// prediction.
//
// A score is what the last layer puts out, before any sigmoid or softmax; every function here
// starts from scores, so a confident mistake costs what it should and nothing becomes log(0). Pure
// functions; safe from any thread.
//
//   loss                  outputs  label                prediction            loss of one row
//   squared_error         1        any number           the score             (score - label)^2
//   binary_cross_entropy  1        0 or 1               sigmoid(score)        log(1 + e^score) -
//   label * score cross_entropy         >= 2     0 .. outputs - 1     softmax(scores)       log(sum
//   e^scores) - scores[label]
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/error.h"

namespace fed::model {

enum class Loss { squared_error, binary_cross_entropy, cross_entropy };

const char* name(Loss loss);

// By its name in a job file; ErrorCode::invalid for another.
Result<Loss> loss_from(std::string_view name);

// 0 for squared_error, which knows no classes.
std::int64_t class_count(Loss loss, std::int64_t outputs);

// The loss over a number of rows: mean = sum of w·l / sum of w, where w is the weight of the row's
// class, or 1. For a total weight of 0 the mean is 0.
struct BatchLoss {
  double mean = 0;
  double weight = 0;  // sum of w
};

// The sum of the rows' weights.
double total_weight(std::span<const float> labels, std::span<const float> class_weights);

// scores [rows × outputs], labels [rows], class_weights [classes] or empty. Labels are valid (see
// check_labels).
BatchLoss loss_of(Loss loss, std::span<const float> scores, std::span<const float> labels,
                  std::span<const float> class_weights);

// The same; then scores holds d mean / d scores.
BatchLoss loss_and_d_scores(Loss loss, std::span<float> scores, std::span<const float> labels,
                            std::span<const float> class_weights);

// Turns scores [rows × outputs] into predictions: values, probabilities of class 1, or class
// probabilities.
void to_predictions(Loss loss, std::int64_t outputs, std::span<float> scores);

// ErrorCode::invalid with the first label that is not finite or not a class index.
Status check_labels(Loss loss, std::int64_t outputs, std::span<const float> labels);

}  // namespace fed::model
