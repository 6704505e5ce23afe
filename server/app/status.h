// The state of the daemon as JSON: what `fedserver status`, `why`, `jobs`, `show` and `clients` are
// made of, with
// --json exactly as it is here. Control loop only.
#pragma once

#include "app/coordinator.h"
#include "app/metrics_json.h"
#include "app/replay.h"

namespace fed::app {

Json clients_json(const Coordinator& coordinator);
Json jobs_json(const Coordinator& coordinator);
Json status_json(const Coordinator& coordinator);
Json show_json(const Coordinator& coordinator, const Job& job);  // with the job file and all rounds
Json why_json(const Coordinator& coordinator, const Job& job);   // client by client
Json replay_json(const Replayed& replayed);

}  // namespace fed::app
