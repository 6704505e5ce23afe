// The control loop's state: who is connected, which jobs there are; the joint between sessions,
// jobs and the operator.
//
// Control loop only, like everything it owns.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "app/directory.h"
#include "app/job.h"
#include "app/services.h"
#include "app/session.h"

namespace fed::app {

// What the coordinator is made of; outlives it.
struct CoordinatorParts {
  const config::ServerSpec& config;
  store::Journal& journal;
  store::Staging& staging;
  const store::Checkpoints& checkpoints;
  aggregate::ParallelFor parallel_for;
  unsigned threads = 1;
  Directory& directory;
  Disk& disk;
  fs::path blobs;
  Loop& control;
  Executor& compute;
  std::uint64_t memory_bytes_max = 0;
  std::uint64_t early_fold_from = kEarlyFoldFrom;
};

// When a client's last connection was lost, and why.
struct Departure {
  Instant at{};
  std::string why;
};

class Coordinator final : public SessionListener {
 public:
  explicit Coordinator(CoordinatorParts parts);

  // Takes up the jobs of the journal. An error is one of the registry.
  Status start();

  // SessionListener.
  void opened(std::shared_ptr<Session> session) override;
  void received(std::shared_ptr<Session> session, wire::Message message) override;
  void uploaded(std::shared_ptr<Session> session, store::UploadKey key,
                Result<store::UploadFacts> facts) override;
  void closed(std::shared_ptr<Session> session, Error reason) override;

  // The operator. `done` is called once, on the control loop, when the outcome is known and
  // durable.
  using Done = std::function<void(Status)>;
  void submit(config::JobSpec spec, Done done);
  Status order(const std::string& job, round::JobState to);  // paused, running, cancelled
  // The round at work is the last one; `rested` is called when no job has a round at work.
  void drain(std::function<void()> rested);

  struct Invited {
    std::string name;
    channel::JoinId id;
    crypto::SecretKey psk;
    std::int64_t expires_at;
  };
  Result<Invited> invite(const std::string& name, std::int64_t valid_s);
  Status revoke(const std::string& name);
  // A client that has proven its key and its right to join: registers it.
  Result<std::string> join(const channel::JoinId& id, const crypto::PublicKey& key,
                           const crypto::VerifyKey& identity);

  // Ends all sessions, saying `detail`; `alone` is called when the last one is gone.
  void disconnect_all(const std::string& detail, std::function<void()> alone);

  const std::map<std::string, std::shared_ptr<Job>>& jobs() const { return jobs_; }
  std::shared_ptr<Job> job(const std::string& name) const;
  std::shared_ptr<Session> session_of(std::int64_t client) const;
  std::string name_of(std::int64_t client) const;
  // What a connected client has said of its site's limits; null if it has none.
  const SiteLimits* site_of(std::int64_t client) const;
  // Of a client that was connected since the daemon began and is not now; else null.
  const Departure* departure_of(std::int64_t client) const;
  std::uint64_t memory_in_use() const;  // by the jobs at work, at their worst moment
  std::size_t connected() const { return sessions_.size(); }
  const store::Journal& journal() const { return parts_.journal; }
  store::Journal& journal() { return parts_.journal; }
  const CoordinatorParts& parts() const { return parts_; }
  const Services& services() const { return services_; }

 private:
  struct Candidate {  // a submitted job whose fate depends on the clients' answers
    std::shared_ptr<Job> job;
    std::set<std::int64_t> asked;
    Done done;
    Timer patience;
  };

  Status load_directory();
  Result<std::shared_ptr<const Plan>> plan_that_fits(config::JobSpec spec);
  Status check_key_holder(const config::JobSpec& spec) const;
  void consider(const std::string& name);
  void adopt(const std::string& name);
  void reject(const std::string& name, Error why);
  void site_said(std::int64_t client, const wire::Availability& message);
  void at_rest();

  CoordinatorParts parts_;
  Services services_;
  std::map<std::int64_t, std::shared_ptr<Session>> sessions_;  // by client
  std::map<std::int64_t, std::string> names_;                  // also of those that are revoked
  std::map<std::int64_t, crypto::VerifyKey> identities_;       // the same
  std::map<std::int64_t, SiteLimits> sites_;                   // of those that are connected
  std::set<std::int64_t> revoked_;
  std::map<std::int64_t, Departure> departures_;
  std::map<std::string, std::shared_ptr<Job>> jobs_;
  std::map<std::string, Candidate> candidates_;
  bool draining_ = false;
  std::vector<std::function<void()>> rested_;
  std::function<void()> alone_;
};

}  // namespace fed::app
