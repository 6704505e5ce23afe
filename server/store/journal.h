// The registry of the daemon, `registry.db`: clients, invites, jobs, rounds, contributions.
//
// Every method is one transaction: done completely and, with Durability::power, on the disk when it
// returns; or an error and nothing has changed. So an acknowledgement may follow a call. SQLite in
// WAL mode: synchronous FULL for power, NORMAL for process (which survives the death of the
// process, not of the machine). Errors: disk_full when the disk or `bytes_max` is full, nothing
// lost and reading still possible; malformed for a damaged file; io otherwise. A database of a
// newer program is refused with `unsupported`. Where a method says nothing else, not_found names
// the job, client or invite that is not there.
//
// Not thread-safe: one owner, as a rule the strand of the engines. A crash at any moment leaves a
// file that opens again.
#pragma once

#include <map>
#include <memory>
#include <span>

#include "base/disk.h"
#include "store/records.h"

namespace fed::store {

class Database;

struct JournalOptions {
  Durability durability = Durability::power;
  std::uint64_t bytes_max = 0;  // of the database file; 0 = as much as the disk has
};

class Journal {
 public:
  // Creates the file with mode 0600 where there is none.
  static Result<Journal> open(Disk& disk, const fs::path& path, const JournalOptions& options = {});
  Journal(Journal&&) noexcept;
  Journal& operator=(Journal&&) noexcept;
  ~Journal();

  // --- who may connect ---

  // already_exists if the id is taken, or the name belongs to a client that is not revoked. An
  // older unused invite of the same name is withdrawn.
  Status add_invite(const Invite& invite);
  // The invite to check a joining peer against. not_found if unknown or used up, `invalid` if
  // expired.
  Result<Invite> find_invite(const InviteId& id, std::int64_t now);
  Result<std::vector<PendingInvite>> invites();  // not used yet, by name; also expired ones
  // Registers the client and uses the invite up, its secret being overwritten. Again with the same
  // channel key: the same client once more, since the answer may have been lost. already_exists for
  // another key or a key that some client has.
  Result<Client> take_invite(const InviteId& id, const crypto::PublicKey& channel_key,
                             const crypto::VerifyKey& identity_key, std::int64_t now);
  // Also a revoked client: the caller says so to it. Nothing if the key is unknown.
  Result<std::optional<Client>> find_client_by_key(const crypto::PublicKey& channel_key);
  Result<Client> find_client(std::string_view name);  // the latest of that name
  Result<std::vector<Client>> clients();              // by id
  // For ever; the name is free again. An unused invite of the name is withdrawn. `invalid` if
  // revoked already.
  Status revoke(std::string_view name, std::int64_t now);
  Status touch(std::int64_t client, std::int64_t now);  // last seen

  // --- jobs ---

  Status add_job(std::string_view name, std::string_view spec, std::string_view state,
                 std::int64_t now);  // already_exists; the same again, untouched, is no error
  Result<std::vector<Job>> jobs();   // in the order of submission
  Result<Job> find_job(std::string_view name);
  Status set_job_state(std::string_view name, std::string_view state, int reason,
                       std::string_view detail, std::int64_t now);

  // --- rounds ---

  // already_exists unless the attempt is a new one at a round that is not committed.
  Status begin_round(const RoundStart& start);
  // All of them or none. already_exists for a number that is taken.
  Status open_tasks(std::string_view job, const std::vector<OpenTask>& tasks);
  Status end_task(std::string_view job, std::int64_t task);  // none there is no error
  // "closing" or "abandoned". not_found if there is no such attempt, `invalid` if it is committed.
  Status set_round_state(std::string_view job, std::int64_t round, std::int64_t attempt,
                         std::string_view state, int reason);
  // Ends the open tasks; all of them or none. Once per client and task: again with the same
  // checksum changes nothing and is no error; already_exists with another one. Replaces an earlier
  // refusal. `invalid` if no attempt at the round has begun or it is committed.
  Status accept_contributions(std::span<const Accepted> accepted);
  // The checksum of an update that was accepted, whether it is part of a version yet or not.
  Result<std::optional<Checksum>> accepted(std::string_view job, const UpdateId& update);
  // An accepted update that will be part of no round. What is committed stays: no error.
  Status discard_contribution(std::string_view job, const UpdateId& update, int reason);
  // Refused or discarded. What was accepted stays accepted: then nothing changes, and it is no
  // error.
  Status record_outcome(const Outcome& outcome);
  // The round, the job's version, its evaluation and, where given, its state at once. Again with
  // the same version: no error, so that a commit whose answer was lost may be repeated. `invalid`
  // for a version that goes back.
  Status commit_round(const RoundCommit& commit);

  // --- the privacy ledger: written with the commit, before anybody sees the version ---

  Result<std::vector<LedgerRow>> privacy_ledger(std::string_view job);  // by round
  // Of all jobs, the versions that an update of this client is part of; by job and round.
  Result<std::vector<LedgerRow>> privacy_ledger_of(std::int64_t client);
  // Of each client, the tasks whose update is part of a version; ascending.
  Result<std::map<std::int64_t, std::vector<std::int64_t>>> committed_tasks(std::string_view job);

  // --- reading back ---

  Result<JobProgress> load_job_progress(std::string_view job);
  Result<std::vector<RoundRow>> history(std::string_view job);  // by round, then attempt
  // Of a round, by task and client.
  Result<std::vector<ContributionRow>> contributions(std::string_view job, std::int64_t round);
  // Accepted and part of no round yet, by task and client.
  Result<std::vector<ContributionRow>> uncommitted(std::string_view job);

 private:
  explicit Journal(std::unique_ptr<Database> database);

  std::unique_ptr<Database> database_;
};

}  // namespace fed::store
