// Collects what why.h explains: the engine's report, what the sessions have measured, and who is
// registered. Control loop only.
#pragma once

#include "app/coordinator.h"
#include "app/why.h"

namespace fed::app {

// `job` has a report.
View view_of(const Coordinator& coordinator, const Job& job);

Room room_of(const Coordinator& coordinator);

}  // namespace fed::app
