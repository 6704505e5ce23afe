// What every workload works with.
//
// A workload measures, adds its rows to the report, and leaves nothing behind. An error ends it;
// the others go on.
#pragma once

#include <span>

#include "limits.h"
#include "report.h"
#include "server_process.h"
#include "workspace.h"

namespace fed::bench {

struct Bench {
  fs::path server_program;
  Workspace& workspace;
  MachineLimits& limits;
  Report& report;
  bool quick = false;  // tiny sizes: shows that everything works, and measures nothing

  // `full`, or `tiny` if quick.
  template <class T>
  T sized(T full, T tiny) const {
    return quick ? tiny : full;
  }
  Result<std::unique_ptr<ServerProcess>> start_server(std::size_t members,
                                                      const ServerProcess::Options& options = {}) {
    return ServerProcess::start(server_program, workspace, members, options);
  }
};

struct Workload {
  const char* letter;
  const char* title;
  Status (*run)(Bench&);
};

std::span<const Workload> workloads();

}  // namespace fed::bench
