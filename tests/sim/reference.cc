#include "reference.h"

#include <cmath>

namespace fed::sim {
namespace {

__extension__ using Whole = __int128;

// Smallest e with 2^e >= value.
int power_above(double value) {
  int e = static_cast<int>(std::floor(std::log2(value))) - 1;
  while (std::ldexp(1.0, e) < value) ++e;
  return e;
}

// `value` in units of 2^exponent, to the nearest, half to even.
Whole in_units(double value, int exponent) {
  return static_cast<Whole>(std::nearbyint(std::ldexp(value, -exponent)));
}

double from_units(Whole units, int exponent) {
  return std::ldexp(static_cast<double>(units), exponent);
}

double weight_of(const config::JobSpec& job, std::int64_t examples) {
  using Weighting = config::AggregationSpec::Weighting;
  return job.aggregation.weighting == Weighting::examples ? static_cast<double>(examples) : 1.0;
}

// s(t - tau) of Xie et al. 2019, section 5.2.
double staleness_factor(const config::StalenessSpec& rule, std::int64_t staleness) {
  using Weight = config::StalenessSpec::Weight;
  const auto s = static_cast<double>(staleness);
  if (rule.weight == Weight::constant) return 1;
  if (rule.weight == Weight::polynomial) return std::pow(1 + s, -rule.exponent);
  return staleness <= rule.grace ? 1 : 1 / (rule.slope * (s - static_cast<double>(rule.grace)) + 1);
}

// The step of one coordinate (Reddi et al. 2020, algorithm 2; sgd with heavy-ball momentum).
void step(const config::OptimizerSpec& spec, double delta, float& x, float* m, float* v) {
  if (spec.type == "sgd") {
    if (m == nullptr) {
      x = static_cast<float>(x + spec.learning_rate * delta);
      return;
    }
    const double velocity = spec.momentum * *m + delta;
    x = static_cast<float>(x + spec.learning_rate * velocity);
    *m = static_cast<float>(velocity);
    return;
  }
  const double first = spec.beta1 * *m + (1 - spec.beta1) * delta;
  const double square = delta * delta;
  double second = *v;
  if (spec.type == "adagrad") second = second + square;
  if (spec.type == "adam") second = spec.beta2 * second + (1 - spec.beta2) * square;
  if (spec.type == "yogi") {
    const double sign = second > square ? 1 : second < square ? -1 : 0;
    second = second - (1 - spec.beta2) * square * sign;
  }
  x = static_cast<float>(x + spec.learning_rate * first / (std::sqrt(second) + spec.epsilon));
  *m = static_cast<float>(first);
  *v = static_cast<float>(second);
}

}  // namespace

double reference_discount(const config::JobSpec& job, std::int64_t staleness) {
  return staleness_factor(job.rounds.staleness, staleness);
}

ReferenceModel reference_start(const config::JobSpec& job, std::vector<float> weights) {
  ReferenceModel model;
  const config::OptimizerSpec& spec = job.aggregation.server_optimizer;
  if (spec.type != "sgd" || spec.momentum > 0) model.m.assign(weights.size(), 0);
  if (spec.type != "sgd") {
    model.v.assign(weights.size(), static_cast<float>(spec.epsilon * spec.epsilon));
  }
  model.weights = std::move(weights);
  return model;
}

ReferenceColumn reference_column(const std::vector<ColumnSums>& sites) {
  Whole count = 0, sum = 0, squares = 0;
  int unit = 0;
  for (const ColumnSums& site : sites) {
    count += site.count;
    sum += site.sum;
    squares += site.squares;
    unit = site.unit;
  }
  if (count == 0) return {};
  const double n = static_cast<double>(count);
  const Whole spread = count * squares - sum * sum;  // n^2 times the variance
  return {.mean = from_units(sum, unit) / n,
          .variance = from_units(spread, 2 * unit) / (n * n),
          .mean_square = from_units(squares, 2 * unit) / n};
}

bool ReferenceColumn::is_scaled(double by_mean, double by_deviation) const {
  constexpr double kConstantMost = 0x1p-45, kErrorMost = 0x1p-49;  // of the mean square
  if (by_mean != mean) return false;
  if (by_deviation == 0) return variance <= kConstantMost * mean_square;
  return std::abs(by_deviation * by_deviation - variance) <= kErrorMost * mean_square;
}

ReferenceModel reference_step(const config::JobSpec& job, const ReferenceModel& from,
                              const std::vector<ReferenceUpdate>& updates, double total_weight) {
  double all = 0, discounted = 0;
  for (const ReferenceUpdate& each : updates) {
    const double weight = weight_of(job, each.examples);
    all += weight;
    discounted += weight * staleness_factor(job.rounds.staleness, each.staleness);
  }
  const double bound = total_weight > 0 ? total_weight : all;
  const int weight_unit = power_above(bound) - 51;
  const int unit = power_above(bound * job.aggregation.update_limit) - 51;
  std::vector<double> weights;
  Whole weight_sum = 0;
  for (const ReferenceUpdate& each : updates) {
    const double weight =
        weight_of(job, each.examples) * staleness_factor(job.rounds.staleness, each.staleness);
    weight_sum += in_units(weight, weight_unit);
    weights.push_back(from_units(in_units(weight, weight_unit), weight_unit));
  }
  std::vector<double> means(from.weights.size());
  for (std::size_t i = 0; i < means.size(); ++i) {
    Whole sum = 0;
    for (std::size_t k = 0; k < updates.size(); ++k) {
      sum += in_units(weights[k] * static_cast<double>((*updates[k].values)[i]), unit);
    }
    means[i] = from_units(sum, unit) / from_units(weight_sum, weight_unit);
  }
  return reference_apply(job, from, means, discounted / all);
}

ReferenceModel reference_apply(const config::JobSpec& job, const ReferenceModel& from,
                               const std::vector<double>& means, double discount) {
  using Update = config::TrainingSpec::Update;
  ReferenceModel next = from;
  for (std::size_t i = 0; i < next.weights.size(); ++i) {
    double delta = discount;
    if (job.training.update == Update::delta) delta *= means[i];
    if (job.training.update == Update::gradient) delta *= -means[i];
    if (job.training.update == Update::weights)
      delta *= means[i] - static_cast<double>(from.weights[i]);
    step(job.aggregation.server_optimizer, delta, next.weights[i],
         next.m.empty() ? nullptr : &next.m[i], next.v.empty() ? nullptr : &next.v[i]);
  }
  return next;
}

}  // namespace fed::sim
