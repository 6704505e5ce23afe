// What two of the journal's methods share. Internal to the layer.
#pragma once

#include "store/records.h"
#include "store/sqlite.h"

namespace fed::store {

// Inside a transaction; the job is there.
Status update_job_state(Database& database, std::string_view job, const JobStateChange& change,
                        std::int64_t now);

}  // namespace fed::store
