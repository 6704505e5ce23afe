#include "app/privacy_view.h"

#include <algorithm>

namespace fed::app {
namespace {

using Json = nlohmann::json;
using Ledger = std::vector<store::LedgerRow>;

Result<double> epsilon_of(const JobPrivacy& privacy, const Ledger& ledger) {
  FED_ASSIGN(spent, spent_in(ledger));
  return privacy.promise(spent).epsilon;
}

Ledger of_job(const Ledger& ledger, const std::string& job) {
  Ledger own;
  std::copy_if(ledger.begin(), ledger.end(), std::back_inserter(own),
               [&](const store::LedgerRow& row) { return row.job == job; });
  return own;
}

Result<Json> client_json(const Coordinator& coordinator, const Job& job,
                         const store::Client& client) {
  FED_ASSIGN(all, coordinator.parts().journal.privacy_ledger_of(client.id));
  const Ledger own = of_job(all, job.name());
  FED_ASSIGN(here, epsilon_of(*job.plan().privacy, own));
  FED_ASSIGN(everywhere, epsilon_of(*job.plan().privacy, all));
  Json json = {{"client", client.name},
               {"versions", own.size()},
               {"epsilon", here},
               {"versions_of_all_jobs", all.size()},
               {"epsilon_of_all_jobs", everywhere}};
  return {boost::system::in_place_value, std::move(json)};
}

}  // namespace

Json privacy_json(const Coordinator& coordinator, const Job& job) {
  if (!job.plan().privacy) return nullptr;
  const JobPrivacy& privacy = *job.plan().privacy;
  const config::PrivacySpec& spec = privacy.spec();
  Json json = {
      {"mechanism", privacy.entry().mechanism},    {"clipping_norm", spec.clipping_norm},
      {"noise_multiplier", spec.noise_multiplier}, {"delta", spec.delta},
      {"epsilon_max", spec.epsilon_max},           {"versions_paid", privacy.versions_paid()},
      {"neighbours", privacy.neighbours()},        {"adversary", privacy.adversary()}};
  const auto ledger = coordinator.parts().journal.privacy_ledger(job.name());
  const auto epsilon = ledger ? epsilon_of(privacy, *ledger) : Result<double>(ledger.error());
  if (epsilon) {
    json["versions"] = ledger->size();
    json["epsilon"] = *epsilon;
  } else {
    json["problem"] = epsilon.error().detail;
  }
  return json;
}

Result<Json> privacy_by_client(const Coordinator& coordinator, const Job& job) {
  if (!job.plan().privacy) {
    return Error{ErrorCode::invalid, "the job \"" + job.name() +
                                         "\" has no section \"privacy\": its models have no noise, "
                                         "and there is nothing to account for"};
  }
  Json json = privacy_json(coordinator, job);
  json["job"] = job.name();
  json["clients"] = Json::array();
  FED_ASSIGN(clients, coordinator.parts().journal.clients());
  for (const store::Client& client : clients) {
    FED_ASSIGN(line, client_json(coordinator, job, client));
    json["clients"].push_back(std::move(line));
  }
  return {boost::system::in_place_value, std::move(json)};
}

}  // namespace fed::app
