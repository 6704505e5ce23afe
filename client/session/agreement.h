// What a site has agreed to, compared with what its server asks.
//
// A refusal is a sentence for the server's operator, who cannot see the site's file: it names the
// key of client.json that is why, and what the job has. It tells nothing of the data but that there
// are too few rows.
//
// Immutable; thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "config/job.h"
#include "config/site.h"
#include "wire/messages.h"

namespace fed::session {

// Whether `name` is what `pattern` says: * stands for any characters, ? for any one.
bool matches(std::string_view pattern, std::string_view name);

class Agreement {
 public:
  Agreement() = default;  // to everything
  explicit Agreement(config::AgreementSpec spec) : spec_(std::move(spec)) {}

  // All ErrorCode::unsupported if the site does not agree.

  // The job itself; `update_bytes` is what an update of its model has. Needs no data.
  Status check(const config::JobSpec& job, std::uint64_t update_bytes) const;
  // How many rows the site could train on.
  Status check_rows(std::int64_t rows) const;
  // One task of a job that was agreed to: a server could ask for sums that the job does not speak
  // of.
  Status check_task(const config::JobSpec& job, wire::TaskKind kind) const;

  // Takes out of an offer what may not leave.
  void withhold(wire::Offer& offer) const;

 private:
  Status check_name(const std::string& name) const;
  Status check_secure_aggregation(const config::JobSpec& job) const;
  Status check_homomorphic_encryption(const config::JobSpec& job) const;

  config::AgreementSpec spec_;
};

}  // namespace fed::session
