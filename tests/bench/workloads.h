// The workloads, one function each; README.md says what they are.
#pragma once

#include "bench.h"

namespace fed::bench {

Status run_large_rounds(Bench& bench);      // a
Status run_medium_rounds(Bench& bench);     // b
Status run_small_rounds(Bench& bench);      // c
Status run_streams(Bench& bench);           // d
Status run_huge_model(Bench& bench);        // e
Status run_peak_memory(Bench& bench);       // f
Status run_idle_connections(Bench& bench);  // g
Status run_fold_kernels(Bench& bench);      // h
Status run_handshakes(Bench& bench);        // i
Status run_restart(Bench& bench);           // j
Status run_local_training(Bench& bench);    // k
Status run_secure_sums(Bench& bench);       // l

}  // namespace fed::bench
