#include "session/agreement.h"

#include <algorithm>
#include <charconv>

namespace fed::session {
namespace {

Error declined(const std::string& why, const char* key) {
  return {ErrorCode::unsupported,
          "this site does not agree: " + why + " (" + key + " in its client.json)"};
}

bool any_matches(const std::vector<std::string>& patterns, const std::string& name) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const std::string& pattern) { return matches(pattern, name); });
}

// As short as it can be and still be this value.
std::string number(double value) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

bool needs_statistics(const config::JobSpec& job) {
  return job.inputs && job.inputs->scaling == config::InputsSpec::Scaling::federated;
}

}  // namespace

// With one place to go back to, the last star: what an earlier star has taken need not be changed.
bool matches(std::string_view pattern, std::string_view name) {
  constexpr auto kNone = std::string_view::npos;
  std::size_t p = 0, n = 0, star = kNone, taken = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      taken = n;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
      ++p;
      ++n;
    } else if (star != kNone) {
      p = star + 1;
      n = ++taken;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == kNone;
}

Status Agreement::check_name(const std::string& name) const {
  if (any_matches(spec_.names_declined, name)) {
    return declined("it declines jobs of this name", "jobs.names_declined");
  }
  if (any_matches(spec_.names, name)) return {};
  return declined("it takes part in jobs of other names only", "jobs.names");
}

// What a sum is protected against beyond what this site asks for is no harm.
Status Agreement::check_secure_aggregation(const config::JobSpec& job) const {
  const config::SecureAgreementSpec& asked = spec_.secure_aggregation;
  if (!job.secure_aggregation) {
    if (!asked.required) return {};
    return declined("the job has no section \"secure_aggregation\"",
                    "jobs.secure_aggregation.required");
  }
  const std::int64_t clients = job.rounds.contributions_min;
  if (clients < asked.clients_min) {
    return declined("a sum of the job may be of " + std::to_string(clients) +
                        " clients; it takes part in sums of at least " +
                        std::to_string(asked.clients_min),
                    "jobs.secure_aggregation.clients_min");
  }
  if (job.secure_aggregation->adversary < asked.adversary) {
    return declined(
        "the job's sums are protected against a \"curious\" server; it asks for "
        "\"semi_malicious\"",
        "jobs.secure_aggregation.adversary");
  }
  if (job.secure_aggregation->corrupted < asked.corrupted_min) {
    return declined("the job's sums are protected while a fraction of at most " +
                        number(job.secure_aggregation->corrupted) +
                        " of the clients is corrupted; it asks for at least " +
                        number(asked.corrupted_min),
                    "jobs.secure_aggregation.corrupted_min");
  }
  return {};
}

// Whoever has the secret key of the job's key can read what is encrypted with it.
Status Agreement::check_homomorphic_encryption(const config::JobSpec& job) const {
  if (!job.homomorphic_encryption) return {};
  const std::string& key = spec_.homomorphic_encryption.public_key;
  if (key == job.homomorphic_encryption->public_key) return {};
  return declined(key.empty() ? "it has been given no key holder's public key"
                              : "the job's public key is not the one that it was given",
                  "jobs.homomorphic_encryption.public_key");
}

Status Agreement::check(const config::JobSpec& job, std::uint64_t update_bytes) const {
  FED_TRY(check_name(job.name));
  const auto& models = spec_.models;
  if (std::find(models.begin(), models.end(), job.model.type) == models.end()) {
    return declined("models of type \"" + job.model.type + "\" are not trained here",
                    "jobs.models");
  }
  const bool is_delta = job.training.update == config::TrainingSpec::Update::delta;
  if (is_delta ? !spec_.delta : !spec_.gradient) {
    return declined(std::string("updates of kind \"") + (is_delta ? "delta" : "gradient") +
                        "\" must not leave it",
                    "jobs.leaves");
  }
  if (spec_.privacy.required && !job.privacy) {
    return declined("the job has no section \"privacy\"", "jobs.privacy.required");
  }
  FED_TRY(check_secure_aggregation(job));
  FED_TRY(check_homomorphic_encryption(job));
  if (needs_statistics(job) && !spec_.statistics) {
    return declined("the sums that federated scaling needs must not leave it", "jobs.leaves");
  }
  if (spec_.update_bytes_max > 0 && update_bytes > spec_.update_bytes_max) {
    return declined("an update of the job has " + std::to_string(update_bytes) +
                        " bytes; it sends at most " + std::to_string(spec_.update_bytes_max),
                    "jobs.update_bytes_max");
  }
  return {};
}

Status Agreement::check_rows(std::int64_t rows) const {
  if (rows >= spec_.rows_min) return {};
  return declined("it trains on at least " + std::to_string(spec_.rows_min) +
                      " rows, and has fewer for this job",
                  "jobs.rows_min");
}

Status Agreement::check_task(const config::JobSpec& job, wire::TaskKind kind) const {
  if (kind == wire::TaskKind::training || needs_statistics(job)) return {};
  return Error{ErrorCode::unsupported,
               "the job does not speak of sums of columns, so this client gives none"};
}

void Agreement::withhold(wire::Offer& offer) const {
  if (!spec_.metrics) offer.metrics.clear();
}

}  // namespace fed::session
