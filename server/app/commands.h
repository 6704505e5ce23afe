// The commands of fedserver, by where they work: in this process, or in the daemon through its
// admin socket.
#pragma once

#include <vector>

#include "cli/command.h"

namespace fed::app {

std::vector<cli::Command> local_commands();   // init, run, check, schema
std::vector<cli::Command> remote_commands();  // all others

// `privacy plan`, which needs no daemon.
void add_plan_options(cli::options::options_description& add);
int plan_privacy(const cli::Arguments& arguments);

}  // namespace fed::app
