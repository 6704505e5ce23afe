// The commands of fedserver, by where they work: in this process, or in the daemon through its
// admin socket.
#pragma once

#include <vector>

#include "cli/command.h"

namespace fed::app {

std::vector<cli::Command> local_commands();   // init, run, check, schema, privacy
cli::Command privacy_planning();              // of these
std::vector<cli::Command> remote_commands();  // all others

}  // namespace fed::app
