// What a schema cannot say: conditions between keys of one file. They run once the schema has
// passed.
//
// Free functions; thread-safe.
#pragma once

#include <string>

#include "config/data.h"
#include "config/job.h"
#include "config/problem.h"

namespace fed::config {

// All problems of a job whose optional keys are filled in where they follow from others. In `job`,
// 0 as `model.inputs` or `model.outputs` stands for a key that is missing.
Problems check_job(const JobSpec& job);

// Adds what is wrong between the keys of a `data` section at `pointer`.
void check_data(const DataSpec& data, const std::string& pointer, Problems& problems);

}  // namespace fed::config
