// What the commands of fedbench have in common.
#pragma once

#include "cli/command.h"
#include "workspace.h"

namespace fed::bench {

// --state and --server.
void add_common_options(cli::options::options_description& options);

// A folder to work in: inside of --state, else of $TMPDIR, else of /var/tmp.
Result<std::unique_ptr<Workspace>> make_workspace(const cli::Arguments& arguments);

// --server, else the fedserver beside this program.
fs::path server_program(const cli::Arguments& arguments);

}  // namespace fed::bench
