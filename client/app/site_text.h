// A site's limits for people and scripts: what `fedclient check` and `fedclient status` show of
// them.
//
// Free functions; thread-safe.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "config/client.h"

namespace fed::app {

// A title and a text for each line, at `unix_seconds` of this machine's clock.
std::vector<std::pair<std::string, std::string>> limits_lines(const config::ClientSpec& spec,
                                                              std::int64_t unix_seconds);
std::vector<std::pair<std::string, std::string>> agreement_lines(const config::AgreementSpec& jobs);

// {"open", "changes_in_s" (absent if never), "state", "hours", "upload_mbit_s_max", ...}
nlohmann::json limits_json(const config::ClientSpec& spec, std::int64_t unix_seconds);

}  // namespace fed::app
