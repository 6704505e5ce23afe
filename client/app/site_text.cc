#include "app/site_text.h"

#include <fmt/format.h>

#include "app/local_time.h"
#include "session/site.h"

namespace fed::app {
namespace {

using Json = nlohmann::json;
using Lines = std::vector<std::pair<std::string, std::string>>;

std::string rate(double mbit_s) {
  return mbit_s > 0 ? fmt::format("{} Mbit/s at most", mbit_s) : "no limit";
}

std::string secure_text(const config::SecureAgreementSpec& secure) {
  using Spec = config::SecureAgreementSpec;
  return fmt::format(
      "{}, of at least {} clients; safe from a {} server and {:g} % of the clients; "
      "peers {}",
      secure.required ? "required" : "as the job has it", secure.clients_min,
      secure.adversary == Spec::Adversary::curious ? "curious" : "lying",
      secure.corrupted_min * 100,
      secure.peers == Spec::Peers::pinned ? "of the roster only"
                                          : "entered in the roster when first met");
}

std::string encryption_text(const config::HomomorphicAgreementSpec& encryption) {
  const char* known = encryption.public_key.empty()
                          ? "none, since no key holder's public key is given"
                          : "for the holder of the key that is given";
  if (encryption.secret_key.empty()) return known;
  return fmt::format("{}; holds the key in {}, and decrypts sums of at least {} clients", known,
                     encryption.secret_key.string(), encryption.clients_min);
}

}  // namespace

Lines limits_lines(const config::ClientSpec& spec, std::int64_t unix_seconds) {
  const config::SiteLimitsSpec& limits = spec.limits;
  const session::Site site(limits);
  std::string hours = config::hours_text(limits.hours);
  if (site.hours().limited()) hours += "; " + site.state(local_time(unix_seconds));
  return {{"hours", hours},
          {"upload", rate(limits.upload_mbit_s_max)},
          {"download", rate(limits.download_mbit_s_max)},
          {"machine", fmt::format("{} thread{}, nice level {}", spec.threads,
                                  spec.threads == 1 ? "" : "s", limits.nice)}};
}

Lines agreement_lines(const config::AgreementSpec& jobs) {
  std::vector<std::string> leaves;
  if (jobs.delta) leaves.push_back("delta");
  if (jobs.gradient) leaves.push_back("gradient");
  if (jobs.statistics) leaves.push_back("statistics");
  if (jobs.metrics) leaves.push_back("metrics");
  std::string names = fmt::format("{}", fmt::join(jobs.names, ", "));
  if (!jobs.names_declined.empty()) {
    names += fmt::format(", but not {}", fmt::join(jobs.names_declined, ", "));
  }
  Lines lines{{"names", names},
              {"models", fmt::format("{}", fmt::join(jobs.models, ", "))},
              {"may leave", fmt::format("{}", fmt::join(leaves, ", "))},
              {"rows", fmt::format("at least {}", jobs.rows_min)}};
  lines.emplace_back("update", jobs.update_bytes_max == 0
                                   ? "of any size"
                                   : fmt::format("at most {} bytes", jobs.update_bytes_max));
  std::string privacy = jobs.privacy.required ? "required" : "as the job has it";
  if (jobs.privacy.epsilon_max > 0) {
    privacy += fmt::format("; epsilon at most {:g} over all jobs, at delta {:g}",
                           jobs.privacy.epsilon_max, jobs.privacy.delta);
  }
  lines.emplace_back("privacy", privacy);
  lines.emplace_back("secure sums", secure_text(jobs.secure_aggregation));
  lines.emplace_back("encryption", encryption_text(jobs.homomorphic_encryption));
  return lines;
}

Json limits_json(const config::ClientSpec& spec, std::int64_t unix_seconds) {
  const session::Site site(spec.limits);
  const session::LocalTime time = local_time(unix_seconds);
  Json json = {{"open", site.hours().open(time)},
               {"state", site.state(time)},
               {"hours", config::hours_text(spec.limits.hours)},
               {"upload_mbit_s_max", spec.limits.upload_mbit_s_max},
               {"download_mbit_s_max", spec.limits.download_mbit_s_max},
               {"threads", spec.threads},
               {"nice", spec.limits.nice}};
  if (const auto change = site.hours().changes_in(time)) json["changes_in_s"] = *change;
  return json;
}

}  // namespace fed::app
