#include "workloads.h"

namespace fed::bench {
namespace {

constexpr Workload kWorkloads[] = {
    {"a", "10 million parameters, 8 clients, 3 rounds", run_large_rounds},
    {"b", "1 million parameters, 8 clients, 10 rounds", run_medium_rounds},
    {"c", "1 KB model, 2, 50 and 500 clients", run_small_rounds},
    {"d", "one stream up, one stream down", run_streams},
    {"e", "800 million parameters, 6 clients, one round", run_huge_model},
    {"f", "10 million parameters, 2 and 200 clients", run_peak_memory},
    {"g", "10,000 idle connections", run_idle_connections},
    {"h", "fold kernels, 10 million x 10", run_fold_kernels},
    {"i", "handshakes", run_handshakes},
    {"j", "restart after kill -9 with 100 accepted updates", run_restart},
    {"k", "local training", run_local_training},
    {"l", "secure sums, 100 and 1,000 clients", run_secure_sums},
};

}  // namespace

std::span<const Workload> workloads() { return kWorkloads; }

}  // namespace fed::bench
