// How good a model is on rows: the numbers that people ask for, exact, and never NaN.
//
// A number that is not defined for the rows at hand (the AUC of a single class, the R² of a
// constant label) is absent rather than wrong. Pure functions; safe from any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "model/model.h"

namespace fed::model {

struct Metrics {
  std::int64_t examples = 0;
  double loss = 0;                 // mean, without class weights
  std::optional<double> accuracy;  // classes: share of rows whose most probable class is the label
  std::optional<double> auc;       // two classes: area under the ROC curve
  std::optional<double> rmse;      // regression: root of the mean squared error
  std::optional<double> mae;       // regression: mean absolute error
  std::optional<double> r2;        // regression: 1 - residual / total sum of squares

  bool operator==(const Metrics&) const = default;
};

// Of all rows, in batches that bound the memory. ErrorCode::invalid if there are no rows, if they
// do not suit the model (check_examples), or if the weights give a loss that is not finite.
Result<Metrics> evaluate(const Model& model, std::span<const float> weights,
                         const Examples& examples, Workspace& workspace);

// Over clients, each weighted by its examples. The loss, accuracy, RMSE (through its square) and
// MAE are those of all rows together; AUC and R² are means of the clients' own. An optional metric
// is the mean over those who have it. Clients without examples do not count; nothing if there are
// no others.
std::optional<Metrics> weighted_mean(std::span<const Metrics> clients);

// The area under the ROC curve: the share of (positive, negative) pairs in which the positive has
// the higher score, a tie counting half (Mann and Whitney 1947), by ranks in O(n log n). `positive`
// is not 0 where the row is. Nothing if one of the classes is absent.
std::optional<double> area_under_curve(std::span<const float> scores,
                                       std::span<const float> positive);

// Names: loss, accuracy, auc, rmse, mae, r2.
std::span<const std::string_view> metric_names();
std::optional<double> value_of(const Metrics& metrics, std::string_view name);
bool larger_is_better(std::string_view name);  // false for the losses and errors

}  // namespace fed::model
