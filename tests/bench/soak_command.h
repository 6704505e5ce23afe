// `fedbench soak`: rounds without end, clients that lose their lines at random, and a server whose
// memory and descriptors must not grow.
#pragma once

#include "cli/command.h"

namespace fed::bench {

cli::Command soak_command();

}  // namespace fed::bench
