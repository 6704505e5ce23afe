// From the journal's rows to the engine's snapshot. Pure functions.
#pragma once

#include <string>

#include "round/snapshot.h"
#include "store/records.h"

namespace fed::app {

round::Snapshot snapshot_of(const store::JobProgress& progress, bool asynchronous);

round::JobState state_of(const store::JobProgress& progress);
bool has_ended(const store::JobProgress& progress);

// The scaling that round 0 found, as closing.h writes it; empty if there was none.
std::string scaling_of(const store::JobProgress& progress);

}  // namespace fed::app
