// Metrics as JSON for the journal and the admin socket, and from the wire. Pure functions.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>

#include "model/metrics.h"
#include "store/records.h"
#include "wire/messages.h"

namespace fed::app {

using Json = nlohmann::json;

Json to_json(const model::Metrics& metrics);
Json to_json(const wire::Metrics& metrics);

// What a client reported of the global model on its own test rows; nothing if it has none.
std::optional<model::Metrics> client_metrics(const std::string& text, std::int64_t examples);

// Over the accepted contributions of a round, weighted by their test rows.
std::optional<model::Metrics> weighted_metrics(const std::vector<store::ContributionRow>& rows);

// Of the accepted ones, how many updates their clients found within the clipping norm, minus how
// many they did not; who says nothing of it counts for neither.
std::int64_t more_within_norm(const std::vector<store::ContributionRow>& rows);

}  // namespace fed::app
