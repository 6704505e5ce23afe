// What a site lends to its server, and to which jobs: the sections `limits` and `jobs` of a client
// file. They are the site's own: the client enforces them whatever the server asks, and says them
// to the server, which plans around them.
//
// Plain values; copy freely, share const.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "config/job.h"

namespace fed::config {

inline constexpr int kMinutesOfDay = 24 * 60;

// One stretch of the site's local time. It begins at `from_min` on each of `days`, and ends at
// `to_min`: on the same day if that is later, else on the next one.
struct HoursSpec {
  int from_min = 0;            // minutes since midnight, 0 ... 1439
  int to_min = kMinutesOfDay;  // 0 ... 1440, never from_min
  std::array<bool, 7> days{true, true, true, true, true, true, true};  // Monday first

  bool operator==(const HoursSpec&) const = default;
};

struct SiteLimitsSpec {
  std::vector<HoursSpec> hours;    // empty: always; windows may overlap
  double upload_mbit_s_max = 0;    // megabits a second; 0: no limit
  double download_mbit_s_max = 0;  // the same
  int nice = 0;                    // 0 ... 19

  bool operator==(const SiteLimitsSpec&) const = default;
};

// What a site asks of a job's privacy, and what it gives away of its own over all jobs.
struct PrivacyAgreementSpec {
  bool required = false;   // jobs without the section "privacy" are declined
  double epsilon_max = 0;  // over all tasks of all jobs; 0: no limit but the jobs' own
  double delta = 1e-5;     // at which

  bool operator==(const PrivacyAgreementSpec&) const = default;
};

// What a site asks of a job's secure aggregation, where the job has that.
struct SecureAgreementSpec {
  using Adversary = SecureAggregationSpec::Adversary;
  // What a client does about a peer that its roster does not have: enters it, or refuses.
  enum class Peers { first_use, pinned };
  bool required = false;         // jobs without the section "secure_aggregation" are declined
  std::int64_t clients_min = 3;  // in a sum that this site takes part in
  Adversary adversary = Adversary::semi_malicious;  // the least to be protected against
  double corrupted_min = 0.05;                      // the same, a fraction of the clients
  Peers peers = Peers::first_use;

  bool operator==(const SecureAgreementSpec&) const = default;
};

// Whose key a site encrypts with, and whether it is a key holder itself.
struct HomomorphicAgreementSpec {
  std::string public_key;            // base64url; empty: it knows none
  std::filesystem::path secret_key;  // empty: it holds none
  std::int64_t clients_min = 3;      // in a sum that it decrypts

  bool operator==(const HomomorphicAgreementSpec&) const = default;
};

// Which jobs a site agrees to.
struct AgreementSpec {
  std::vector<std::string> names{"*"};      // * any characters, ? any one
  std::vector<std::string> names_declined;  // goes before `names`
  std::vector<std::string> models{"linear", "logistic", "softmax", "mlp"};
  bool delta = true, gradient = true, statistics = true, metrics = true;  // what may leave
  std::int64_t rows_min = 1;
  std::uint64_t update_bytes_max = 0;  // 0: no limit
  PrivacyAgreementSpec privacy;
  SecureAgreementSpec secure_aggregation;
  HomomorphicAgreementSpec homomorphic_encryption;

  bool operator==(const AgreementSpec&) const = default;
};

// "mon-fri 20:00-06:00, sat,sun 00:00-24:00", or "always" for an empty list.
std::string hours_text(const std::vector<HoursSpec>& hours);

}  // namespace fed::config
