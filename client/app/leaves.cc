#include "app/leaves.h"

#include <fmt/format.h>

#include <algorithm>

#include "coding/job_codec.h"

namespace fed::app {
namespace {

using Lines = std::vector<std::string>;

constexpr const char* kUpdate = "the update of each round, one number for each weight of the model";
constexpr const char* kMasksDemanded =
    "this site demands masks: jobs.secure_aggregation.required in its client.json";

// What is known of how an update is hidden.
struct Hiding {
  bool masked = false;     // for sure
  bool encrypted = false;  // the same
  bool is_known = false;   // whether it is masked or encrypted
  std::int64_t clients_min = 0;

  bool for_sure() const { return masked || encrypted; }
};

Hiding hiding_of(const config::AgreementSpec& jobs, const config::JobSpec* job) {
  Hiding hiding{.masked = jobs.secure_aggregation.required,
                .is_known = jobs.secure_aggregation.required,
                .clients_min = jobs.secure_aggregation.clients_min};
  if (job == nullptr) return hiding;
  hiding.masked = job->secure_aggregation.has_value();
  hiding.encrypted = job->homomorphic_encryption.has_value();
  hiding.is_known = true;
  hiding.clients_min = std::max(hiding.clients_min, job->rounds.contributions_min);
  return hiding;
}

std::string update_line(const config::AgreementSpec& jobs, const Hiding& hiding, bool has_job) {
  const bool may_be_made_up =
      jobs.secure_aggregation.peers == config::SecureAgreementSpec::Peers::first_use;
  const std::string sums = fmt::format(
      "the server learns sums of at least {} clients' updates, not this one{}", hiding.clients_min,
      may_be_made_up ? ", unless it has made up the others (pinned peers rule that "
                       "out: jobs.secure_aggregation.peers)"
                     : "");
  if (hiding.masked) {
    return fmt::format(
        "{}, masked: {} ({})", kUpdate, sums,
        jobs.secure_aggregation.required ? kMasksDemanded : "the job has secure_aggregation");
  }
  if (hiding.encrypted) {
    return fmt::format(
        "{}, encrypted: the server learns what the key holder decrypts for it, the "
        "sum of each round (the job has homomorphic_encryption)",
        kUpdate);
  }
  if (has_job) {
    return fmt::format(
        "{}, which the server sees: the job has no secure_aggregation and no "
        "homomorphic_encryption",
        kUpdate);
  }
  const bool may_encrypt = !jobs.homomorphic_encryption.public_key.empty();
  return fmt::format(
      "{}: masked if the job has secure_aggregation ({}){}; else the server sees it "
      "(jobs.secure_aggregation.required in client.json demands masks)",
      kUpdate, sums,
      may_encrypt ? ", encrypted for the key holder if it has "
                    "homomorphic_encryption"
                  : "");
}

std::string noise_line(const config::AgreementSpec& jobs, const config::JobSpec* job) {
  if (job == nullptr) {
    return jobs.privacy.required
               ? "in it, noise: of this machine or, to the sum, of the server, as the job's "
                 "section "
                 "privacy says (this site demands one: jobs.privacy.required in its client.json)"
               : "in it, noise if the job has a section privacy, as that says, and else none "
                 "(jobs.privacy.required in client.json demands one)";
  }
  if (!job->privacy) return "no noise in it: the job has no section privacy";
  if (!coding::has_client_noise(*job)) {
    return "no noise in it yet: it is clipped here, and the server adds noise to the sum (the "
           "job's section privacy)";
  }
  return job->privacy->mechanism == config::PrivacySpec::Mechanism::distributed_gaussian
             ? "in it, this machine's share of the sum's noise (the job's section privacy)"
             : "in it, noise of this machine (the job's section privacy)";
}

// Of what is in the same vector as the update, or goes beside it.
std::string beside(const Hiding& hiding, const config::JobSpec* job, const char* what) {
  if (hiding.for_sure()) return fmt::format("{}: as a part of such sums only", what);
  if (job != nullptr) return what;
  return fmt::format("{}{}", what,
                     hiding.is_known ? "" : ": as a part of such sums only, where there are any");
}

void add_rows_and_metrics(const config::AgreementSpec& jobs, const Hiding& hiding,
                          const config::JobSpec* job, Lines& lines) {
  // With noise of its own a client sends nothing but the vector.
  if (job != nullptr && coding::has_client_noise(*job)) return;
  const bool counts_rows =
      job == nullptr || !hiding.for_sure() ||
      job->aggregation.weighting == config::AggregationSpec::Weighting::examples;
  if (counts_rows) lines.push_back(beside(hiding, job, "how many rows this machine trains on"));
  const bool adapts = job != nullptr && job->privacy && job->privacy->adaptive;
  if (adapts) {
    lines.push_back(beside(hiding, job, "whether the update was longer than the clipping norm"));
  }
  if (!jobs.metrics) return;
  lines.push_back(beside(
      hiding, job,
      "how good the server's model is on the rows kept aside (loss, accuracy, ...), and how many "
      "these are"));
  if (hiding.for_sure()) return;
  lines.push_back(job != nullptr ? "the mean loss of the training, and how long it took"
                                 : "the mean loss of the training, and how long it took: not where "
                                   "the update is hidden");
}

void add_statistics(const config::AgreementSpec& jobs, const Hiding& hiding,
                    const config::JobSpec* job, Lines& lines) {
  if (!jobs.statistics) return;
  const std::string sums = "count, sum and sum of squares of each number column";
  if (job == nullptr) {
    lines.push_back(
        beside(hiding, job, ("if the job scales its inputs federated: " + sums).c_str()));
    return;
  }
  if (job->inputs && job->inputs->scaling == config::InputsSpec::Scaling::federated) {
    lines.push_back(beside(hiding, job, (sums + ", once").c_str()));
  }
}

// What a training client sends.
void add_training(const config::ClientSpec& spec, const config::JobSpec* job, Lines& lines) {
  const Hiding hiding = hiding_of(spec.jobs, job);
  lines.push_back(update_line(spec.jobs, hiding, job != nullptr));
  lines.push_back(noise_line(spec.jobs, job));
  add_rows_and_metrics(spec.jobs, hiding, job, lines);
  add_statistics(spec.jobs, hiding, job, lines);
}

}  // namespace

Lines leaves_lines(const config::ClientSpec& spec, const config::JobSpec* job) {
  Lines lines;
  if (!spec.data.empty()) add_training(spec, job, lines);
  const config::HomomorphicAgreementSpec& encryption = spec.jobs.homomorphic_encryption;
  if (!encryption.secret_key.empty()) {
    lines.push_back(
        fmt::format("as a key holder, of jobs with the public key of {}: the sum of "
                    "each round, decrypted, if it is said to be of at least {} clients",
                    encryption.secret_key.string(), encryption.clients_min));
  }
  lines.emplace_back(
      "this site's hours and rates, the version of this program, how far its work is, and why it "
      "declines or refuses something");
  return lines;
}

Lines stays_lines(const config::ClientSpec& spec) {
  Lines lines{"the rows, the labels, the files and their names",
              "single values, even in error messages", "the private keys"};
  if (!spec.jobs.homomorphic_encryption.secret_key.empty()) {
    lines.back() += ", that of the key holder too";
  }
  return lines;
}

}  // namespace fed::app
