#include "workloads.h"

namespace fed::bench {
namespace {

constexpr Workload kWorkloads[] = {
    {"a", "10 million parameters, 8 clients, 3 rounds", run_large_rounds},
    {"b", "1 million parameters, 8 clients, 10 rounds", run_medium_rounds},
    {"c", "1 KB model, 2, 50 and 500 clients", run_small_rounds},
    {"d", "one stream up, one stream down", run_streams},
};

}  // namespace

std::span<const Workload> workloads() { return kWorkloads; }

}  // namespace fed::bench
