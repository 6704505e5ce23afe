// The daemon: everything that `fedserver run` needs, put together, from the lock on the state
// folder to the last orderly goodbye.
#pragma once

#include "base/error.h"
#include "base/file.h"
#include "config/server.h"

namespace fed::app {

// Runs until SIGTERM, SIGINT or a drained server's stop; SIGHUP reads the log level again from
// `config_file`. Returns when everything is closed. Errors are those of the start: a locked folder,
// a port in use, a damaged registry.
Status run_daemon(config::ServerSpec config, const fs::path& config_file);

}  // namespace fed::app
