// The folder that a run works in, and what must not outlive it: the folder and the child processes.
//
// On SIGINT, SIGTERM and SIGHUP a thread of its own kills the children, removes the folder and ends
// the process with status 130. One object for a process, made before any other thread.
#pragma once

#include <sys/types.h>

#include <memory>

#include "base/file.h"

namespace fed::bench {

class Workspace {
 public:
  // A new folder inside `parent`.
  static Result<std::unique_ptr<Workspace>> make(const fs::path& parent);
  ~Workspace();
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;

  const fs::path& folder() const { return folder_; }
  // An empty folder of that name.
  fs::path fresh(const std::string& name) const;
  std::uint64_t bytes_free() const;

  // Children to be killed if the run is interrupted. Thread-safe.
  void adopt(pid_t child);
  void release(pid_t child);

 private:
  struct Shared;  // with the thread that waits for the signals
  explicit Workspace(fs::path folder);
  static void await_interruption(const std::shared_ptr<Shared>& shared);

  const fs::path folder_;
  const std::shared_ptr<Shared> shared_;
};

}  // namespace fed::bench
