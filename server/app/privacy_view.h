// What a job's privacy has cost so far, as JSON, from the ledger. Control loop only.
#pragma once

#include <nlohmann/json.hpp>

#include "app/coordinator.h"

namespace fed::app {

// Of the job as a whole: its section, what the ledger holds, what that promises to a client that is
// in every version. Null for a job without noise.
nlohmann::json privacy_json(const Coordinator& coordinator, const Job& job);

// The same, and for each institution what it has spent in this job and in all jobs together.
// ErrorCode::invalid for a job without noise; errors of the registry.
Result<nlohmann::json> privacy_by_client(const Coordinator& coordinator, const Job& job);

}  // namespace fed::app
