// `fedsim run JOB`: a job tried out with virtual clients.
#pragma once

#include "cli/command.h"

namespace fed::sim {

cli::Command run_command();

}  // namespace fed::sim
