// What a job needs before it can begin or go on: its models, loaded and sealed, and its scaling.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "app/global_model.h"
#include "app/plan.h"
#include "app/services.h"
#include "data/statistics.h"
#include "store/records.h"

namespace fed::app {

struct Prepared {
  // By version: the latest one, and those that open tasks of an asynchronous job began from (only
  // to be fetched: without weights in memory).
  std::map<std::int64_t, std::shared_ptr<const GlobalModel>> models;
  std::vector<data::Scaling> scaling;
};

// On the compute pool. Also removes updates of rounds that are over, which a crash between a commit
// and its tidying up has left. Errors: what reading and writing the state can give.
Result<Prepared> prepare(const Plan& plan, const Services& services,
                         const store::JobProgress& progress);

}  // namespace fed::app
