// What a schema cannot say: conditions between keys of one file, of those sections of it that are
// whole.
//
// Free functions; thread-safe.
#pragma once

#include <string>

#include "config/data.h"
#include "config/document.h"
#include "config/job.h"
#include "config/problem.h"

namespace fed::config {

// All problems of a job whose optional keys are filled in where they follow from others. In `job`,
// 0 as `model.inputs` or `model.outputs` stands for a key that is missing. Nothing is said of what
// hangs on a section of `file` that is not whole.
Problems check_job(const JobSpec& job, const Examined& file);

// Adds what does not go with `privacy`, if the job has it.
void check_privacy(const JobSpec& job, const Examined& file, Problems& problems);

// Adds what does not go with `quantisation`, and with what hides updates, where the job has them.
void check_sums(const JobSpec& job, const Examined& file, Problems& problems);

// Adds what is wrong between the keys of a `data` section at `pointer`.
void check_data(const DataSpec& data, const std::string& pointer, Problems& problems);

}  // namespace fed::config
