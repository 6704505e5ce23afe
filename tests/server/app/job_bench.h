// One real Job on a simulated loop and disk, with the real store below it and clients whose link is
// the test: for what a job says and records at moments that only a test can make.
//
//   JobBench bench(kText);
//   bench.start();
//   bench.connect(1).says(wire::JobAnswer{...});
//   bench.pass(1);
//   bench.client(1).heard<wire::Task>();
//   bench.restart();  // as by kill -9: only what is on the disk is left
//
// Not thread-safe.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/job.h"
#include "app/server_state.h"
#include "sim/sim_disk.h"
#include "sim/sim_loop.h"
#include "support/heard_link.h"

namespace fed::test {

// A client as the server meets it. Its words reach the job a moment later: see JobBench::pass.
class BenchClient {
 public:
  BenchClient(Loop& control, Executor& compute, store::Staging& staging, app::SessionListener& ear,
              std::int64_t id);
  ~BenchClient();  // the link and the session hold each other until then
  BenchClient(const BenchClient&) = delete;
  BenchClient& operator=(const BenchClient&) = delete;

  void says(wire::Message message);
  void sends(std::uint64_t upload, std::uint64_t offset, ByteView chunk);
  template <class M>
  std::vector<M> heard() const {
    return link_->all<M>();
  }
  const std::shared_ptr<app::Session>& session() const { return session_; }

 private:
  std::shared_ptr<HeardLink> link_;
  std::shared_ptr<app::Session> session_;
};

class JobBench {
 public:
  explicit JobBench(const std::string& job_text);
  ~JobBench();

  // The job as the journal has it; it is added to the journal where that does not know it.
  void start();
  // The process dies, and another one opens what is on the disk. The job is not started.
  void restart();
  void pass(double seconds);

  // A connection of this client, which has said Hello; it replaces an earlier one.
  BenchClient& connect(std::int64_t client);
  BenchClient& client(std::int64_t client);

  app::Job& job();
  store::Journal& journal();
  store::Staging& staging();
  store::Checkpoints& checkpoints();
  sim::SimDisk& disk() { return disk_; }
  // By which clients are known to sign; of no other is a secure sum made.
  std::map<std::int64_t, crypto::VerifyKey> identities;
  // Holds back what a session says of a whole update, until `deliver`.
  void hold_uploads();
  void deliver();

 private:
  struct Life;

  sim::Queue queue_;
  sim::SimDisk disk_;
  config::ServerSpec server_;
  std::shared_ptr<const app::Plan> plan_;
  std::int64_t unix_offset_ = 0;
  std::uint64_t lives_ = 0;
  std::unique_ptr<Life> life_;
};

}  // namespace fed::test
