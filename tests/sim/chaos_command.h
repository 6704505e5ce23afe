// `fedsim chaos`: many seeds, and what they came to.
#pragma once

#include "cli/command.h"

namespace fed::sim {

cli::Command chaos_command();

}  // namespace fed::sim
