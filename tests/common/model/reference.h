// A second implementation to compare with: a network in doubles, one row and one neuron at a time,
// written from the formulas, with its gradient taken by central differences.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "base/random.h"
#include "config/job.h"
#include "model/model.h"

namespace fed::model {

struct Reference {
  std::vector<std::int64_t> widths;
  std::string activation;
  std::string loss;
  std::vector<double> class_weights;

  double activate(double x) const {
    if (activation == "relu") return std::max(x, 0.0);
    if (activation == "tanh") return std::tanh(x);
    return 1 / (1 + std::exp(-x));
  }

  std::vector<double> scores(const std::vector<double>& weights, std::vector<double> x) const {
    std::size_t at = 0;
    for (std::size_t l = 0; l + 1 < widths.size(); ++l) {
      const auto in = static_cast<std::size_t>(widths[l]);
      const auto out = static_cast<std::size_t>(widths[l + 1]);
      std::vector<double> y(out);
      for (std::size_t j = 0; j < out; ++j) {
        for (std::size_t i = 0; i < in; ++i) y[j] += weights[at + j * in + i] * x[i];
        y[j] += weights[at + out * in + j];
        if (l + 2 < widths.size()) y[j] = activate(y[j]);
      }
      at += out * in + out;
      x = y;
    }
    return x;
  }

  double row_loss(const std::vector<double>& s, double label) const {
    if (loss == "squared_error") return (s[0] - label) * (s[0] - label);
    if (loss == "binary_cross_entropy") {
      const double p = 1 / (1 + std::exp(-s[0]));
      return -(label * std::log(p) + (1 - label) * std::log(1 - p));
    }
    double sum = 0;
    for (const double score : s) sum += std::exp(score);
    return -std::log(std::exp(s[static_cast<std::size_t>(label)]) / sum);
  }

  double mean_loss(const std::vector<double>& weights, const Examples& examples) const {
    double sum = 0, total = 0;
    for (std::int64_t row = 0; row < examples.rows; ++row) {
      const auto begin = examples.features.begin() + row * examples.inputs;
      const double label = static_cast<double>(examples.labels[static_cast<std::size_t>(row)]);
      const double weight =
          class_weights.empty() ? 1 : class_weights[static_cast<std::size_t>(label)];
      const std::vector<double> x(begin, begin + examples.inputs);
      sum += weight * row_loss(scores(weights, x), label);
      total += weight;
    }
    return sum / total;
  }

  std::vector<double> gradient(std::vector<double> weights, const Examples& examples) const {
    constexpr double h = 1e-5;
    std::vector<double> result(weights.size());
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const double weight = weights[i];
      weights[i] = weight + h;
      const double above = mean_loss(weights, examples);
      weights[i] = weight - h;
      const double below = mean_loss(weights, examples);
      weights[i] = weight;
      result[i] = (above - below) / (2 * h);
    }
    return result;
  }
};

// The reference of a model that make_model accepts.
inline Reference reference_of(const config::ModelSpec& spec, const Model& model) {
  Reference reference{{spec.inputs}, spec.activation, name(model.loss()), {}};
  reference.widths.insert(reference.widths.end(), spec.hidden.begin(), spec.hidden.end());
  reference.widths.push_back(spec.outputs);
  return reference;
}

// Rows of normal features, with labels that suit the model.
inline Examples random_examples(const Model& model, std::int64_t rows, std::uint64_t seed) {
  Random random(seed);
  Examples examples{{}, {}, rows, model.inputs()};
  const auto classes = static_cast<std::uint64_t>(class_count(model.loss(), model.outputs()));
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t i = 0; i < model.inputs(); ++i) {
      examples.features.push_back(static_cast<float>(random.normal()));
    }
    examples.labels.push_back(classes > 0 ? static_cast<float>(random.below(classes))
                                          : static_cast<float>(random.normal()));
  }
  return examples;
}

inline tensor::Floats random_weights(const Model& model, std::uint64_t seed) {
  Random random(seed);
  tensor::Floats weights(model.layout().size());
  for (float& weight : weights) weight = static_cast<float>(0.7 * random.normal());
  return weights;
}

inline std::vector<double> doubles(std::span<const float> values) {
  return {values.begin(), values.end()};
}

}  // namespace fed::model
