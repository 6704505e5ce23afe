#include "workloads.h"

namespace fed::bench {
namespace {

constexpr Workload kWorkloads[] = {
    {"a", "10 million parameters, 8 clients, 3 rounds", run_large_rounds},
    {"b", "1 million parameters, 8 clients, 10 rounds", run_medium_rounds},
};

}  // namespace

std::span<const Workload> workloads() { return kWorkloads; }

}  // namespace fed::bench
