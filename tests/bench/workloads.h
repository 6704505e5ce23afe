// The workloads, one function each; README.md says what they are.
#pragma once

#include "bench.h"

namespace fed::bench {

Status run_large_rounds(Bench& bench);   // a
Status run_medium_rounds(Bench& bench);  // b
Status run_small_rounds(Bench& bench);   // c
Status run_streams(Bench& bench);        // d

}  // namespace fed::bench
