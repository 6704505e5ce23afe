// How much this process yields to others (nice(2)).
//
// A free function; call it before threads are started that come and go.
#pragma once

namespace fed::app {

// Raises the nice level of every thread that there is to `level` (0: left as it is); those that are
// started later inherit it. A level that is higher already stays.
void yield_to_others(int level);

}  // namespace fed::app
