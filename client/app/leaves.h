// What leaves this site, and what does not, for `fedclient check`: by what its client file demands
// and, where it is known, by the job.
//
// Free functions; thread-safe.
#pragma once

#include <string>
#include <vector>

#include "config/client.h"
#include "config/job.h"

namespace fed::app {

// One sentence a line. Without `job`, what depends on the job is said so; a job that the site's
// file declines has nothing to ask here.
std::vector<std::string> leaves_lines(const config::ClientSpec& spec, const config::JobSpec* job);

// What never leaves, whatever the job.
std::vector<std::string> stays_lines(const config::ClientSpec& spec);

}  // namespace fed::app
