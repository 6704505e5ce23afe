// A progress bar on stderr, where that is a terminal; elsewhere a line for each new text.
#pragma once

#include <string>

namespace fed::bench {

void show_progress(double share, const std::string& doing);
void clear_progress();

}  // namespace fed::bench
