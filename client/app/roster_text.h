// The site's roster of peers (session/peers.h) as `fedclient roster` and `fedclient status` show
// it.
//
// Free functions; thread-safe.
#pragma once

#include <string>
#include <vector>

#include "base/disk.h"
#include "session/peers.h"

namespace fed::app {

// As it lies in the state folder; for a look, so that nobody is met with it.
Result<session::Peers> load_roster(Disk& disk, const fs::path& state);

// One sentence for each alarm, with what to do.
std::vector<std::string> alarm_lines(const session::Peers& peers);

// One line for `fedclient status`: the names of the peers with alarms, or why the roster cannot be
// read; empty if all is well.
std::string alarm_summary(const Result<session::Peers>& peers);

}  // namespace fed::app
