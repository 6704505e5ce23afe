// This machine's wall clock, in its own time zone, as hours are reckoned in.
//
// A free function; thread-safe.
#pragma once

#include <cstdint>

#include "session/hours.h"

namespace fed::app {

session::LocalTime local_time(std::int64_t unix_seconds);

}  // namespace fed::app
