// `fedbench run`: the workloads, one after the other.
#pragma once

#include "cli/command.h"

namespace fed::bench {

cli::Command run_command();

}  // namespace fed::bench
