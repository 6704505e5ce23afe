// What the journal keeps, as plain values: who may connect, which jobs there are, how their rounds
// went.
//
// Times are whole seconds of Unix time. States, outcomes and metrics are the caller's words and
// stored as they are: the journal orders and keeps them, it does not judge them. Copy freely, but
// for Invite, which holds a secret.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/checksum.h"
#include "crypto/ed25519.h"
#include "crypto/secret.h"
#include "crypto/x25519.h"

namespace fed::store {

struct Client {
  std::int64_t id = 0;  // from 1, never given twice
  std::string name;
  crypto::PublicKey channel_key{};   // X25519: the client's static key of the channel
  crypto::VerifyKey identity_key{};  // Ed25519
  std::int64_t joined_at = 0;
  std::int64_t last_seen = 0;
  std::optional<std::int64_t> revoked_at{};

  bool operator==(const Client&) const = default;
};

using InviteId = std::array<std::uint8_t, 8>;

// A right to join once, under `name`. Move-only.
struct Invite {
  InviteId id{};
  std::string name;
  crypto::SecretKey psk;  // the one-time secret of XKpsk3
  std::int64_t expires_at = 0;
};

// An invite that waits for its client, for people.
struct PendingInvite {
  InviteId id{};
  std::string name;
  std::int64_t expires_at = 0;

  bool operator==(const PendingInvite&) const = default;
};

struct Job {
  std::string name;
  std::string spec;    // the job file's canonical text
  std::string state;   // "running", "paused", ...
  std::string detail;  // why, for people
  int reason = 0;      // why, for code
  std::int64_t submitted_at = 0;
  std::int64_t changed_at = 0;  // of the state
  std::int64_t version = 0;     // committed
  // The evaluations so far, for the stopping rules and `export --best`.
  std::optional<std::int64_t> best_version;
  std::optional<double> best_value;
  std::int64_t without_better = 0;

  bool operator==(const Job&) const = default;
};

struct CohortMember {
  std::int64_t client = 0;
  std::int64_t examples = 0;  // declared

  bool operator==(const CohortMember&) const = default;
};

// The beginning of one attempt at a round. Round 0 is a job's statistics, round r > 0 makes version
// r.
struct RoundStart {
  std::string job;
  std::int64_t round = 0;
  std::int64_t attempt = 0;  // from 1
  std::vector<CohortMember> cohort{};
  std::int64_t goal = 0;
  double total_weight = 0;
  std::int64_t opened_at = 0;

  bool operator==(const RoundStart&) const = default;
};

// A task of an asynchronous job, open until its update is accepted or it is ended.
struct OpenTask {
  std::int64_t task = 0;
  std::int64_t client = 0;
  std::int64_t base_version = 0;
  std::int64_t examples = 0;  // declared

  bool operator==(const OpenTask&) const = default;
};

// Which update.
struct UpdateId {
  std::int64_t task = 0;
  std::int64_t client = 0;

  bool operator==(const UpdateId&) const = default;
};

// An update that was verified, admitted and is to be counted: writing it down is the
// acknowledgement.
struct Accepted {
  std::string job;
  std::int64_t task = 0;
  std::int64_t client = 0;
  std::int64_t round = 0;  // at work
  std::int64_t base_version = 0;
  std::int64_t examples = 0;
  double weight = 0;
  Checksum checksum{};
  std::uint64_t bytes = 0;
  std::string metrics;
  bool ends_task = true;  // of an asynchronous job; else it stays open until the commit
  std::int64_t at = 0;

  bool operator==(const Accepted&) const = default;
};

// What became of an update that does not count.
struct Outcome {
  std::string job;
  std::int64_t task = 0;
  std::int64_t client = 0;
  std::int64_t round = 0;  // at work
  Checksum checksum{};
  std::string outcome;  // "refused", "discarded"
  int reason = 0;
  std::string detail;
  std::int64_t at = 0;
};

// A job's new state, where a commit ends the job.
struct JobStateChange {
  std::string state;
  int reason = 0;
  std::string detail{};
};

// The end of a round that succeeded: one transaction.
// What a version costs those whose updates are part of it (common/privacy).
struct PrivacyCost {
  std::string mechanism;
  double clipping_norm = 0;
  double noise_multiplier = 0;
  std::vector<double> rdp;  // at the orders of privacy/rdp.h

  bool operator==(const PrivacyCost&) const = default;
};

struct LedgerRow {
  std::string job;
  std::int64_t round = 0;
  PrivacyCost cost;
  std::int64_t at = 0;  // Unix time

  bool operator==(const LedgerRow&) const = default;
};

struct RoundCommit {
  std::string job;
  std::int64_t round = 0;
  std::int64_t attempt = 0;
  std::int64_t version = 0;  // of the model from now on
  std::string metrics;
  std::int64_t committed_at = 0;
  std::optional<std::int64_t> best_version;
  std::optional<double> best_value;
  std::int64_t without_better = 0;
  std::optional<JobStateChange> job_state{};  // none: as before
  std::vector<UpdateId> contributions{};      // accepted ones, that are part of it
  std::optional<PrivacyCost> privacy{};       // entered in the ledger; none: nothing was noised
};

// A client's line in a round, for people and for repeated receipts.
struct ContributionRow {
  std::int64_t task = 0;
  std::int64_t client = 0;
  std::int64_t round = 0;  // that it is part of; that was at work, if it is not committed
  std::int64_t base_version = 0;
  bool committed = false;
  std::int64_t examples = 0;
  double weight = 0;
  Checksum checksum{};
  std::uint64_t bytes = 0;
  std::string outcome;  // "accepted", "refused", "discarded"
  int reason = 0;
  std::string detail, metrics;
  std::int64_t at = 0;

  bool operator==(const ContributionRow&) const = default;
};

// One attempt in a job's history.
struct RoundRow {
  std::int64_t round = 0, attempt = 0;
  std::string state;  // "collecting", "closing", "abandoned", "committed"
  int reason = 0;
  std::int64_t goal = 0;
  double total_weight = 0;
  std::int64_t cohort = 0;                                // clients asked
  std::int64_t accepted = 0, refused = 0, discarded = 0;  // of the round, all attempts
  std::int64_t opened_at = 0;
  std::optional<std::int64_t> committed_at;
  std::string metrics;

  bool operator==(const RoundRow&) const = default;
};

// Where a job stands: all that a restarted daemon needs to go on.
struct JobProgress {
  Job job;
  std::optional<std::string> statistics;  // round 0's metrics, once it is committed
  // The last attempt of the round that is not committed; none if no attempt at it has begun.
  std::optional<RoundStart> open;
  std::string open_state;  // "collecting", "closing", "abandoned"
  // Accepted ones that are part of no round yet, and all others of that round; by task and client.
  std::vector<ContributionRow> contributions;
  std::vector<ContributionRow> previous;  // the last committed one of each client
  std::vector<OpenTask> tasks;            // of an asynchronous job, by task
  std::int64_t last_task = 0;             // that anything is known of
};

}  // namespace fed::store
