// What the site's privacy ledger says, for people and as JSON: `fedclient status` and `check`.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

#include "app/privacy_ledger.h"
#include "config/client.h"

namespace fed::app {

// The ledger of the client with this file, on the system's disk.
PrivacyLedger ledger_of(const config::ClientSpec& spec);

// A title and a text each; none where there is nothing to say. `found` is what the ledger's
// overview gave.
std::vector<std::pair<std::string, std::string>> privacy_lines(
    const config::ClientSpec& spec, const Result<PrivacyLedger::Overview>& found);
nlohmann::json privacy_json(const config::ClientSpec& spec,
                            const Result<PrivacyLedger::Overview>& found);

// Why no task with as much noise as so far is done any more; empty while the site's own limit has
// room for one.
std::string spent_text(const config::ClientSpec& spec, const PrivacyLedger::Overview& found);

}  // namespace fed::app
