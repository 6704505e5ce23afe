// Numbers with their units, as people read them. Pure.
#pragma once

#include <string>

namespace fed::app {

// "812 bytes", "38.0 kB", "1.5 MB", "2.30 GB".
std::string bytes_text(double bytes);

// "0.4 s", "47 s", "1 min 32 s", "2 h 5 min", "3 d 4 h".
std::string duration_text(double seconds);

}  // namespace fed::app
