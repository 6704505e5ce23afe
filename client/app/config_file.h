// The client file that a command was given, or all that is wrong with it on stderr.
#pragma once

#include <optional>

#include "cli/command.h"
#include "config/client.h"

namespace fed::app {

// For a command's add_options.
void add_config_option(cli::options::options_description& options);

// Reads --config. Without a value everything has been said: return cli::bad_usage.
std::optional<config::ClientSpec> load_config(const cli::Arguments& arguments);

// Prints the problems of `file`, as JSON with --json. Returns cli::bad_usage.
int fail(const cli::Arguments& arguments, const std::string& file,
         const config::Problems& problems);

}  // namespace fed::app
