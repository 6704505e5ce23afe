// The real fedserver as a child process, with a state folder that this process fills before.
//
// Members are written into the registry through the store's own layer, so that ten thousand of them
// do not have to join one by one. What the server costs is read from the kernel. Used from one
// thread, but for the readings, which are safe from any. The destructor kills the child.
#pragma once

#include <nlohmann/json.hpp>
#include <span>

#include "config/server.h"
#include "process_stats.h"
#include "synthetic_client.h"
#include "workspace.h"

namespace fed::bench {

class ServerProcess {
 public:
  struct Options {
    Durability durability = Durability::power;
    int io_threads = 0, compute_threads = 0;  // 0: one a core
    std::uint64_t memory_bytes_max = 0;
    double idle_s = 120;
  };

  // Makes a state folder inside `workspace`, which outlives it, with `members` clients, and starts
  // `program` on a free port of 127.0.0.1. Returns when it is ready.
  static Result<std::unique_ptr<ServerProcess>> start(const fs::path& program, Workspace& workspace,
                                                      std::size_t members, const Options& options);
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  // By signal 9, at once.
  void kill();
  // Again, with the state that is there, on the same port. Returns when it is ready.
  Status restart();
  // In good order. What it has used is readable until then.
  void stop();

  // The operator's socket: {"command": ...}.
  Result<nlohmann::json> ask(const nlohmann::json& request) const;
  Status submit(const std::string& job) const;
  // Submits and waits until nothing is left to do but the clients' work.
  std::span<const Member> members() const { return members_; }
  pid_t process() const { return process_; }
  double cpu_seconds() const;
  ProcessMemory memory() const { return memory_of(process_); }
  // The last lines of its log, for errors.
  std::string last_words() const;

 private:
  ServerProcess(fs::path program, Workspace& workspace)
      : program_(std::move(program)), workspace_(workspace) {}
  Status prepare(std::size_t members, const Options& options);
  Status launch();
  Status await_ready(int notifications) const;

  const fs::path program_;
  Workspace& workspace_;
  config::ServerSpec spec_;
  fs::path config_file_;
  std::vector<Member> members_;
  pid_t process_ = -1;
};

}  // namespace fed::bench
