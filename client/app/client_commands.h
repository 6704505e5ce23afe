// The commands of `fedclient`, one file each: their options, what they do, what they print.
#pragma once

#include "cli/command.h"

namespace fed::app {

cli::Command join_command();
cli::Command check_command();
cli::Command run_command();
cli::Command evaluate_command();
cli::Command predict_command();
cli::Command status_command();
cli::Command roster_command();
cli::Command key_command();
cli::Command split_command();

}  // namespace fed::app
