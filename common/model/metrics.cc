#include "model/metrics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <vector>

namespace fed::model {
namespace {

constexpr std::int64_t batch_rows_max = 512;  // large enough for gemm, small beside the weights

// What evaluation gathers, batch by batch.
struct Sums {
  double loss = 0;
  std::int64_t correct = 0;
  double absolute_error = 0;
  tensor::Floats margins;  // two classes: the score of class 1 over class 0, for each row
};

bool has_two_classes(const Model& model) { return class_count(model.loss(), model.outputs()) == 2; }

// The margin of a row between two classes.
float margin_of(std::span<const float> scores) {
  return scores.size() == 1 ? scores[0] : scores[1] - scores[0];
}

std::size_t most_probable(std::span<const float> scores) {
  if (scores.size() == 1) return scores[0] > 0 ? 1 : 0;
  return static_cast<std::size_t>(std::ranges::max_element(scores) - scores.begin());
}

void add_rows(const Model& model, std::span<const float> scores, std::span<const float> labels,
              Sums& sums) {
  sums.loss += loss_of(model.loss(), scores, labels, {}).mean * static_cast<double>(labels.size());
  const auto width = static_cast<std::size_t>(model.outputs());
  for (std::size_t row = 0; row < labels.size(); ++row) {
    const auto of_row = scores.subspan(row * width, width);
    if (model.loss() == Loss::squared_error) {
      sums.absolute_error +=
          std::abs(static_cast<double>(of_row[0]) - static_cast<double>(labels[row]));
    } else {
      sums.correct += most_probable(of_row) == static_cast<std::size_t>(labels[row]) ? 1 : 0;
      if (has_two_classes(model)) sums.margins.push_back(margin_of(of_row));
    }
  }
}

// 1 - residual / total sum of squares; the residual sum is `squared_errors`.
std::optional<double> determination(double squared_errors, std::span<const float> labels) {
  // A constant label has a total of 0, which rounding of its mean would hide.
  const auto [smallest, largest] = std::ranges::minmax(labels);
  if (smallest == largest) return std::nullopt;
  const auto count = static_cast<double>(labels.size());
  const double mean = std::accumulate(labels.begin(), labels.end(), 0.0) / count;
  double total = 0;
  for (const float label : labels) {
    const double deviation = static_cast<double>(label) - mean;
    total += deviation * deviation;
  }
  return 1 - squared_errors / total;
}

Metrics metrics_from(const Model& model, const Sums& sums, std::span<const float> labels) {
  Metrics metrics;
  metrics.examples = std::ssize(labels);
  const auto count = static_cast<double>(labels.size());
  metrics.loss = sums.loss / count;
  if (model.loss() == Loss::squared_error) {
    metrics.rmse = std::sqrt(metrics.loss);
    metrics.mae = sums.absolute_error / count;
    metrics.r2 = determination(sums.loss, labels);
  } else {
    metrics.accuracy = static_cast<double>(sums.correct) / count;
    if (has_two_classes(model)) metrics.auc = area_under_curve(sums.margins, labels);
  }
  return metrics;
}

// One line for each metric: which way is better, and where it is.
struct Named {
  std::string_view name;
  bool larger_is_better;
  std::optional<double> (*get)(const Metrics&);
};
constexpr Named table[] = {
    {"loss", false, [](const Metrics& m) { return std::optional(m.loss); }},
    {"accuracy", true, [](const Metrics& m) { return m.accuracy; }},
    {"auc", true, [](const Metrics& m) { return m.auc; }},
    {"rmse", false, [](const Metrics& m) { return m.rmse; }},
    {"mae", false, [](const Metrics& m) { return m.mae; }},
    {"r2", true, [](const Metrics& m) { return m.r2; }},
};

const Named* find(std::string_view name) {
  const auto found = std::ranges::find(table, name, &Named::name);
  return found == std::end(table) ? nullptr : found;
}

// The mean of `get` over the clients that have it, weighted by examples.
template <class Get>
std::optional<double> mean_of(std::span<const Metrics> clients, Get get) {
  double sum = 0, weight = 0;
  for (const Metrics& client : clients) {
    const std::optional<double> value = get(client);
    if (!value || client.examples <= 0) continue;
    sum += *value * static_cast<double>(client.examples);
    weight += static_cast<double>(client.examples);
  }
  if (weight == 0) return std::nullopt;
  return sum / weight;
}

}  // namespace

Result<Metrics> evaluate(const Model& model, std::span<const float> weights,
                         const Examples& examples, Workspace& workspace) {
  if (examples.rows == 0) return Error{ErrorCode::invalid, "there are no rows to evaluate on"};
  FED_TRY(check_examples(model, examples));
  const Batch all = batch_of(examples);
  Sums sums;
  for (std::int64_t row = 0; row < all.rows; row += batch_rows_max) {
    const std::int64_t rows = std::min(batch_rows_max, all.rows - row);
    const Batch batch = slice(all, examples.inputs, row, rows);
    add_rows(model, model.scores(weights, batch.features, rows, workspace), batch.labels, sums);
  }
  if (!std::isfinite(sums.loss)) {
    return Error{ErrorCode::invalid,
                 "the model's loss is not a finite number: its weights have diverged"};
  }
  return metrics_from(model, sums, all.labels);
}

std::optional<Metrics> weighted_mean(std::span<const Metrics> clients) {
  Metrics mean;
  for (const Metrics& client : clients) mean.examples += std::max<std::int64_t>(client.examples, 0);
  if (mean.examples == 0) return std::nullopt;
  mean.loss = mean_of(clients, [](const Metrics& m) { return std::optional(m.loss); }).value();
  mean.accuracy = mean_of(clients, [](const Metrics& m) { return m.accuracy; });
  mean.auc = mean_of(clients, [](const Metrics& m) { return m.auc; });
  mean.mae = mean_of(clients, [](const Metrics& m) { return m.mae; });
  mean.r2 = mean_of(clients, [](const Metrics& m) { return m.r2; });
  mean.rmse = mean_of(clients, [](const Metrics& m) {
    return m.rmse ? std::optional(*m.rmse * *m.rmse) : std::nullopt;
  });
  if (mean.rmse) mean.rmse = std::sqrt(*mean.rmse);
  return mean;
}

std::optional<double> area_under_curve(std::span<const float> scores,
                                       std::span<const float> positive) {
  FED_CHECK(scores.size() == positive.size());
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t row) { return scores[row]; });
  double positives = 0, rank_sum = 0;
  for (std::size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    double positives_here = 0;
    for (; end < order.size() && scores[order[end]] == scores[order[begin]]; ++end) {
      positives_here += positive[order[end]] != 0 ? 1 : 0;
    }
    // Rows with the same score share the mean of their ranks, begin + 1 .. end.
    rank_sum += positives_here * static_cast<double>(begin + 1 + end) / 2;
    positives += positives_here;
  }
  const double negatives = static_cast<double>(scores.size()) - positives;
  if (positives == 0 || negatives == 0) return std::nullopt;
  return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives);
}

std::span<const std::string_view> metric_names() {
  static constexpr auto names = [] {
    std::array<std::string_view, std::size(table)> all;
    std::ranges::transform(table, all.begin(), &Named::name);
    return all;
  }();
  return names;
}

std::optional<double> value_of(const Metrics& metrics, std::string_view name) {
  const Named* const named = find(name);
  return named ? named->get(metrics) : std::nullopt;
}

bool larger_is_better(std::string_view name) {
  const Named* const named = find(name);
  return named && named->larger_is_better;
}

}  // namespace fed::model
