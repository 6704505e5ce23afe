#include "app/metrics_json.h"

namespace fed::app {

Json to_json(const model::Metrics& metrics) {
  Json json = {{"examples", metrics.examples}};
  for (const std::string_view name : model::metric_names()) {
    const auto value = model::value_of(metrics, name);
    if (value) json[std::string(name)] = *value;
  }
  return json;
}

Json to_json(const wire::Metrics& metrics) {
  Json json = Json::object();
  for (const auto& [name, value] : metrics) json[name] = value;
  return json;
}

std::optional<model::Metrics> client_metrics(const std::string& text, std::int64_t examples) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object() || !json.contains("loss")) return std::nullopt;
  const auto optional = [&](const char* name) -> std::optional<double> {
    if (!json.contains(name)) return std::nullopt;
    return json[name].get<double>();
  };
  model::Metrics metrics;
  metrics.examples = examples;
  if (json.contains("holdout_examples")) {
    // A count that a client made up must not overflow the sum of all.
    const double rows = json["holdout_examples"].get<double>();
    metrics.examples = static_cast<std::int64_t>(std::clamp(rows, 0.0, 1e12));
  }
  metrics.loss = json["loss"].get<double>();
  metrics.accuracy = optional("accuracy");
  metrics.auc = optional("auc");
  metrics.rmse = optional("rmse");
  metrics.mae = optional("mae");
  metrics.r2 = optional("r2");
  return metrics;
}

std::optional<model::Metrics> weighted_metrics(const std::vector<store::ContributionRow>& rows) {
  std::vector<model::Metrics> clients;
  for (const store::ContributionRow& row : rows) {
    if (row.outcome != "accepted") continue;
    const auto metrics = client_metrics(row.metrics, row.examples);
    if (metrics) clients.push_back(*metrics);
  }
  return model::weighted_mean(clients);
}

std::int64_t more_within_norm(const std::vector<store::ContributionRow>& rows) {
  std::int64_t more = 0;
  for (const store::ContributionRow& row : rows) {
    const Json json = Json::parse(row.metrics, nullptr, false);
    if (row.outcome != "accepted" || !json.is_object() || !json.contains("within_norm")) continue;
    more += json["within_norm"] == 1 ? 1 : -1;
  }
  return more;
}

}  // namespace fed::app
