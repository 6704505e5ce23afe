#include "app/privacy_text.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace fed::app {

PrivacyLedger ledger_of(const config::ClientSpec& spec) {
  return PrivacyLedger(real_disk(), spec.state_dir / kPrivacyLedger, spec.jobs.privacy);
}

std::string spent_text(const config::ClientSpec& spec, const PrivacyLedger::Overview& found) {
  if (!found.is_spent) return "";
  return fmt::format(
      "this site's privacy budget is spent: after {} tasks, with an epsilon of {:.4g} at delta "
      "{:g}, its limit of {:g} has no room for another one with as much noise: such tasks are "
      "refused "
      "(jobs.privacy.epsilon_max in its client.json)",
      found.entries, found.epsilon, spec.jobs.privacy.delta, spec.jobs.privacy.epsilon_max);
}

std::vector<std::pair<std::string, std::string>> privacy_lines(
    const config::ClientSpec& spec, const Result<PrivacyLedger::Overview>& found) {
  if (!found) return {{"privacy", found.error().detail}};
  std::vector<std::pair<std::string, std::string>> lines;
  const double limit = spec.jobs.privacy.epsilon_max;
  if (found->entries > 0 || limit > 0) {
    lines.emplace_back("privacy",
                       fmt::format("epsilon {:.4g}{} at delta {:g}, for {} tasks", found->epsilon,
                                   limit > 0 ? fmt::format(" of {:g}", limit) : "",
                                   spec.jobs.privacy.delta, found->entries));
  }
  if (found->is_spent) lines.emplace_back("SPENT", spent_text(spec, *found));
  if (found->lost == 0) return lines;
  lines.emplace_back("ALARM",
                     fmt::format("{} had lost {} tasks that the server counts, and has them again: "
                                 "it had gone back to an older state",
                                 (spec.state_dir / kPrivacyLedger).string(), found->lost));
  return lines;
}

nlohmann::json privacy_json(const config::ClientSpec& spec,
                            const Result<PrivacyLedger::Overview>& found) {
  if (!found) return {{"problem", found.error().detail}};
  return {{"tasks", found->entries},
          {"epsilon", found->epsilon},
          {"lost", found->lost},
          {"spent", found->is_spent},
          {"epsilon_max", spec.jobs.privacy.epsilon_max},
          {"delta", spec.jobs.privacy.delta}};
}

}  // namespace fed::app
